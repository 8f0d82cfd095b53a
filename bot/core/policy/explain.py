"""Why a person may do something, or may not: every rule, and the approvals that it would need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.approval import Count
from bot.core.policy.decide import Question, decide, find_misses
from bot.core.policy.model import Rule, Target, Verdict
from bot.core.recorded import render_needed
from bot.core.reply import Code, Line, Mark, Note, Part, Reply, Text, User, marked
from bot.core.wording import render_count, render_list


def render_why(
    question: Question, command: str, targets: Sequence[Target] | None, counts: Sequence[Count] = ()
) -> Reply:
    """
    Args:
        targets: what the command would touch; None: it touches nothing.
        counts: the approvals that it would need.
    """
    where = question.where
    verdict = decide(question.policy, question.groups, where, question.action, targets, question.level)
    may = "may" if verdict.allowed else "may not"
    return Reply(
        title=(User(id=where.actor), f" {may} ", Code(text=command), " here, now"),
        parts=tuple(_parts(question, targets, verdict, counts)),
        private=True,
    )


def _parts(
    question: Question, targets: Sequence[Target] | None, verdict: Verdict, counts: Sequence[Count]
) -> Iterator[Part]:
    asked = f"Asked of every rule: {question.level} {question.action}"
    yield Text(lines=((asked,),))
    for rule in question.policy.rules:
        granted, line = _explain(question, rule, targets)
        yield Text(lines=((Code(text=rule.name), " ", *line),), mark=Mark.FINE if granted else Mark.NONE)
    if not question.policy.rules:
        yield Text(lines=(("There are no rules, and what no rule grants is not allowed.",),))
    for group, why in sorted(question.groups.unknown.items()):
        unread = f"Who is in the user group {group} is not known: {why}. It counts as empty."
        yield Text(lines=((unread,),), mark=Mark.WARNING)
    if verdict.barred:
        yield Text(lines=((f"Rules do not decide: {verdict.reason}",),), mark=Mark.BLOCKING)
    if verdict.allowed and counts:
        yield Text(lines=(("After its confirmation it needs:",), *map(render_needed, counts)))
    yield Note(line=marked("Rules stand under `[rules]` in the settings; `help policy why` tells more"))


def _explain(question: Question, rule: Rule, targets: Sequence[Target] | None) -> tuple[bool, Line]:
    """Whether the rule grants all of it, and what is said of it."""
    misses = [tuple(find_misses(question, rule, target)) for target in targets or (None,)]
    covered = sum(not each for each in misses)
    if covered == len(misses):
        return True, ("grants it",)
    first = next(each for each in misses if each)
    part = f"grants {covered} of {render_count(len(misses), 'move')}; of another it " if covered else ""
    return bool(covered), (f"{part}{render_list(first)}",)
