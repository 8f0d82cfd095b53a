"""The durable rows: operations, their journal, cards, the inbox and the hosts' room, in SQLite or PostgreSQL."""

from bot.operations.store.cards import CardDue, StepDue
from bot.operations.store.store import Grant, Store

__all__ = ["CardDue", "Grant", "StepDue", "Store"]
