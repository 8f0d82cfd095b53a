"""`ferry doctor`: everything that Ferry needs, looked at from the machine that it runs on, at the same time.

Each subject (settings, database, Slack, clusters, hosts) is examined in a thread of its own, so many at once, and
reported when it is done: a host that does not answer delays nobody, and after the time limit it is reported as it is.
The threads end with the process; what they do is reading.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bot.core.membership import Told
from bot.core.plan import Finding, Level
from bot.core.wording import render_count
from bot.errors import FerryError
from bot.hyperv import probe
from bot.operations.policy import find_problems
from bot.operations.probe import examine_database
from bot.settings import Settings, hosts_with, load
from bot.slack.manifest import reads_of
from bot.slack.probe import examine_slack, slack_ahead_s

AT_ONCE = 32

Examination = Callable[[], "Iterable[Finding | Further]"]


@dataclass(frozen=True)
class Further:
    """A subject that was found while another was examined."""

    about: str
    examination: Examination


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
    if not settings.hosts and not settings.clusters:
        hint = "`ferry lab --hosts-only` prints a complete example"
        needed = "at least one table like [hosts.host01] or [clusters.HVC1]"
        return _blocking("settings", "the settings name no host", needed, hint)
    clusters = f" and {render_count(len(settings.clusters), 'cluster')}" if settings.clusters else ""
    text = f"can be read, and name {render_count(len(settings.hosts), 'host')}{clusters}"
    return Finding(level=Level.FINE, code="settings", text=text)


def _policy(settings: Settings) -> Iterator[Finding]:
    for one in find_problems(settings):
        yield _blocking("policy", f"{one.place}: {one.saw}", "rules and approvals that can be met", one.remedy)


def _subjects(settings: Settings) -> dict[str, Examination]:
    url = settings.operations.database_url.get_secret_value()
    hosts: dict[str, Examination] = {name: _of_host(name, settings) for name in settings.hosts}
    clusters = {f"cluster {name}": _of_cluster(name, settings) for name in settings.clusters}
    return {"database": lambda: examine_database(url), "slack": lambda: _slack(settings), **clusters, **hosts}


def _of_host(name: str, settings: Settings) -> Examination:
    return lambda: probe.examine_host(name, settings.hosts[name])


def _of_cluster(name: str, settings: Settings) -> Examination:
    """The cluster, and then each of its nodes that has no table of its own."""

    def examination() -> Iterator[Finding | Further]:
        told: list[Told] = []
        yield from probe.examine_cluster(name, settings.clusters[name], told.append)
        for one in told:
            hosts = hosts_with(settings, {name: one.nodes}, {name: one.domain})
            for node in hosts.keys() - settings.hosts.keys():
                yield Further(node, partial(probe.examine_host, node, hosts[node]))

    return examination


def _slack(settings: Settings) -> Iterator[Finding]:
    yield from examine_slack(settings.slack, settings.user_groups, ruled=bool(settings.rules), reads=reads_of(settings))
    ahead_s = slack_ahead_s(settings.slack)
    if ahead_s is not None:
        yield probe.clock("Slack", ahead_s)


def examine_all(subjects: Mapping[str, Examination], limit_s: float) -> Iterator[Report]:
    deadline = time.monotonic() + limit_s
    turns = threading.BoundedSemaphore(AT_ONCE)
    seen: dict[str, list[Finding]] = {}  # what is reported, whole, is taken out
    further: queue.SimpleQueue[Further] = queue.SimpleQueue()
    done: queue.SimpleQueue[str] = queue.SimpleQueue()

    def examine(about: str, examination: Examination) -> None:
        with turns:
            try:
                for finding in examination():
                    if isinstance(finding, Further):
                        further.put(finding)
                    else:
                        seen[about].append(finding)
            except Exception as error:  # noqa: BLE001 - a bug of one examination must not hide the others
                text = f"the examination broke down: {type(error).__name__}"
                seen[about].append(_blocking("doctor", text, "", "This is a bug of Ferry"))
        done.put(about)

    def begin(about: str, examination: Examination) -> None:
        seen[about] = []
        threading.Thread(target=examine, args=(about, examination), name=f"doctor {about}", daemon=True).start()

    for about, examination in subjects.items():
        begin(about, examination)
    while seen:
        try:
            about = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        while not further.empty():
            one = further.get()
            begin(one.about, one.examination)
        yield Report(about, tuple(seen.pop(about)))
    late = _blocking("time", f"no further answer within {limit_s:g} s", "", "--limit gives it longer")
    for about, findings in seen.items():
        yield Report(about, (*findings, late))


def _blocking(code: str, text: str, needed: str, hint: str) -> Finding:
    return Finding(level=Level.BLOCKING, code=code, text=text, needed=needed, hint=hint)
