"""What a command tells Ferry to do with an operation that exists, or with its journal. Data: the desk acts on it."""

from __future__ import annotations

from typing import Literal

from bot.core.estate import Frozen


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

Signal = Agreement | Cancel | Look | Close | Pause | Resume | Anchor | Watch | Unwatch
