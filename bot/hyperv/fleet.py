"""The hosts as Ferry reads and orders them: `ports.Fleet` over PowerShell remoting.

Reads are one pipeline of several statements, so that a whole host is one round trip. Orders go to the source host
alone; the hosts talk to each other. Everything that a host or the way to it says comes out as HostError or
HostUnreachable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

from bot.core.estate import Cluster, Host, Job, Role, Sighting, Vm, VmSummary
from bot.core.membership import Told
from bot.core.names import VmId
from bot.core.plan import Move, MoveKind
from bot.core.preparation import Name
from bot.core.readiness.model import Surroundings, Target
from bot.core.roster import Roster
from bot.errors import Fault, HostError
from bot.hyperv import cluster_views, kerberos, pipelines, readers, surroundings, views
from bot.hyperv.answer import Answer
from bot.hyperv.clearing import COMPARISON_LIMIT_S, Clearing
from bot.hyperv.cmdlets import Statement
from bot.hyperv.crowd import Crowd
from bot.hyperv.remote import RemoteHost, wanted
from bot.hyperv.roll import Roll
from bot.hyperv.warm import IDLE_RESET_S
from bot.settings import HostSettings

# Msvm_ConcreteJob.RequestStateChange (Microsoft Learn): done, or a job of its own does it.
_STOPPING = frozenset({0, 4096})
# Invalid transition, invalid state: the job is past the point where it can be stopped.
_TOO_LATE = frozenset({4097, 32775})
# In use, busy, in use: it may be asked again.
_BUSY = frozenset({6, 4099, 32774})
_FAILED = 32768  # without a word of why; whether it is being stopped is not known
# ERROR_INVALID_STATE: the cluster cancels only while a migration is set up or copies memory (Microsoft Learn).
_NOT_MOVING = frozenset({"0X8007139F", "0X0000139F"})
_NO_SUCH_INSTANCE = "0X80041002"  # WBEM_E_NOT_FOUND: the job has ended and was cleared away


_NONE: Mapping[str, HostSettings] = MappingProxyType({})


class HyperVFleet:
    """Implements `ports.Fleet` and `ports.ClusterReader`. Safe to use from any thread."""

    def __init__(
        self,
        hosts: Mapping[str, HostSettings],
        clusters: Mapping[str, HostSettings] = _NONE,
        *,
        idle_reset_s: float = IDLE_RESET_S,
    ) -> None:
        """
        Args:
            clusters: by name, how to reach each at an address of its own.
            idle_reset_s: after this long without use a warm session authenticates anew before it is lent.

        Raises:
            Refused: Kerberos is chosen and its libraries are missing.
        """
        kerberos.demand({**hosts, **clusters})
        self._crowd = Crowd()
        self._hosts = Roll(idle_reset_s)
        self._clusters = Roll(idle_reset_s)
        self._clusters.admit(clusters)
        self.admit(hosts)

    def admit(self, hosts: Mapping[str, HostSettings]) -> None:
        """Make further hosts known. Nobody is ever forgotten: a move may be under way on one that has left."""
        self._hosts.admit(hosts)

    def on_stranger(self, ask: Callable[[], None]) -> None:
        """Have whoever may know of further hosts asked when one is named that is not known."""
        self._hosts.on_stranger = ask

    def hosts(self) -> tuple[str, ...]:
        return tuple(self._hosts)

    def read_nodes(self, name: str) -> Told:
        remote = self._clusters.get(name) or self._hosts[name]
        return remote.read("reading which nodes its cluster has", pipelines.ask_nodes(), cluster_views.told_of)

    def read_host(self, host: str, vm: VmId | None = None) -> tuple[Host, Vm | None]:
        def view(answer: Answer) -> tuple[Host, Vm | None]:
            return views.host_of(answer, host), views.vm_of(answer, host, vm) if vm else None

        return self._hosts[host].read("reading its settings", pipelines.ask_host(vm), view)

    def read_vms(self, host: str) -> tuple[Host, tuple[VmSummary, ...]]:
        def view(answer: Answer) -> tuple[Host, tuple[VmSummary, ...]]:
            return views.host_of(answer, host), views.summaries_of(answer, host)

        with self._crowd.turn():
            return self._hosts[host].read("reading its virtual machines", pipelines.ask_vms(), view)

    def read_all(self, host: str) -> tuple[Host, tuple[Vm, ...]]:
        def view(answer: Answer) -> tuple[Host, tuple[Vm, ...]]:
            return views.host_of(answer, host), views.vms_of(answer, host)

        with self._crowd.turn():
            return self._hosts[host].read("reading all its virtual machines in full", pipelines.ask_all(), view)

    def read_surroundings(self, host: str) -> Surroundings:
        with self._crowd.turn():
            return self._hosts[host].read(
                "reading its surroundings", pipelines.ask_surroundings(), surroundings.surroundings_of
            )

    def reach(self, host: str, target: Target) -> bool:
        return self._hosts[host].read(
            f"trying port {target.port} of {target.address}", pipelines.ask_reach(target), surroundings.reached_in
        )

    def look(self, host: str, vm: VmId) -> Sighting:
        return self._hosts[host].read(
            "looking for a virtual machine",
            pipelines.ask_sighting(vm),
            lambda answer: views.sighting_of(answer, host, vm),
        )

    def look_at_role(self, host: str, vm: VmId) -> Sighting:
        return self._hosts[host].read(
            "looking for a virtual machine in its cluster",
            pipelines.ask_role(vm),
            lambda answer: cluster_views.role_sighting_of(answer, host, vm),
        )

    def read_cluster(self, host: str, vm: VmId | None = None) -> tuple[Cluster, Role | None]:
        def view(answer: Answer) -> tuple[Cluster, Role | None]:
            cluster = cluster_views.cluster_of(answer)
            return cluster, cluster_views.role_of(answer, cluster) if vm else None

        return self._hosts[host].read("reading its cluster", pipelines.ask_cluster(vm), view)

    def read_roster(self, host: str) -> Roster:
        return self._hosts[host].read("reading its cluster's roles", pipelines.ask_roster(), cluster_views.roster_of)

    def compare(self, move: Move) -> tuple[str, ...]:
        if not move.kind.compared:
            return ()  # it stays on its host, or its cluster sees to it
        return self._hosts[move.source].order(
            f"comparing {move.vm_name} with {move.destination}",
            pipelines.order_comparison(move),
            _incompatibilities,
            limit_s=COMPARISON_LIMIT_S,
        )

    def discard(self, move: Move) -> None:
        if move.kind.compared:
            Clearing(move, self._hosts[move.source], self._hosts[move.destination]).run()

    def move(self, move: Move, progress: Callable[[int], None], ready: Callable[[], None] = wanted) -> None:
        where = f"of {move.vm_name}" if move.kind is MoveKind.STORAGE else f"of {move.vm_name} to {move.destination}"
        what = move.words if move.quick else move.kind.words
        self._hosts[move.source].order(
            f"the {what.lower()} {where}",
            pipelines.order_move(move),
            _nothing,
            progress=progress,
            ready=ready,
        )

    def configure(self, host: str, name: Name, value: int) -> None:
        remote = self._hosts[host]
        remote.order(
            "setting it up",
            pipelines.order_setting(name, value),
            _nothing,
            limit_s=remote.settings.read_timeout_s,
        )

    def suspend(self, host: str, node: str, *, drain: bool) -> None:
        doing = f"{'draining' if drain else 'pausing'} the node {node.lower()}"
        self._order_node(host, doing, pipelines.order_suspension(node, drain=drain))

    def resume(self, host: str, node: str, *, failback: bool) -> None:
        doing = f"resuming the node {node.lower()}"
        self._order_node(host, doing, pipelines.order_resumption(node, failback=failback))

    def _order_node(self, host: str, doing: str, order: Statement) -> None:
        remote = self._hosts[host]
        remote.order(doing, order, _nothing, limit_s=remote.settings.read_timeout_s)

    def cancel(self, move: Move) -> bool:
        remote = self._hosts[move.source]
        limit_s = remote.settings.read_timeout_s
        try:
            remote.order("cancelling a move in the cluster", pipelines.order_cancel(move), _nothing, limit_s=limit_s)
        except HostError as error:
            if error.code in _NOT_MOVING:
                return False
            raise
        return True

    def stop(self, host: str, job: Job) -> bool:
        doing = "stopping a migration"
        remote = self._hosts[host]
        try:
            code = remote.order(
                doing, pipelines.order_stop(job.id), _return_value, limit_s=remote.settings.read_timeout_s
            )
        except HostError as error:
            if error.code == _NO_SUCH_INSTANCE:
                return False
            raise
        if code is None or code in _TOO_LATE:
            return False
        if code in _STOPPING:
            return True
        raise HostError(
            host,
            doing,
            code=str(code),
            cause=f"it answered with code {code}",
            hint="Stop the migration in Hyper-V Manager, or wait for its end",
            fault=Fault.TRANSIENT if code in _BUSY else Fault.UNKNOWN if code == _FAILED else Fault.CONFIGURATION,
        )

    def close(self) -> None:
        remotes = [*self._hosts.values(), *self._clusters.values()]
        with ThreadPoolExecutor(max_workers=max(1, min(8, len(remotes))), thread_name_prefix="closing") as pool:
            list(pool.map(RemoteHost.close, remotes))


def _nothing(answer: Answer) -> None:
    """A move says nothing when it is done."""


def _incompatibilities(answer: Answer) -> tuple[str, ...]:
    """The hosts' own words, each once, in their order."""
    words = (readers.as_text(record["Message"]).strip() for record in answer.of("VMCompatibilityError"))
    return tuple(dict.fromkeys(word for word in words if word))


def _return_value(answer: Answer) -> int | None:
    """What the method returned; None if there was no job to call it on."""
    values = (readers.as_number(record["ReturnValue"]) for record in answer.records)
    return next((value for value in values if value is not None), None)
