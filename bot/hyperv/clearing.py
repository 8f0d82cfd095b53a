"""Removing the planned VM that a comparison left at the destination, without ever endangering a VM.

Nothing removes a planned VM by its name: it is only reachable as the object that Compare-VM reports. So the
comparison is repeated, what it reports is looked at, and only then is the same object removed. The removal is sent
only if

1. the source shows the VM running, idle, without a migration job (Remove-VM refuses a running VM, should all else be
   wrong),
2. the destination shows a planned VM of that id and no VM,
3. the reported object has that id, says it is planned, lives at the destination and not at the source, and is off.

In any doubt the planned VM stays: it is harmless, and the next Move-VM of that VM removes it (Microsoft's own cmdlet
does so; read from one build of the Hyper-V module).
"""

from __future__ import annotations

from bot.core.estate import Sighting, VmState
from bot.core.names import same_computer
from bot.core.plan import Move
from bot.errors import Fault, HostError
from bot.hyperv import pipelines, readers, views
from bot.hyperv.answer import Answer, Record
from bot.hyperv.remote import RemoteHost

COMPARISON_LIMIT_S = 600.0


class Clearing:
    """One planned VM's removal."""

    def __init__(self, move: Move, source: RemoteHost, destination: RemoteHost) -> None:
        self._move = move
        self._source = source
        self._destination = destination
        self._doing = f"removing the planned VM that the comparison of {move.vm_name} left"

    def run(self) -> None:
        """Idempotent: returns when no planned VM is left.

        Raises:
            HostError: the planned VM stays, and why.
        """
        if not self._look(self._destination).planned:
            return
        self._require_idle_source()
        source_computer = self._source.read(
            self._doing, pipelines.ask_computer(self._move.vm), lambda answer: views.computer_of(_vm_record(answer))
        )
        planned = self._source.order(
            self._doing, pipelines.order_planned_vm(self._move), _vm_record, limit_s=COMPARISON_LIMIT_S
        )
        self._require_planned(planned, source_computer)
        self._source.order(self._doing, pipelines.order_removal(self._move), _nothing, limit_s=COMPARISON_LIMIT_S)
        if self._look(self._destination).planned:
            raise self._doubt("the host accepted its removal, but it is still there")

    def _look(self, host: RemoteHost) -> Sighting:
        vm = self._move.vm
        return host.read(
            self._doing, pipelines.ask_sighting(vm), lambda answer: views.sighting_of(answer, host.name, vm)
        )

    def _require_idle_source(self) -> None:
        seen = self._look(self._source)
        if seen.vm is None:
            raise self._doubt(f"{self._source.name} does not show the VM")
        if seen.vm.state != VmState.RUNNING:
            raise self._doubt(f"the VM is not running on {self._source.name}")
        if seen.vm.migrating or any(job.active for job in seen.jobs):
            raise self._doubt("the VM is being moved")

    def _require_planned(self, planned: Record, source_computer: str) -> None:
        computer = views.computer_of(planned)
        if readers.as_vm_id(planned["Id"]) != self._move.vm:
            raise self._doubt("the comparison reports another VM")
        if not views.is_planned(planned):
            raise self._doubt("the comparison does not say that its VM is a planned one")
        if not computer or not source_computer or same_computer(computer, source_computer):
            raise self._doubt("the comparison does not say that its VM is at the destination")
        if not same_computer(computer, self._move.destination_fqdn):
            raise self._doubt(f"the comparison's VM is on {computer}, not at the destination")
        if views.state_of(planned) != VmState.OFF:
            raise self._doubt("the comparison's VM is not switched off")

    def _doubt(self, why: str) -> HostError:
        return HostError(
            self._destination.name,
            self._doing,
            cause=f"it was left in place, because {why}",
            hint="Nothing is lost: the next move of this VM removes it",
            fault=Fault.CONFIGURATION,
        )


def _vm_record(answer: Answer) -> Record:
    records = answer.of("VirtualMachine")
    if len(records) != 1:
        raise views.Unreadable("VirtualMachine", f"({len(records)} objects)")
    return records[0]


def _nothing(answer: Answer) -> None:
    """The removal says nothing when it is done."""
