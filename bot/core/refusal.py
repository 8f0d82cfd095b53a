"""Bad news as answers: what was seen, what was needed, what to do next. Claims nothing that is not in the error."""

from __future__ import annotations

from bot.core.findings import render_findings
from bot.core.names import UserId
from bot.core.plan import MoveKind, Plan
from bot.core.reply import Button, Code, Line, Mark, Moment, Note, Part, Quote, Reply, Strong, Text, User, marked
from bot.errors import HostError, HostUnreachable, Locked, Misnamed, Refused, UsageError

_LONGEST_WORDS = 1500
"""Characters of a host's own words that are shown; the log has all of them."""


def render_usage(error: UsageError) -> Reply:
    """Only for the person who typed it."""
    return Reply(title=marked(error.message), parts=_hint(error.hint), private=True, mark=Mark.WARNING)


def render_refused(error: Refused, *, private: bool = False) -> Reply:
    """
    Args:
        private: show it to the asker only, even if the refusal itself would be shown to all.
    """
    needed = (Text(lines=((Strong(text="Needed:"), " ", *marked(error.needed)),)),) if error.needed else ()
    return Reply(
        title=_locked(error) if isinstance(error, Locked) else marked(error.saw),
        parts=(*needed, *_hint(error.hint)),
        buttons=_choices(error) if isinstance(error, Misnamed) else (),
        private=private or error.private,
        mark=Mark.WARNING,
    )


def render_host_error(error: HostError) -> Reply:
    parts: list[Part] = []
    if error.words:
        shortened = len(error.words) > _LONGEST_WORDS
        parts.append(Quote(text=error.words[:_LONGEST_WORDS] + ("…" if shortened else "")))
    parts += _hint(error.hint)
    if isinstance(error, HostUnreachable):
        unknown = f"What {error.host} holds and does is unknown until it answers; `hosts` asks every host again."
        parts.append(Text(lines=(marked(unknown),)))
    if error.code:
        parts.append(Note(line=("error ", Code(text=error.code))))
    return Reply(title=marked(error.message), parts=tuple(parts), mark=Mark.BLOCKING)


def render_incident(incident: str) -> Reply:
    """For a bug of ours: nothing is claimed about what was done."""
    return Reply(
        title=("Ferry met a fault of its own, incident ", Code(text=incident)),
        parts=(
            Text(
                lines=(
                    marked("How far it came is not known here; `status` shows every operation as it is."),
                    marked("Whoever looks after Ferry finds the details in its log under that incident."),
                )
            ),
        ),
        mark=Mark.BLOCKING,
    )


def render_blocked(plan: Plan) -> Reply:
    """A plan that cannot be offered: everything that was checked, what stands in the way first."""
    move = plan.move
    if move.kind is MoveKind.STORAGE:
        subject, where = f"The storage of {move.vm_name}", f"to {move.storage_path}"
    else:
        with_storage = " with its storage" if move.kind is MoveKind.SHARED_NOTHING else ""
        subject, where = f"{move.vm_name}{with_storage}", f"from {move.source} to {move.destination}"
    count = len(plan.blocked)
    what_stops = "one thing stands" if count == 1 else f"{count} things stand"
    return Reply(
        title=(Strong(text=f"{subject} cannot move {where} now"),),
        parts=(
            Text(lines=((f"{move.words}: {what_stops} in the way.",),)),
            *render_findings(plan.findings),
            Text(lines=(("Nothing was changed. To have it checked again, type ", Code(text=plan.command)),)),
        ),
        mark=Mark.BLOCKING,
    )


def _locked(error: Locked) -> Line:
    """Whoever is refused learns whom to ask."""
    line: Line = (f"{error.name} is locked by ", User(id=UserId(error.by)), " since ", Moment(at=error.since))
    return (*line, *((" until ", Moment(at=error.until)) if error.until else ()), f": {error.reason}")


def _choices(error: Misnamed) -> tuple[Button, ...]:
    return tuple(Button(label=name, sends=command) for name, command in error.commands)


def _hint(hint: str) -> tuple[Text, ...]:
    return (Text(lines=tuple(marked(line) for line in hint.split("\n"))),) if hint else ()
