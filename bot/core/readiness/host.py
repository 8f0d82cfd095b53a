"""What one host shows of itself: may it send and receive virtual machines?

Sources: Microsoft Learn, "Set up hosts for live migration without Failover Clustering"; "Considerations and known
issues when using Credential Guard". Kerberos takes clocks that differ by five minutes at most (RFC 4120).
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.estate import Host
from bot.core.freshness import NOT_YET
from bot.core.readiness.model import (
    AUTHENTICATIONS,
    CREDSSP,
    KERBEROS,
    PERFORMANCES,
    RUNNING_SERVICE,
    Checkup,
    Finding,
    Level,
)
from bot.core.wording import render_duration, render_share

KERBEROS_SKEW_S, LARGE_SKEW_S = 300, 60
SCARCE_STORAGE = 0.05  # of a volume; Ferry's own judgement
TO_KERBEROS = "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos"
ANY_NETWORK = "Set-VMHost -UseAnyNetworkForMigration $true"


def check_host(checkup: Checkup, memory_reserve_bytes: int) -> Iterator[Finding]:
    """
    Args:
        memory_reserve_bytes: what must stay free on a destination.
    """
    if checkup.info is None:
        yield _silent(checkup)
        return
    host = checkup.info
    yield _fine(checkup, "service", "management service", "answers")
    yield _migration(checkup, host)
    yield _authentication(checkup, host)
    yield _networks(checkup, host)
    yield _fine(checkup, "performance", "performance", PERFORMANCES.get(host.performance, f"option {host.performance}"))
    yield from _limits(checkup, host)
    yield _memory(checkup, host, memory_reserve_bytes)
    yield from _storage(checkup, host)
    yield _versions(checkup, host)
    yield _domain(checkup, host)
    yield _clock(checkup)


def _finding(level: Level, checkup: Checkup, code: str, topic: str, seen: str, text: str, *commands: str) -> Finding:
    return Finding(level=level, code=code, hosts=(checkup.host,), topic=topic, seen=seen, text=text, commands=commands)


def _fine(checkup: Checkup, code: str, topic: str, seen: str) -> Finding:
    return _finding(Level.FINE, checkup, code, topic, seen, "")


def _unread(checkup: Checkup, code: str, topic: str, *commands: str) -> Finding:
    why = f"could not be read: {checkup.unread}" if checkup.unread else "the host does not tell"
    if checkup.unread == NOT_YET:
        why = "not asked for yet"
    return _finding(Level.UNKNOWN, checkup, code, topic, "not known", f"{topic}: {why}", *commands)


def _silent(checkup: Checkup) -> Finding:
    service = checkup.around.service
    if service is not None and service != RUNNING_SERVICE:
        state = {1: "stopped", 2: "starting", 3: "stopping"}.get(service, f"in state {service}")
        text = f"Hyper-V's management service is {state}: nothing can move from or to there"
        return _finding(Level.BLOCKING, checkup, "service", "management service", state, text, "Start-Service vmms")
    return _finding(Level.UNKNOWN, checkup, "answer", "answer", "none", f"no answer: {checkup.failure}")


def _migration(checkup: Checkup, host: Host) -> Finding:
    if host.migration_enabled:
        return _fine(checkup, "migration", "live migration", "enabled")
    text = "live migration is not enabled"
    return _finding(Level.BLOCKING, checkup, "migration", "live migration", "off", text, "Enable-VMMigration")


def _authentication(checkup: Checkup, host: Host) -> Finding:
    seen = AUTHENTICATIONS.get(host.authentication, f"type {host.authentication}")
    if host.authentication == KERBEROS:
        return _fine(checkup, "authentication", "authentication", seen)
    if host.authentication != CREDSSP:
        text = f"migrates with authentication {seen}, which Ferry does not know"
        return _finding(Level.UNKNOWN, checkup, "authentication", "authentication", seen, text, TO_KERBEROS)
    if checkup.around.credential_guard:
        text = "migrates with CredSSP while Credential Guard runs, which hands no credentials on"
        return _finding(Level.BLOCKING, checkup, "credential_guard", "authentication", seen, text, TO_KERBEROS)
    text = (
        "migrates with CredSSP: only a session on the host that holds credentials to hand on can start a migration, "
        "and an ordinary remote session holds none"
    )
    return _finding(Level.WARNING, checkup, "authentication", "authentication", seen, text, TO_KERBEROS)


def _networks(checkup: Checkup, host: Host) -> Finding:
    """Where the host takes migrations; what it sends goes by the destination's choice."""
    code, topic, subnets = "networks", "migration networks", checkup.around.networks
    if host.any_network is False and subnets == ():
        text = "takes migrations on no network: none is listed, and not any will do"
        return _finding(
            Level.BLOCKING, checkup, code, topic, "none", text, "Add-VMMigrationNetwork <subnet, like 10.0.0.0/24>"
        )
    if host.migration_enabled and host.listeners == ():
        text = "listens for migrations on no address"
        return _finding(Level.BLOCKING, checkup, code, topic, "no listener", text, "Get-VMMigrationNetwork")
    if host.any_network:
        return _fine(checkup, code, topic, "any network")
    if host.any_network is None or subnets is None:
        return _unread(checkup, code, topic, "Get-VMMigrationNetwork")
    return _fine(checkup, code, topic, ", ".join(subnets))


def _limits(checkup: Checkup, host: Host) -> Iterator[Finding]:
    closed = [
        (noun, parameter)
        for limit, noun, parameter in (
            (host.live_limit, "live migrations", "MaximumVirtualMachineMigrations"),
            (host.storage_limit, "storage migrations", "MaximumStorageMigrations"),
        )
        if limit <= 0
    ]
    for noun, parameter in closed:
        text = f"is set to allow no {noun}"
        yield _finding(Level.BLOCKING, checkup, "limits", "limits", f"no {noun}", text, f"Set-VMHost -{parameter} 2")
    if not closed:
        yield _fine(checkup, "limits", "limits", f"{host.live_limit} live, {host.storage_limit} storage")


def _memory(checkup: Checkup, host: Host, reserve_bytes: int) -> Finding:
    seen = f"{render_share(host.memory_free_bytes, host.memory_bytes)} free"
    if host.memory_free_bytes > reserve_bytes:
        return _fine(checkup, "memory", "memory", seen)
    text = f"{seen}: no VM can be received until some leave"
    return _finding(Level.WARNING, checkup, "memory", "memory", seen, text)


def _storage(checkup: Checkup, host: Host) -> Iterator[Finding]:
    if not host.volumes:
        yield _unread(checkup, "storage", "volumes", "Get-Volume")
    for volume in host.volumes:
        seen = f"{volume.letter}: {render_share(volume.free_bytes, volume.size_bytes)} free"
        if volume.free_bytes >= SCARCE_STORAGE * volume.size_bytes:
            yield _fine(checkup, "storage", "storage", seen)
        else:
            text = f"drive {seen}: little room to receive storage"
            yield _finding(Level.WARNING, checkup, "storage", "storage", seen, text)


def _versions(checkup: Checkup, host: Host) -> Finding:
    if not host.vm_versions:
        return _unread(checkup, "versions", "configuration versions", "Get-VMHostSupportedVersion")
    return _fine(checkup, "versions", "configuration versions", f"up to {newest_version(host)}")


def newest_version(host: Host) -> str:
    """Of the configuration versions that it runs; those that are no numbers count last."""
    return max(host.vm_versions, key=_by_number, default="")


def _by_number(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _domain(checkup: Checkup, host: Host) -> Finding:
    domain = checkup.around.domain
    if domain is None:
        return _unread(checkup, "domain", "domain")
    if domain or host.authentication != KERBEROS:
        return _fine(checkup, "domain", "domain", domain or "workgroup")
    text = "is in no domain, so Kerberos has nobody to ask"
    return _finding(Level.BLOCKING, checkup, "domain", "domain", "workgroup", text)


def _clock(checkup: Checkup) -> Finding:
    skew_s = _skew_s(checkup)
    if skew_s is None:
        return _unread(checkup, "clock", "clock", "w32tm /query /status")
    if abs(skew_s) < LARGE_SKEW_S:
        return _fine(checkup, "clock", "clock", "as Ferry's")
    far = abs(skew_s) >= KERBEROS_SKEW_S
    seen = f"{render_duration(abs(skew_s))} {'ahead' if skew_s > 0 else 'behind'}"
    text = f"its clock is {seen} of Ferry's" + (": Kerberos refuses more than 5 min" if far else "")
    level = Level.BLOCKING if far else Level.WARNING
    return _finding(level, checkup, "clock", "clock", seen, text, "w32tm /resync", "w32tm /query /status")


def _skew_s(checkup: Checkup) -> float | None:
    """How far its clock is ahead, at least: it was read at some moment between the beginning and the end."""
    said = checkup.around.clock
    if said is None:
        return None
    if said < checkup.began:
        return (said - checkup.began).total_seconds()
    return max(0.0, (said - checkup.ended).total_seconds())


RESTART_KEYS = (
    r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
)
"""Where it stands whether a restart is pending: no cmdlet or class tells it, and Ferry sends no script."""
