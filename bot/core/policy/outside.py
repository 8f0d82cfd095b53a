"""Who and what is not of one's own workspace: it changes nothing unless settings admit it, whatever rules grant.

Rules decide first; this only takes away. Looking is the rules' alone. Bots, and people whose account is deactivated,
are never admitted. What chat does not say, or said too long ago, counts as outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.core.estate import Frozen


class Mark(StrEnum):
    """What chat says of a person or a channel that may be a reason. The first three can be admitted."""

    GUEST = "guests"
    STRANGER = "strangers"
    SHARED = "shared-channels"
    DEACTIVATED = "deactivated"
    BOT = "bot"
    HIDDEN = "hidden"  # a channel that Ferry does not see


PEOPLE = frozenset({Mark.GUEST, Mark.STRANGER})
ADMISSIBLE = PEOPLE | {Mark.SHARED}

Marks = Mapping[str, frozenset[Mark]]
"""By the id of a person or a channel."""


class Bar(Frozen):
    reason: str
    needed: str
    hint: str


_ADMIT = '`admit = ["{}"]` under `[policy]` in `ferry.toml` lets rules decide'
_ELSEWHERE = "say it in a channel of your own, or to Ferry directly"
_BARS = {
    Mark.BOT: Bar(reason="bots may not change anything", needed="a person", hint="say it yourself"),
    Mark.DEACTIVATED: Bar(
        reason="this account is deactivated in Slack, and may not change anything",
        needed="an account that is in use",
        hint="somebody else has to say it",
    ),
    Mark.STRANGER: Bar(
        reason="people of other workspaces may not change anything",
        needed="a person of Ferry's own workspace",
        hint=_ADMIT.format(Mark.STRANGER),
    ),
    Mark.GUEST: Bar(
        reason="guests of the workspace may not change anything",
        needed="a full member of the workspace",
        hint=_ADMIT.format(Mark.GUEST),
    ),
    Mark.HIDDEN: Bar(
        reason="Slack does not show Ferry this channel, which may be shared: nothing is changed from it",
        needed="a channel that Ferry is in",
        hint=f"invite Ferry to it, or {_ELSEWHERE}",
    ),
    Mark.SHARED: Bar(
        reason="this channel is shared with others: nothing is changed from it",
        needed="a channel of this workspace alone",
        hint=f"{_ELSEWHERE}; {_ADMIT.format(Mark.SHARED)}",
    ),
}


def asks_about(who: str, admitted: frozenset[Mark]) -> bool:
    """Whether it matters what chat says of that person or channel. Direct messages (D…) are their person's."""
    if who.startswith(("U", "W")):
        return not admitted >= PEOPLE
    return who.startswith(("C", "G")) and Mark.SHARED not in admitted


def find_bar(marks: Marks, admitted: frozenset[Mark], who: str, *, trusting: bool = False) -> Bar | None:
    """Why that person may change nothing, or nothing may be changed from that channel; None: rules decide.

    Args:
        trusting: what is not known counts as one's own: for what is only offered, and asked about again.
    """
    if not asks_about(who, admitted):
        return None
    if who not in marks:
        return None if trusting else _unknown(who)
    return next((bar for mark, bar in _BARS.items() if mark in marks[who] - admitted), None)


def _unknown(who: str) -> Bar:
    what = "this channel is shared with others" if who.startswith(("C", "G")) else "you are a guest, or deactivated"
    return Bar(
        reason=f"whether {what} is not known: Slack does not say it now",
        needed="an answer of Slack's",
        hint="say it again in a while; `ferry doctor` looks at what Slack lets Ferry read",
    )
