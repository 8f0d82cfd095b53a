"""The computer under a simulated host: the CIM classes about it, its services, its way to other computers.

Class and property names: Microsoft Learn, Win32_OperatingSystem, Win32_ComputerSystem, Win32_Processor,
Win32_DeviceGuard, Get-Service, Test-NetConnection, Get-VMMigrationNetwork.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

from bot.lab.cmdlets.enums import HV
from bot.lab.cmdlets.finding import COMMANDS, REMOTE, is_pattern, matches, no_remote
from bot.lab.cmdlets.instances import CIMV2, cim_instance
from bot.lab.cmdlets.machine import HyperVMachine
from bot.lab.engine import (
    Category,
    Cmdlet,
    In,
    Kind,
    Parameter,
    PsArray,
    PsEnum,
    PsError,
    PsObject,
    Records,
    Session,
    UInt16,
    UInt32,
    UInt64,
    Value,
)
from bot.lab.world import Host, World

Reader = Callable[[HyperVMachine, datetime], list[PsObject]]
DEVICE_GUARD = "root/microsoft/windows/deviceguard"
_ELEMENT = ("CIM_LogicalElement", "CIM_ManagedSystemElement")
# CPUID family and model as Windows writes them; of the families that scenarios name.
_MODELS = {"Ice Lake": 106, "Haswell": 63}


def _operating_system(machine: HyperVMachine, _now: datetime) -> list[PsObject]:
    """Its clock shows real time, whatever the world's speed: people compare it with their own."""
    host = machine.host
    properties: dict[str, Value] = {
        "Caption": "Microsoft Windows Server 2022 Datacenter",
        "CSName": host.name,
        "Version": "10.0.20348",
        "BuildNumber": "20348",
        "FreePhysicalMemory": UInt64(host.free_memory_bytes >> 10),
        "TotalVisibleMemorySize": UInt64(host.memory_bytes >> 10),
        "LocalDateTime": datetime.now(UTC) + timedelta(seconds=host.clock_skew_s),
        "Status": "OK",
    }
    return [cim_instance(CIMV2, "Win32_OperatingSystem", properties, parents=("CIM_OperatingSystem", *_ELEMENT))]


def _computer_system(machine: HyperVMachine, _now: datetime) -> list[PsObject]:
    domain = machine.host.fqdn.partition(".")[2]
    properties: dict[str, Value] = {
        "Name": machine.host.name,
        "Domain": domain or "WORKGROUP",
        "PartOfDomain": bool(domain),
        "DomainRole": UInt16(3 if domain else 2),
        "Status": "OK",
    }
    return [cim_instance(CIMV2, "Win32_ComputerSystem", properties, parents=("CIM_ComputerSystem", *_ELEMENT))]


def _processors(machine: HyperVMachine, _now: datetime) -> list[PsObject]:
    host = machine.host
    properties: dict[str, Value] = {
        "DeviceID": "CPU0",
        "Manufacturer": host.processor_vendor,
        "Name": f"{host.processor_family} CPU @ 2.40GHz",
        "Description": f"Intel64 Family 6 Model {_MODELS.get(host.processor_family, 85)} Stepping 6",
        "NumberOfCores": UInt32(host.logical_processors // 2),
        "NumberOfLogicalProcessors": UInt32(host.logical_processors),
        "Status": "OK",
    }
    return [cim_instance(CIMV2, "Win32_Processor", properties, parents=("CIM_Processor", *_ELEMENT))]


def _device_guard(machine: HyperVMachine, _now: datetime) -> list[PsObject]:
    running = (UInt32(1),) if machine.host.credential_guard else (UInt32(0),)
    properties: dict[str, Value] = {
        "SecurityServicesConfigured": PsArray("System.UInt32", running),
        "SecurityServicesRunning": PsArray("System.UInt32", running),
        "VirtualizationBasedSecurityStatus": UInt32(2 if machine.host.credential_guard else 0),
    }
    return [cim_instance("root/Microsoft/Windows/DeviceGuard", "Win32_DeviceGuard", properties)]


CLASSES: dict[tuple[str, str], Reader] = {
    (CIMV2, "win32_operatingsystem"): _operating_system,
    (CIMV2, "win32_computersystem"): _computer_system,
    (CIMV2, "win32_processor"): _processors,
    (DEVICE_GUARD, "win32_deviceguard"): _device_guard,
}


async def _get_service(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        for name in given["Name"] or ("*",):
            if matches(name, "vmms"):
                yield _vmms(session.machine.host)
            elif not is_pattern(name):
                await session.error(
                    PsError(
                        f"Cannot find any service with service name '{name}'.",
                        "NoServiceFoundForGivenName,Microsoft.PowerShell.Commands.GetServiceCommand",
                        Category.ObjectNotFound,
                        ("Microsoft.PowerShell.Commands.ServiceCommandException", "System.Exception"),
                        target=name,
                    )
                )


def _vmms(host: Host) -> PsObject:
    status = ("Running", 4) if host.service_running else ("Stopped", 1)
    properties: dict[str, Value] = {
        "CanStop": host.service_running,
        "DisplayName": "Hyper-V Virtual Machine Management",
        "MachineName": ".",
        "ServiceName": "vmms",
        "Status": PsEnum("System.ServiceProcess.ServiceControllerStatus", *status),
        "StartType": PsEnum("System.ServiceProcess.ServiceStartMode", "Automatic", 2),
    }
    kind = "System.ServiceProcess.ServiceController"
    return PsObject((kind, "System.ComponentModel.Component"), properties, "vmms", {"Name": "vmms"})


GET_SERVICE = Cmdlet(
    "Get-Service",
    "Microsoft.PowerShell.Commands.GetServiceCommand",
    (
        Parameter("Name", Kind.STRINGS, (In("Default", position=0, pipeline=True, by_name=True),), ("ServiceName",)),
        Parameter("DisplayName", Kind.STRINGS, (In("DisplayName", mandatory=True),)),
        Parameter("DependentServices", Kind.SWITCH, aliases=("DS",)),
        Parameter("RequiredServices", Kind.SWITCH, aliases=("SDO", "ServicesDependedOn")),
    ),
    _get_service,
    ("Default", "DisplayName"),
)


async def _test_net_connection(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        name, port = given["ComputerName"] or "internetbeacon.msedge.net", given["Port"]
        with session.machine.world.look():
            found = _computer(session.machine.world, name)
            reached = found is not None and found.up and port in found.open_ports
        if found is None:
            await session.warning(f"Name resolution of {name} failed")
        elif not reached:
            await session.warning(f"TCP connect to ({name} : {port}) failed")
        properties: dict[str, Value] = {
            "ComputerName": name,
            "RemoteAddress": name if found else None,
            "RemotePort": UInt32(port),
            "NameResolutionSucceeded": found is not None,
            "PingSucceeded": found is not None and found.up,
            "TcpTestSucceeded": reached,
            "Detailed": False,
        }
        yield PsObject(("TestNetConnectionResult",), properties, "TestNetConnectionResult")


def _computer(world: World, name: str) -> Host | None:
    """By name, or by an address on which it listens."""
    named = next((host for host in world.hosts if host.answers_to(name)), None)
    return named or next((host for host in world.hosts if name in host.listener_addresses), None)


TEST_NET_CONNECTION = Cmdlet(
    "Test-NetConnection",
    "Test-NetConnection",
    (
        Parameter(
            "ComputerName",
            Kind.STRING,
            (In(position=0, pipeline=True, by_name=True),),
            ("RemoteAddress", "cn"),
        ),
        Parameter("Port", Kind.INT, (In("RemotePort", mandatory=True, by_name=True),), ("RemotePort",)),
    ),
    _test_net_connection,
    ("RemotePort",),
)


async def _get_migration_network(session: Session, records: Records) -> AsyncIterator[object]:
    async for given in records:
        no_remote(given, "GetVMMigrationNetwork")
        with session.machine.world.look():
            networks = list(enumerate(session.machine.host.migration_networks))
        for priority, subnet in networks:
            if given["Subnet"] is None or any(matches(one, subnet) for one in given["Subnet"]):
                yield _migration_network(session.machine.host, subnet, priority)


def _migration_network(host: Host, subnet: str, priority: int) -> PsObject:
    properties: dict[str, Value] = {
        "Subnet": subnet,
        "Priority": priority,
        "CimSession": f"CimSession: {host.fqdn}",
        "ComputerName": host.name,
        "IsDeleted": False,
    }
    kinds = (HV + "VMMigrationNetwork", HV + "VirtualizationObject")
    return PsObject(kinds, properties, HV + "VMMigrationNetwork")


GET_VM_MIGRATION_NETWORK = Cmdlet(
    "Get-VMMigrationNetwork",
    COMMANDS + "GetVMMigrationNetwork",
    (Parameter("Subnet", Kind.STRINGS, (In(position=0, pipeline=True, by_name=True),)), *REMOTE),
    _get_migration_network,
)

CMDLETS = (GET_SERVICE, TEST_NET_CONNECTION, GET_VM_MIGRATION_NETWORK)
