"""What one host needs of another to send VMs there: delegation, and ports that can be reached.

Sources: Microsoft Learn, "Set up hosts for live migration without Failover Clustering"; Microsoft support 4558514,
"Troubleshoot live migration issues" (ports); Microsoft, "Live migration via constrained delegation with Kerberos in
Windows Server 2016" (any authentication protocol).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.core.estate import Host
from bot.core.names import check_host_name
from bot.core.readiness.model import SMB, Checkup, Finding, Level, Reached, Target

MIGRATION, SHARES, MANAGEMENT = 6600, 445, 5985
_USES = {
    MIGRATION: "the migration itself",
    SHARES: "storage, and migration by SMB",
    MANAGEMENT: "the source's orders to the destination",
}
_MOST_ADDRESSES = 3
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}\Z")
_SERVICES = ("Microsoft Virtual System Migration Service", "cifs")
_DIRECTORY = "in Active Directory, as a domain administrator"


def targets_between(source: Checkup, destination: Checkup) -> tuple[Target, ...]:
    """What the source should try; nothing if one of the two gave no answer.

    Migrations arrive at the addresses that the destination listens on, all else under its name.
    """
    if source.info is None or destination.info is None:
        return ()
    name = _full_name(destination.info)
    addresses = [one for one in destination.info.listeners or () if _IPV4.match(one)][:_MOST_ADDRESSES]
    migration = tuple(Target(address=address, port=MIGRATION) for address in addresses or [name])
    return (*migration, Target(address=name, port=SHARES), Target(address=name, port=MANAGEMENT))


def check_ports(source: Checkup, destination: Checkup, reached: Sequence[Reached]) -> Iterator[Finding]:
    if not reached:
        text = f"which ports of {destination.host} it reaches was not tried, since one of the two gives no answer"
        yield Finding(
            level=Level.UNKNOWN, code="port", hosts=(source.host,), topic="ports", seen="not tried", text=text
        )
    for one in reached:
        yield _port(source, destination, one)


def _port(source: Checkup, destination: Checkup, reached: Reached) -> Finding:
    port, address = reached.target.port, reached.target.address
    place = f"{destination.host}:{port}" + (f" ({address})" if _IPV4.match(address) else "")
    if reached.open:
        return Finding(level=Level.FINE, code="port", hosts=(source.host,), topic="ports", seen=f"reaches {place}")
    test = f"Test-NetConnection {address} -Port {port}"
    if reached.open is None:
        text = f"whether it reaches {place}, for {_USES[port]}, is not known: {reached.failure}"
        level, seen = Level.UNKNOWN, f"{place} not known"
    else:
        both_smb = all(end.info is not None and end.info.performance == SMB for end in (source, destination))
        level = Level.WARNING if port == SHARES and not both_smb else Level.BLOCKING
        text, seen = f"does not reach {place}, for {_USES[port]}", f"{place} unreachable"
    return Finding(
        level=level, code="port", hosts=(source.host,), topic="ports", seen=seen, text=text, commands=(test,)
    )


def check_delegation(source: Checkup, destination: Checkup) -> Iterator[Finding]:
    """No host can tell it: it stands on the computer accounts in Active Directory."""
    names = [_full_name(end.info) if end.info else "" for end in (source, destination)]
    if not all(names):
        return
    there, back = names
    yield Finding(
        level=Level.UNKNOWN,
        code="delegation",
        hosts=(source.host, destination.host),
        topic="delegation",
        seen="not readable",
        text=(
            "delegation stands in Active Directory, which Ferry does not read: each host's computer account has to be "
            "trusted for delegation to the other, for both services and with any authentication protocol. The first "
            "two commands show it, the others set it; then `klist purge -li 0x3e7` on both hosts, or 15 minutes of "
            "patience"
        ),
        commands=(*_show(there), *_show(back), *_delegate(there, back), *_delegate(back, there)),
        where=_DIRECTORY,
    )


def _show(name: str) -> tuple[str, ...]:
    short = name.partition(".")[0]
    return (f"Get-ADComputer {short} -Properties msDS-AllowedToDelegateTo, TrustedToAuthForDelegation",)


def _delegate(source: str, destination: str) -> tuple[str, ...]:
    """For both services, under the short and the full name; the second command is "any authentication protocol"."""
    short, target = source.partition(".")[0], destination.partition(".")[0]
    names = dict.fromkeys((target, destination))
    listed = ", ".join(f"'{service}/{name}'" for service in _SERVICES for name in names)
    return (
        f"Get-ADComputer {short} | Set-ADObject -Add @{{'msDS-AllowedToDelegateTo' = {listed}}}",
        f"Set-ADAccountControl (Get-ADComputer {short}) -TrustedToAuthForDelegation $true",
    )


def _full_name(host: Host) -> str:
    """What it calls itself, if that is a name: it stands in commands that people paste. Else what Ferry calls it."""
    try:
        return check_host_name(host.fqdn)
    except ValueError:
        return host.name
