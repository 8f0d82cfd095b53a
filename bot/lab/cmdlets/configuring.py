"""Set-VMHost, Enable-VMMigration and Disable-VMMigration, as far as migrations are concerned."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.lab.cmdlets import things
from bot.lab.cmdlets.finding import COMMANDS, REMOTE, no_remote
from bot.lab.engine import Arguments, Cmdlet, Kind, Parameter, Records, Session
from bot.lab.world import Authentication, Host, Performance

_AUTHENTICATIONS = {"CredSSP": Authentication.CREDSSP, "Kerberos": Authentication.KERBEROS}
_PERFORMANCES = {"TCPIP": Performance.TCPIP, "Compression": Performance.COMPRESSION, "SMB": Performance.SMB}


async def _set_vm_host(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        no_remote(given, "SetVMHost")
        await session.confirm(high_impact=False, forced=False)
        host = session.machine.host
        with session.machine.world.look():
            if not session.what_if:
                _apply(host, given)
            item = things.vm_host(host)
        if given["Passthru"]:
            yield item


def _apply(host: Host, given: Arguments) -> None:
    if (kind := given["VirtualMachineMigrationAuthenticationType"]) is not None:
        host.authentication = _AUTHENTICATIONS[kind]
    if (option := given["VirtualMachineMigrationPerformanceOption"]) is not None:
        host.performance = _PERFORMANCES[option]
    if (anywhere := given["UseAnyNetworkForMigration"]) is not None:
        host.any_network = anywhere
    if (live := given["MaximumVirtualMachineMigrations"]) is not None:
        host.maximum_migrations = live
    if (storage := given["MaximumStorageMigrations"]) is not None:
        host.maximum_storage_migrations = storage


SET_VM_HOST = Cmdlet(
    "Set-VMHost",
    COMMANDS + "SetVMHost",
    (
        Parameter("MaximumStorageMigrations", Kind.UINT),
        Parameter("MaximumVirtualMachineMigrations", Kind.UINT),
        Parameter("VirtualMachineMigrationAuthenticationType", Kind.STRING, choices=tuple(_AUTHENTICATIONS)),
        Parameter("UseAnyNetworkForMigration", Kind.BOOL),
        Parameter("VirtualMachineMigrationPerformanceOption", Kind.STRING, choices=tuple(_PERFORMANCES)),
        Parameter("Passthru", Kind.SWITCH),
        *REMOTE,
    ),
    _set_vm_host,
    should_process=True,
)


def _switching(verb: str, enabled: bool) -> Cmdlet:
    command = f"{verb}VMMigration"

    async def run(session: Session, records: Records) -> AsyncIterator[object]:
        async for given in records:
            no_remote(given, command)
            await session.confirm(high_impact=False, forced=False)
            host = session.machine.host
            with session.machine.world.look():
                if not session.what_if:
                    host.migration_enabled = enabled
                item = things.vm_host(host)
            if given["Passthru"]:
                yield item

    parameters = (Parameter("Passthru", Kind.SWITCH), *REMOTE)
    return Cmdlet(f"{verb}-VMMigration", COMMANDS + command, parameters, run, should_process=True)


CMDLETS = (SET_VM_HOST, _switching("Enable", True), _switching("Disable", False))
