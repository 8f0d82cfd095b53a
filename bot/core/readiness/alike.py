"""What hosts have to have in common for VMs to move between them, two of them or a hundred.

Sources: Microsoft Learn, "Set up hosts for live migration without Failover Clustering"; Microsoft support 4558514,
"Troubleshoot live migration issues".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

from bot.core.estate import Host
from bot.core.readiness.host import newest_version
from bot.core.readiness.model import AUTHENTICATIONS, EXTERNAL_SWITCH, PERFORMANCES, Checkup, Finding, Level
from bot.core.wording import render_list

# Names of other people's making stand in what is to be pasted only if no shell can read them as anything else.
_PLAIN = re.compile(r"[\w .()-]+\Z")


def check_alike(checkups: Sequence[Checkup]) -> Iterator[Finding]:
    """What differs among the hosts that answered; one line in which all agree, if nothing does."""
    answered = [checkup for checkup in checkups if checkup.info is not None]
    if len(answered) < 2:
        return
    found = [*_settings(answered), *_switches(answered), *_machines(answered)]
    yield from found
    if not found:
        names = tuple(checkup.host for checkup in answered)
        yield Finding(level=Level.FINE, code="alike", hosts=names, topic="settings", seen="alike")


def _settings(checkups: Sequence[Checkup]) -> Iterator[Finding]:
    def of_host(read: Callable[[Host], Hashable]) -> Mapping[Hashable, list[str]]:
        return _grouped(checkups, lambda checkup: read(checkup.info) if checkup.info else None)

    differs = of_host(lambda host: AUTHENTICATIONS.get(host.authentication, f"type {host.authentication}"))
    if len(differs) > 1:
        yield _differ("authentication_differs", "authentication", differs)
    differs = of_host(lambda host: PERFORMANCES.get(host.performance, f"option {host.performance}"))
    if len(differs) > 1:
        why = "; SMB carries a migration only where both ends are set to it"
        option = "Set-VMHost -VirtualMachineMigrationPerformanceOption Compression"
        yield _differ("performance_differs", "performance", differs, why, option)
    differs = of_host(lambda host: f"{host.live_limit} live, {host.storage_limit} storage")
    if len(differs) > 1:
        yield _differ("limits_differ", "limits", differs, "; the lower one of two ends counts")
    differs = of_host(lambda host: newest_version(host) or None)
    if len(differs) > 1:
        why = "; a VM of a newer version cannot move to a host without it"
        yield _differ("versions_differ", "configuration versions", differs, why, "Get-VMHostSupportedVersion")


def _machines(checkups: Sequence[Checkup]) -> Iterator[Finding]:
    differs = _grouped(checkups, lambda checkup: checkup.around.domain)
    if len(differs) > 1:
        yield _differ("domains_differ", "domain", differs, "; they have to trust each other")
    makers = _grouped(checkups, lambda checkup: (checkup.around.processor or "").partition(" ")[0] or None)
    if len(makers) > 1:
        why = "; a VM that runs cannot move between makers"
        level = Level.BLOCKING if len(checkups) == 2 else Level.WARNING
        yield _differ("makers_differ", "processors", makers, why).model_copy(update={"level": level})
        return
    models = _grouped(checkups, lambda checkup: checkup.around.processor)
    if len(models) > 1:
        why = "; a VM that runs needs processor compatibility, which is set while it is off"
        command = "Set-VMProcessor <vm> -CompatibilityForMigrationEnabled $true"
        yield _differ("processors_differ", "processors", models, why, command)


def _switches(checkups: Sequence[Checkup]) -> Iterator[Finding]:
    """A VM finds its switch by name; only an external one leads anywhere from another host."""
    has = {
        checkup.host: {switch.name.casefold(): switch.name for switch in checkup.info.switches}
        for checkup in checkups
        if checkup.info is not None
    }
    external = {
        switch.name.casefold(): switch.name
        for checkup in checkups
        if checkup.info is not None
        for switch in checkup.info.switches
        if switch.type == EXTERNAL_SWITCH
    }
    for key, name in sorted(external.items()):
        lacking = tuple(host for host, names in has.items() if key not in names)
        if lacking:
            owners = [host for host, names in has.items() if key in names]
            command = f"New-VMSwitch -Name '{name}' -NetAdapterName <adapter>"
            yield Finding(
                level=Level.WARNING,
                code="switch",
                hosts=lacking,
                topic="switches",
                seen=f'no "{name}"',
                text=f'has no switch "{name}", as {render_list(owners)}: VMs connected to it cannot move there',
                commands=(command,) if _PLAIN.match(name) else (),
            )


def _grouped(checkups: Sequence[Checkup], read: Callable[[Checkup], Hashable]) -> Mapping[Hashable, list[str]]:
    """Host names by what they show, the most frequent first; without those that show nothing."""
    groups: dict[Hashable, list[str]] = {}
    for checkup in checkups:
        if (value := read(checkup)) is not None:
            groups.setdefault(value, []).append(checkup.host)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def _differ(code: str, topic: str, groups: Mapping[Hashable, list[str]], why: str = "", *commands: str) -> Finding:
    """The hosts it names are those that are not like the most; of two it is both."""
    said = [f"{value} on {render_list(hosts)}" for value, hosts in groups.items()]
    usual, *others = groups.values()
    even = len(usual) == max(map(len, others))
    return Finding(
        level=Level.WARNING,
        code=code,
        hosts=tuple(host for hosts in ([usual] if even else []) + others for host in hosts),
        topic=topic,
        seen="differs",
        text=f"{topic} differs: {', '.join(said)}{why}",
        commands=commands,
    )
