"""`ferry doctor`: everything that Ferry needs, looked at from the machine that it runs on, at the same time.

Each subject (settings, database, Slack, every host) is examined in a thread of its own, so many at once, and reported
when it is done: a host that does not answer delays nobody, and after the time limit it is reported as it is. The
threads end with the process; what they do is reading.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.core.plan import Finding, Level
from bot.errors import FerryError
from bot.hyperv import probe
from bot.operations.policy import find_problems
from bot.operations.probe import examine_database
from bot.settings import Settings, load
from bot.slack.probe import examine_slack, slack_ahead_s

AT_ONCE = 32

Examination = Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Report:
    """What was found about one subject."""

    about: str
    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        return all(finding.level is not Level.BLOCKING for finding in self.findings)

    def render(self) -> str:
        lines = [self.about]
        for finding in self.findings:
            lines.append(f"  {_MARKS[finding.level]} {finding.code:<15}{finding.text}")
            if finding.level is not Level.FINE:
                lines += [f"    {'':<15}{text}" for text in (_needed(finding), finding.hint) if text]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        findings = [finding.model_dump(mode="json") for finding in self.findings]
        return {"about": self.about, "well": self.well, "findings": findings}


_MARKS = {Level.FINE: "✓", Level.WARNING: "!", Level.BLOCKING: "✗"}


def _needed(finding: Finding) -> str:
    return f"needed: {finding.needed}" if finding.needed else ""


def diagnose(config: Path | None, limit_s: float) -> Iterator[Report]:
    """Reports in the order in which they are done; whoever is not done after the limit comes last, and is not well."""
    try:
        settings = load(config)
    except FerryError as error:
        yield Report("settings", (_blocking("settings", error.message, "settings that can be read", error.hint),))
        return
    yield Report("settings", (_settings(settings), *_policy(settings)))
    yield from examine_all(_subjects(settings), limit_s)


def _settings(settings: Settings) -> Finding:
    if not settings.hosts:
        hint = "`ferry lab --hosts-only` prints a complete example"
        return _blocking("settings", "the settings name no host", "at least one table like [hosts.host01]", hint)
    return Finding(level=Level.FINE, code="settings", text=f"can be read, and name {len(settings.hosts)} hosts")


def _policy(settings: Settings) -> Iterator[Finding]:
    for one in find_problems(settings):
        yield _blocking("policy", f"{one.place}: {one.saw}", "rules and approvals that can be met", one.remedy)


def _subjects(settings: Settings) -> dict[str, Examination]:
    url = settings.operations.database_url.get_secret_value()
    hosts: dict[str, Examination] = {name: _of_host(name, settings) for name in settings.hosts}
    return {"database": lambda: examine_database(url), "slack": lambda: _slack(settings), **hosts}


def _of_host(name: str, settings: Settings) -> Examination:
    return lambda: probe.examine_host(name, settings.hosts[name])


def _slack(settings: Settings) -> Iterator[Finding]:
    yield from examine_slack(settings.slack, settings.user_groups, ruled=bool(settings.rules))
    ahead_s = slack_ahead_s(settings.slack)
    if ahead_s is not None:
        yield probe.clock("Slack", ahead_s)


def examine_all(subjects: Mapping[str, Examination], limit_s: float) -> Iterator[Report]:
    deadline = time.monotonic() + limit_s
    turns = threading.BoundedSemaphore(AT_ONCE)
    seen: dict[str, list[Finding]] = {about: [] for about in subjects}
    done: queue.SimpleQueue[str] = queue.SimpleQueue()

    def examine(about: str, examination: Examination) -> None:
        with turns:
            try:
                for finding in examination():
                    seen[about].append(finding)
            except Exception as error:  # noqa: BLE001 - a bug of one examination must not hide the others
                text = f"the examination broke down: {type(error).__name__}"
                seen[about].append(_blocking("doctor", text, "", "This is a bug of Ferry"))
        done.put(about)

    for about, examination in subjects.items():
        threading.Thread(target=examine, args=(about, examination), name=f"doctor {about}", daemon=True).start()
    waiting = dict.fromkeys(subjects)
    while waiting:
        try:
            about = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        del waiting[about]
        yield Report(about, tuple(seen[about]))
    for about in waiting:
        late = _blocking("time", f"no further answer within {limit_s:g} s", "", "--limit gives it longer")
        yield Report(about, (*seen[about], late))


def _blocking(code: str, text: str, needed: str, hint: str) -> Finding:
    return Finding(level=Level.BLOCKING, code=code, text=text, needed=needed, hint=hint)
