"""This machine's clock against the database server's, by which all processes on it are held together.

A file has one machine, and no time of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.wording import render_duration
from bot.operations.store.database import Database

APART = timedelta(minutes=1)
REMEDY = "set both by one time server: offers, late commands and room on hosts go by the time"


def find_difference(database: Database, now: datetime) -> str:
    """How far `now` is from the server's time: "3 min ahead of the database server's". Empty: near enough."""
    server = database.read_time()
    if server is None or abs(apart := now - server) <= APART:
        return ""
    side = "ahead of" if apart > timedelta() else "behind"
    return f"{render_duration(abs(apart).total_seconds())} {side} the database server's"
