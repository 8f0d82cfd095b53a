"""Checks of the two hosts: may they move VMs, and does the destination offer what the VM needs?"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from bot.core.admission import Candidate, Resource
from bot.core.estate import IN_MEMORY, Host
from bot.core.plan import Finding
from bot.core.preflight.case import Case, blocking, fine, warning
from bot.core.wording import render_bytes, render_list, render_share

KERBEROS = 1  # VirtualMachineMigrationAuthenticationType (Microsoft Learn, Set-VMHost)
_AUTHENTICATIONS = {0: "CredSSP", KERBEROS: "Kerberos"}
_EXTERNAL = 2  # VMSwitchType
_SWITCH_TYPES = {0: "private", 1: "internal", _EXTERNAL: "external"}


def check_same_host(case: Case) -> Iterator[Finding]:
    if case.crosses_hosts and case.source.name == case.destination.name:
        yield blocking(
            "same_host",
            f"{case.vm.name} is on {case.source.name} already",
            needed="another host as the destination",
            hint=f"`hosts` lists them; `help move storage` tells how to move its disks on {case.source.name}",
        )


def check_migration(case: Case) -> Iterator[Finding]:
    """A cluster does not ask its nodes for it (Microsoft Learn, Enable-VMMigration: for hosts outside a cluster)."""
    if not case.crosses_hosts or case.in_cluster:
        return
    closed = [host.name for host in (case.source, case.destination) if not host.migration_enabled]
    if closed:
        yield blocking(
            "migration",
            f"live migration is not enabled on {render_list(closed)}",
            needed=f"live migration enabled on {case.source.name} and on {case.destination.name}",
            hint=f"run `Enable-VMMigration` on {render_list(closed)}",
        )
    else:
        yield fine("migration", "migration enabled on both")


def check_authentication(case: Case) -> Iterator[Finding]:
    """The source's type decides; CredSSP needs a session that holds delegable credentials, Kerberos needs constrained
    delegation (Microsoft Learn, "Set up hosts for live migration without Failover Clustering")."""
    if not case.crosses_hosts or case.in_cluster:
        return
    to_kerberos = "`Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos`"
    if case.source.authentication != KERBEROS:
        yield warning(
            "authentication",
            f"{case.source.name} migrates with {_authentication(case.source)}: Ferry's session there must hold "
            "credentials it can delegate",
            hint=f"{to_kerberos} on both hosts, with constrained delegation, needs no such session",
        )
    if case.source.authentication != case.destination.authentication:
        yield warning(
            "authentication_differs",
            f"{case.source.name} migrates with {_authentication(case.source)}, "
            f"{case.destination.name} with {_authentication(case.destination)}",
            hint=f"{to_kerberos} on both hosts",
        )


def check_limits(case: Case) -> Iterator[Finding]:
    for host, resource in Candidate(
        operation="", kind=case.move.kind, source=case.source.name, destination=case.destination.name
    ).slots:
        yield from _check_limit(case.source if host == case.source.name else case.destination, resource)


def _check_limit(host: Host, resource: Resource) -> Iterator[Finding]:
    live = resource is Resource.LIVE
    limit = host.live_limit if live else host.storage_limit
    active = host.live_active if live else host.storage_active
    if limit <= 0:
        parameter = "MaximumVirtualMachineMigrations" if live else "MaximumStorageMigrations"
        yield blocking(
            "limit",
            f"{host.name} is set to allow no {resource}",
            needed="a limit of at least 1",
            hint=f"run `Set-VMHost -{parameter} 2` on {host.name}",
        )
    elif active >= limit:
        yield warning("limit", f"{host.name} runs {active} of {limit} {resource}: this one will wait its turn")


def check_switches(case: Case) -> Iterator[Finding]:
    """Switches are matched by name (Microsoft, live migration troubleshooting)."""
    if not case.crosses_hosts:
        return
    there = {switch.name.casefold(): switch for switch in case.destination.switches}
    wanted = dict.fromkeys(adapter.switch for adapter in case.vm.adapters if adapter.switch)
    for name in wanted:
        switch = there.get(name.casefold())
        if switch is None:
            yield _missing_switch(case, name)
        elif switch.type != _EXTERNAL:
            kind = _SWITCH_TYPES.get(switch.type, f"of type {switch.type}")
            yield warning(
                "switch_type",
                f'switch "{name}" on {case.destination.name} is {kind}: it leads nowhere outside that host',
            )
        else:
            yield fine("switch", f'switch "{name}" on {case.destination.name}')


def _missing_switch(case: Case, name: str) -> Finding:
    names = [switch.name for switch in case.destination.switches]
    near = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(f'"{other}"' for other in sorted(names)) or "none"
    return blocking(
        "switch",
        f'{case.destination.name} has no switch "{name}", which {case.vm.name} is connected to; it has {listed}',
        needed="a switch of the same name on both hosts",
        hint=(f'rename "{near[0]}"' if near else "create it") + f" on {case.destination.name}, or choose another host",
    )


def check_memory(case: Case) -> Iterator[Finding]:
    if not case.crosses_hosts:
        return
    host, vm = case.destination, case.vm
    free = f"{render_share(host.memory_free_bytes, host.memory_bytes)} free on {host.name}"
    fits = host.memory_free_bytes - vm.memory_bytes >= case.memory_reserve_bytes
    if fits:
        yield fine("memory", free)
    elif vm.state in IN_MEMORY:
        reserve = f", and {render_bytes(case.memory_reserve_bytes)} in reserve" if case.memory_reserve_bytes else ""
        yield blocking(
            "memory",
            f"{free}; {vm.name} takes {render_bytes(vm.memory_bytes)}",
            needed=f"{render_bytes(vm.memory_bytes)} for {vm.name}{reserve}",
            hint="`hosts` shows where there is room",
        )
    else:
        yield warning("memory", f"{free}: not enough to start {vm.name}, which takes {render_bytes(vm.memory_bytes)}")


def check_version(case: Case) -> Iterator[Finding]:
    if not case.crosses_hosts or not case.vm.version:
        return
    host, version = case.destination, case.vm.version
    if not host.vm_versions:
        yield warning("version", f"{host.name} does not say whether it runs configuration version {version}")
    elif version in host.vm_versions:
        yield fine("version", f"configuration version {version} runs on {host.name}")
    else:
        yield blocking(
            "version",
            f"{case.vm.name} has configuration version {version}, which {host.name} does not run",
            needed=f"a host that runs {version}; {host.name} runs {', '.join(host.vm_versions)}",
            hint="choose a host with a Windows Server at least as new; `Get-VMHostSupportedVersion` on it tells",
        )


def _authentication(host: Host) -> str:
    return _AUTHENTICATIONS.get(host.authentication, f"authentication type {host.authentication}")
