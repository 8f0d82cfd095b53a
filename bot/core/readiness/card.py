"""A check as an answer: a short table, what stands in the way first, and what to paste."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.core.readiness.model import Finding, Level
from bot.core.reply import Code, Line, Mark, Note, Part, Reply, Strong, Table, Text, marked
from bot.core.wording import render_count, render_list

_ORDER = tuple(Level)
_WORDS = {Level.BLOCKING: "stops", Level.WARNING: "warning", Level.UNKNOWN: "not known", Level.FINE: "fine"}
_MARKS = {Level.BLOCKING: Mark.BLOCKING, Level.WARNING: Mark.WARNING, Level.UNKNOWN: Mark.WARNING}
_MOST_ROWS, _MOST_DETAILS = 30, 14  # what one message holds, with room for what is to be pasted
_LINE_LENGTH = 90  # characters up to which short findings share a line


def render_check(subject: str, hosts: Sequence[str], findings: Iterable[Finding], notes: Sequence[str]) -> Reply:
    """
    Args:
        subject: what was checked, for the title: "host01 to host02".
        hosts: all that were checked.
        notes: small print, with back-ticks around what to type.
    """
    merged = gather(findings)
    troubles = [finding for finding in merged if finding.level is not Level.FINE]
    table = Table(columns=("State", "Hosts", "Check", "Seen"), rows=tuple(map(_row, troubles[:_MOST_ROWS])))
    return Reply(
        title=(Strong(text=f"{subject}: {_verdict(troubles)}"),),
        parts=(
            *((table,) if troubles else ()),
            *(part for finding in troubles[:_MOST_DETAILS] for part in _details(finding)),
            *_rest(len(troubles) - _MOST_DETAILS),
            *_fine([finding for finding in merged if finding.level is Level.FINE], hosts),
            *(Note(line=marked(note)) for note in notes),
        ),
        mark=_mark(troubles),
    )


def gather(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Hosts that show the same share one finding; what stands in the way comes first, else their order stays."""
    alike: dict[Finding, list[str]] = {}
    for finding in findings:
        hosts = alike.setdefault(finding.model_copy(update={"hosts": ()}), [])
        hosts += [host for host in finding.hosts if host not in hosts]
    merged = [finding.model_copy(update={"hosts": tuple(hosts)}) for finding, hosts in alike.items()]
    return tuple(sorted(merged, key=lambda finding: _ORDER.index(finding.level)))


def _verdict(troubles: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level is level for finding in troubles) for level in _ORDER}
    said = [
        *([render_count(counts[Level.WARNING], "warning")] if counts[Level.WARNING] else []),
        *([f"{render_count(counts[Level.UNKNOWN], 'thing')} not known"] if counts[Level.UNKNOWN] else []),
    ]
    if count := counts[Level.BLOCKING]:
        return render_list([f"{render_count(count, 'thing')} in the way", *said])
    return f"nothing in the way, {render_list(said)}" if said else "ready"


def _mark(troubles: Sequence[Finding]) -> Mark:
    """What is not known makes nothing fine."""
    if not troubles:
        return Mark.FINE
    return _MARKS[troubles[0].level]


def _row(finding: Finding) -> tuple[str, ...]:
    return (_WORDS[finding.level], render_list(finding.hosts, most=2), finding.topic, finding.seen)


def _details(finding: Finding) -> Iterator[Part]:
    subject = (Strong(text=f"{render_list(finding.hosts)}:"), " ")
    yield Text(lines=((*subject, *marked(finding.text)),), mark=_MARKS[finding.level])
    if finding.commands:
        where = finding.where or f"on {render_list(finding.hosts)}"
        lines: list[Line] = [(f"{where[0].upper()}{where[1:]}:",), *((Code(text=one),) for one in finding.commands)]
        yield Text(lines=tuple(lines))


def _rest(count: int) -> Iterator[Part]:
    if count > 0:
        yield Text(lines=(marked(f"{count} more; `check <host>` tells of one host in full"),))


def _fine(findings: Sequence[Finding], hosts: Sequence[str]) -> Iterator[Part]:
    """Short texts joined to lines, in their order. Of many hosts only what is the same on all."""
    lines: list[str] = []
    for finding in findings:
        everywhere = set(finding.hosts) == set(hosts)
        if len(hosts) > 2 and not everywhere:
            continue
        text = f"{finding.topic} {finding.seen}" + ("" if everywhere else f" ({render_list(finding.hosts)})")
        if lines and len(lines[-1]) + len(text) < _LINE_LENGTH:
            lines[-1] += f" · {text}"
        else:
            lines.append(text)
    if lines:
        yield Text(lines=tuple((line,) for line in lines), mark=Mark.FINE)
