"""One plan, and findings of every level."""

from __future__ import annotations

from bot.core.estate import Disk, VmState
from bot.core.names import VmId
from bot.core.plan import Estimate, Finding, Level, Move, MoveKind, Plan

DISK = Disk(path="D:\\VMs\\VM-01.vhdx", size_bytes=80 << 30, file_bytes=40 << 30)
MOVE = Move(
    kind=MoveKind.SHARED_NOTHING,
    vm=VmId("1b4e28ba-2fa1-41d2-883f-0016d3cca427"),
    vm_name="VM-01",
    source="host01",
    destination="host02",
    destination_fqdn="host02.contoso.com",
    storage_path="D:\\VMs",
    state=VmState.RUNNING,
    memory_bytes=8 << 30,
    disks=(DISK,),
    configuration_path="D:\\VMs\\VM-01",
)
FINE = Finding(level=Level.FINE, code="memory", text="52 of 128 GB free on host02")
WARNING = Finding(level=Level.WARNING, code="checkpoints", text="1 checkpoint travels along")
BLOCKING = Finding(level=Level.BLOCKING, code="switch", text='no switch "Production"', needed="one", hint="make one")
PLAN = Plan(
    command="migrate VM-01 to host02 with storage at D:\\VMs",
    action="vm.migrate",
    move=MOVE,
    findings=(FINE, WARNING),
    estimate=Estimate(seconds=400, basis="48 GB at 0.1 GB/s"),
    facts=("running for 41 days",),
)
