"""Who may do what. Deny by default: an empty list of people means nobody.

Asked by action before arguments are read, and again for the action of a finished plan. A verdict carries its reason;
whoever asks knows nothing of how it was reached.
"""

from __future__ import annotations

from bot.core.estate import Frozen
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Recorded


class Policy(Frozen):
    """
    Attributes:
        allow: who may command Ferry.
        operators: who may do that, too, and also stop what others asked for and close what needs attention.
    """

    allow: frozenset[UserId] = frozenset()
    operators: frozenset[UserId] = frozenset()


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
    if actor in policy.operators:
        return Verdict(allowed=True, reason=f"{actor} is an operator, who may do {action}")
    if actor in policy.allow:
        return Verdict(allowed=True, reason=f"{actor} is on the allow list, which covers {action}")
    nobody = "Ferry's allow list is empty: nobody may command it"
    return Verdict(
        allowed=False,
        reason="you are not on Ferry's allow list" if policy.allow or policy.operators else nobody,
        needed=f"your Slack user id, `{actor}`, on that list",
        hint="whoever looks after Ferry adds it to `allow` under `[slack]` in `ferry.toml`",
    )


def decide_over(policy: Policy, actor: UserId, action: str, operation: Recorded) -> Verdict:
    """Whether a person whom `decide` lets do this may do it to this operation.

    Whoever may command Ferry may decline an offer; what was confirmed is its requester's and the operators' to
    cancel, or to pause.
    """
    if actor in policy.operators:
        return Verdict(allowed=True, reason=f"{actor} is an operator")
    own = actor == operation.requested_by
    mine = (action == "operation.cancel" and (operation.state is State.PROPOSED or own)) or (
        action == "operation.pause" and own
    )
    if mine or action not in ("operation.cancel", "operation.close", "operation.pause"):
        return Verdict(allowed=True, reason=f"{actor} may do {action} to {operation.id}")
    needed = "one of Ferry's operators" if action == "operation.close" else "its requester or one of Ferry's operators"
    return Verdict(
        allowed=False,
        reason=f"{operation.id} is not yours to {action.rpartition('.')[2]}",
        needed=needed,
        hint="operators are named in `operators` under `[slack]` in `ferry.toml`",
    )
