"""Who may do what. Deny by default: an empty list of people means nobody.

Asked by action before arguments are read, and again for the action of a finished plan. A verdict carries its reason;
whoever asks knows nothing of how it was reached.
"""

from __future__ import annotations

from bot.core.estate import Frozen
from bot.core.names import UserId


class Policy(Frozen):
    allow: frozenset[UserId] = frozenset()


class Verdict(Frozen):
    """
    Attributes:
        reason: what was seen; true of a yes as well, because the journal keeps it.
        needed: for a no, what would have to be true.
        hint: for a no, what to do about it.
    """

    allowed: bool
    reason: str
    needed: str = ""
    hint: str = ""


def decide(policy: Policy, actor: UserId, action: str) -> Verdict:
    """Whether the person may do this. `action` is like "vm.migrate"; "unknown" where the text was no command."""
    if actor in policy.allow:
        return Verdict(allowed=True, reason=f"{actor} is on the allow list, which covers {action}")
    nobody = "Ferry's allow list is empty: nobody may command it"
    return Verdict(
        allowed=False,
        reason="you are not on Ferry's allow list" if policy.allow else nobody,
        needed=f"your Slack user id, `{actor}`, on that list",
        hint="whoever looks after Ferry adds it to `allow` under `[slack]` in `ferry.toml`",
    )
