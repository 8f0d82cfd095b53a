"""What a command tells Ferry about an operation that exists. Data only: the desk acts on it."""

from __future__ import annotations

from typing import Literal

from bot.core.estate import Frozen


class Confirm(Frozen):
    signal: Literal["confirm"] = "confirm"
    operation: str


class Cancel(Frozen):
    signal: Literal["cancel"] = "cancel"
    operation: str


Signal = Confirm | Cancel
