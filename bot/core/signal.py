"""What a command tells Ferry to do with operations that exist, or with its journal. Data: the desk acts on it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.core.estate import Frozen
from bot.core.holds.model import Held


class Confirm(Frozen):
    signal: Literal["confirm"] = "confirm"
    operation: str


class Approve(Frozen):
    signal: Literal["approve"] = "approve"
    operation: str


class Decline(Frozen):
    signal: Literal["decline"] = "decline"
    operation: str
    reason: str = ""


class Cancel(Frozen):
    signal: Literal["cancel"] = "cancel"
    operation: str


class Look(Frozen):
    signal: Literal["look"] = "look"
    operation: str


class Close(Frozen):
    signal: Literal["close"] = "close"
    operation: str
    reason: str


class Pause(Frozen):
    signal: Literal["pause"] = "pause"
    operation: str


class Resume(Frozen):
    signal: Literal["resume"] = "resume"
    operation: str


class Freeze(Frozen):
    """Start nothing new."""

    signal: Literal["freeze"] = "freeze"
    reason: str
    until: datetime | None = None


class Unfreeze(Frozen):
    signal: Literal["unfreeze"] = "unfreeze"


class Lock(Frozen):
    """Start nothing that touches this."""

    signal: Literal["lock"] = "lock"
    held: Held
    reason: str
    until: datetime | None = None


class Unlock(Frozen):
    signal: Literal["unlock"] = "unlock"
    what: str


class Anchor(Frozen):
    signal: Literal["anchor"] = "anchor"


class Watch(Frozen):
    """Tell whoever says so of changes of a VM, by its id, or of a host, by the settings' name of it."""

    signal: Literal["watch"] = "watch"
    kind: Literal["vm", "host"]
    what: str
    name: str  # what people call it


class Unwatch(Frozen):
    signal: Literal["unwatch"] = "unwatch"
    what: str
    name: str


Agreement = Confirm | Approve | Decline
"""What people agree to or not, of an operation of any kind."""

Holding = Freeze | Unfreeze | Lock | Unlock
"""What holds back all that is planned, or some of it, and ends that."""

Signal = Agreement | Cancel | Look | Close | Pause | Resume | Holding | Anchor | Watch | Unwatch
