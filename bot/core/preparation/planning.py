"""What is safe to set on a host from afar, and what is left to people."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.estate import Host
from bot.core.preparation.plan import Name, Preparation, PreparationPlan, Setting, read_settings
from bot.core.readiness.model import CREDSSP, KERBEROS, Checkup
from bot.errors import Refused

_COMPRESSION, _TCP = 1, 0  # VirtualMachineMigrationPerformanceOption
_LIMIT = 2  # Hyper-V's own default


def plan_preparation(checkup: Checkup, command: str) -> PreparationPlan:
    """
    Raises:
        Refused: the host gives no answer, or there is nothing to set.
    """
    host = _answering(checkup)
    wanted = dict(_wanted(checkup, host))
    before = read_settings(host)
    settings = tuple(
        Setting(name=name, before=before[name], after=after)
        for name, after in wanted.items()
        if name in before and before[name] != after
    )
    if not settings:
        raise Refused(
            f"{host.name} has everything that Ferry could set",
            needed="something to set",
            hint=f"`check {host.name}` shows what is left to people",
        )
    return PreparationPlan(command=command, host=host.name, settings=settings, notes=tuple(_notes(checkup, host)))


def plan_back(checkup: Checkup, command: str, last: Preparation | None) -> PreparationPlan:
    """The last preparation of the host, the other way round, as far as its settings are still what it made them.

    Raises:
        Refused: the host gives no answer, or there is nothing to put back.
    """
    host = _answering(checkup)
    now = read_settings(host)
    settings = tuple(
        Setting(name=one.name, before=one.after, after=one.before)
        for one in reversed(last.plan.settings if last else ())
        if now.get(one.name) == one.after
    )
    if last is None or not settings:
        done = f"what {last.id} set on {host.name} is no longer so" if last else f"Ferry has not prepared {host.name}"
        raise Refused(done, needed="settings that Ferry made", hint=f"`history {host.name}` tells who did what")
    return PreparationPlan(
        command=command, host=host.name, settings=settings, back=True, notes=(f"puts back what {last.id} set",)
    )


def _answering(checkup: Checkup) -> Host:
    if checkup.info is None:
        raise Refused(
            f"{checkup.host} gives no answer: {checkup.failure}",
            needed=f"an answer from {checkup.host}",
            hint=f"`check {checkup.host}` looks again",
        )
    return checkup.info


def _wanted(checkup: Checkup, host: Host) -> Iterator[tuple[Name, int]]:
    """In the order in which they are set: migration last, so that nothing arrives half-way."""
    if host.authentication == CREDSSP and checkup.around.domain:
        yield Name.AUTHENTICATION, KERBEROS
    if host.any_network is False and checkup.around.networks == ():
        yield Name.ANY_NETWORK, 1
    if host.performance == _TCP:
        yield Name.PERFORMANCE, _COMPRESSION
    if host.live_limit <= 0:
        yield Name.LIVE_LIMIT, _LIMIT
    if host.storage_limit <= 0:
        yield Name.STORAGE_LIMIT, _LIMIT
    yield Name.MIGRATION, 1


def _notes(checkup: Checkup, host: Host) -> Iterator[str]:
    if host.authentication == CREDSSP and checkup.around.domain is None:
        yield "authentication stays CredSSP: whether the host is in a domain is not known"
    elif host.authentication == CREDSSP and not checkup.around.domain:
        yield "authentication stays CredSSP: the host is in no domain"
    elif host.authentication == CREDSSP:
        yield f"Kerberos needs delegation in Active Directory: `check {host.name} to <host>` writes the commands"
    if host.any_network is False and checkup.around.networks == ():
        yield "any network will do afterwards: `Add-VMMigrationNetwork` on the host names better ones"
