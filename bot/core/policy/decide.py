"""Who may do what. Deny by default: what no rule grants is not allowed, and each no says what was missing.

Asked by action before arguments are read; with the targets of the finished plan; at each click; and at the start.
A time that counts is that of a person's decision, so that a long queue does not decide: the start is judged by the
hours at which it was confirmed. Who or what is not of one's own changes nothing, whatever rules grant: see `outside`.
A freeze or a lock is no matter of who may: see `bot.core.holds`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.lifecycle import State
from bot.core.operation import Recorded
from bot.core.policy.model import DIRECT, SIMPLE, Groups, Level, Policy, Rule, Target, Verdict, Where
from bot.core.wording import render_list

_LOOKS = frozenset(
    {
        "help",
        "unknown",
        "host.read",
        "vm.read",
        "operation.read",
        "operation.look",
        "history.read",
        "policy.read",
        "hold.read",
    }
)
_STOPS = frozenset({"operation.cancel", "operation.pause"})
"""Ending what one asked for oneself is allowed at any hour, whatever it touches."""
HOLD_FREEZE, HOLD_LOCK = "hold.freeze", "hold.lock"
"""Making them: a freeze, which is of everything, and a lock. Brakes: hours of rules do not bind them."""
HOLD_UNFREEZE, HOLD_UNLOCK = "hold.unfreeze", "hold.unlock"
"""Ending them, which lets things start: a rule that names the one names the other, and its hours count."""
_NAMED_AS = {HOLD_UNFREEZE: HOLD_FREEZE, HOLD_UNLOCK: HOLD_LOCK}
_AT_ANY_HOUR = _STOPS | {HOLD_FREEZE, HOLD_LOCK}
_APPROVES = frozenset({"operation.approve", "operation.decline"})
PLANNED = frozenset({"vm.migrate", "vm.move_storage", "host.evacuate", "host.prepare", "host.maintain"})
NAMED = PLANNED | {HOLD_FREEZE, HOLD_LOCK}
"""What `actions` of a rule may name: actions that change a host, and those that hold them back. What is said about an
operation goes by its own."""

_WORDS = {
    "vm.migrate": "migrate VMs",
    "vm.move_storage": "move the storage of VMs",
    "host.evacuate": "evacuate hosts",
    "host.prepare": "set up hosts",
    "host.maintain": "drain and resume hosts",
    "journal.anchor": "anchor the journal",
    HOLD_FREEZE: "freeze Ferry",
    HOLD_UNFREEZE: "unfreeze Ferry",
    HOLD_LOCK: "lock",
    HOLD_UNLOCK: "unlock",
}


def level_of(action: str) -> Level:
    """What an action needs. One that is not known here changes something, as far as anybody knows."""
    if action in _LOOKS:
        return Level.LOOK
    if action in (HOLD_FREEZE, HOLD_UNFREEZE):
        return Level.OPERATE
    return Level.APPROVE if action in _APPROVES else Level.RUN


def decide(
    policy: Policy,
    groups: Groups,
    where: Where,
    action: str,
    targets: Sequence[Target] | None = None,
    level: Level | None = None,
) -> Verdict:
    """Whether the person may do this, there and then.

    Args:
        action: like "vm.migrate"; "unknown" where the text was no command.
        targets: all that it would touch; each has to be covered by a rule. None: not known yet.
        level: what is done about a plan of that action, if it is not to run it.
    """
    question = Question(policy, groups, where, action, level or level_of(action))
    granting: dict[str, None] = {}
    for target in targets or (None,):
        by = next((rule for rule in policy.rules if not any(find_misses(question, rule, target))), None)
        if by is None:
            return _refuse(question, target)
        granting[by.name] = None
    if question.level is not Level.LOOK and (bar := groups.find_bar(where.actor, where.channel)):
        return Verdict(allowed=False, reason=bar.reason, needed=bar.needed, hint=bar.hint, barred=True)
    return Verdict(allowed=True, reason=f"{where.actor} may {question.level} {action} by {', '.join(granting)}")


@dataclass(frozen=True)
class Question:
    """What is asked of every rule."""

    policy: Policy
    groups: Groups
    where: Where
    action: str
    level: Level


def find_misses(question: Question, rule: Rule, target: Target | None) -> Iterator[str]:
    """Why a rule does not grant this; nothing: it does. What concerns the person comes first."""
    where, level, action = question.where, question.level, question.action
    if not question.groups.has(rule.who, where.actor):
        yield "names others"
    if not rule.includes(level):
        yield f"grants {render_list(sorted(rule.may))}, not {level}"
    if rule.channels and where.channel not in rule.channels and not (where.direct and DIRECT in rule.channels):
        yield "is for other channels"
    held = (question.policy.hours[name].hold(where.local) for name in rule.hours)
    if rule.hours and action not in _AT_ANY_HOUR and not any(held):
        yield f"is for the hours {render_list(rule.hours, last='or')}"
    if level is Level.LOOK:
        return
    if rule.on.actions and _is_limited(action) and _NAMED_AS.get(action, action) not in rule.on.actions:
        yield f"is for {render_list(sorted(rule.on.actions), last='or')}"
    if target is not None:
        yield from rule.on.find_misses(target)


def _is_limited(action: str) -> bool:
    """What people say about an operation is judged by the operation's own action, once it is known which it is."""
    return not action.startswith("operation.")


def _refuse(question: Question, target: Target | None) -> Verdict:
    """What the nearest rule lacks. Who is in no rule learns nothing about the rules."""
    where, level = question.where, question.level
    mine = [rule for rule in question.policy.rules if question.groups.has(rule.who, where.actor)]
    if not mine:
        return _refuse_stranger(question)
    misses = {rule.name: tuple(find_misses(question, rule, target)) for rule in mine}
    name = min(misses, key=lambda each: len(misses[each]))
    own = level is Level.RUN or (level is level_of(question.action) and question.action in _WORDS)
    what = _WORDS.get(question.action, f"do {question.action}") if own else f"{level} this"
    on = f" ({target.vm or render_list(sorted(target.hosts))})" if target is not None else ""
    return Verdict(
        allowed=False,
        reason=f"no rule lets you {what}{on}: the nearest, `{name}`, {render_list(misses[name])}",
        needed=f"a rule under `[rules]` in `ferry.toml` that grants it to `{where.actor}`, your Slack user id",
        hint="`policy why`, your name, `can` and the command: that shows every rule",
    )


def _refuse_stranger(question: Question) -> Verdict:
    unread = [f"who is in the user group {group} is not known: {why}" for group, why in question.groups.unknown.items()]
    actor, policy = question.where.actor, question.policy
    if policy.rules and not all(rule.name.startswith(SIMPLE) for rule in policy.rules):
        return Verdict(
            allowed=False,
            reason="; ".join(["no rule of Ferry's names you", *unread]),
            needed=f"your Slack user id, `{actor}`, or a user group that you are in, in `who` of a rule",
            hint="whoever looks after Ferry adds it under `[rules]` in `ferry.toml`",
        )
    nobody = "Ferry's allow list is empty: nobody may command it"
    return Verdict(
        allowed=False,
        reason="; ".join(["you are not on Ferry's allow list" if policy.rules else nobody, *unread]),
        needed=f"your Slack user id, `{actor}`, on that list",
        hint="whoever looks after Ferry adds it to `allow` under `[slack]` in `ferry.toml`",
    )


def decide_over(
    policy: Policy,
    groups: Groups,
    where: Where,
    action: str,
    operation: Recorded,
    planned: str,
    targets: Sequence[Target],
) -> Verdict:
    """Whether a person whom `decide` lets do this may do it to this operation.

    Whoever may run such a plan may decline its offer; what was confirmed is its requester's and the operators' to
    cancel, or to pause. Approving is for whoever may approve such a plan.

    Args:
        planned: the action of the operation's plan.
        targets: what it touches.
    """
    if action in _APPROVES:
        return decide(policy, groups, where, planned, targets, Level.APPROVE)
    if action not in ("operation.cancel", "operation.close", "operation.pause", "operation.confirm"):
        return Verdict(allowed=True, reason=f"{where.actor} may do {action} to {operation.id}")
    if action in _STOPS and where.actor == operation.requested_by:
        return decide(policy, groups, where, action)
    if action == "operation.confirm" or (action == "operation.cancel" and operation.state is State.PROPOSED):
        return decide(policy, groups, where, planned, targets, Level.RUN)
    operates = decide(policy, groups, where, planned, targets, Level.OPERATE)
    if operates.allowed:
        return operates
    needed = "one of Ferry's operators" if action == "operation.close" else "its requester or one of Ferry's operators"
    return Verdict(
        allowed=False,
        reason=f"{operation.id} is not yours to {action.rpartition('.')[2]}",
        needed=needed,
        hint="operators are named in `operators` under `[slack]`, or by a rule with `operate`, in `ferry.toml`",
    )
