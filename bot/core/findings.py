"""What was checked, as parts of an answer: what stands in the way first, what is fine in few lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.core.plan import Finding, Level
from bot.core.reply import Line, Mark, Part, Strong, Text, marked

_LINE_LENGTH = 90  # characters up to which short findings share a line
_MARKS = {Level.FINE: Mark.FINE, Level.WARNING: Mark.WARNING, Level.BLOCKING: Mark.BLOCKING}


def render_findings(findings: Sequence[Finding]) -> Iterator[Part]:
    """Blocking ones each with what was needed and what to do, then all that is fine, then warnings."""
    for finding in findings:
        if finding.level is Level.BLOCKING:
            yield Text(lines=(marked(finding.text),), mark=_MARKS[finding.level])
            if remedy := tuple(_remedy(finding)):
                yield Text(lines=remedy)
    warnings = tuple(_warning(finding) for finding in findings if finding.level is Level.WARNING)
    fine = [finding.text for finding in findings if finding.level is Level.FINE]
    if fine:
        yield Text(lines=tuple(map(marked, _flow(fine))), mark=_MARKS[Level.FINE])
    if warnings:
        yield Text(lines=warnings, mark=_MARKS[Level.WARNING])


def _remedy(finding: Finding) -> Iterator[Line]:
    if finding.needed:
        yield (Strong(text="Needed:"), " ", *marked(finding.needed))
    if finding.hint:
        yield marked(finding.hint)


def _warning(finding: Finding) -> Line:
    needed = f"; needed: {finding.needed}" if finding.needed else ""
    hint = f" · {finding.hint}" if finding.hint else ""
    return marked(f"{finding.text}{needed}{hint}")


def _flow(texts: Iterable[str]) -> list[str]:
    """Short texts joined to lines, in their order."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(text) < _LINE_LENGTH:
            lines[-1] += f" · {text}"
        else:
            lines.append(text)
    return lines
