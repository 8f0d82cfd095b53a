"""The few protocols by which the parts of Ferry know each other. `bot.app` introduces the implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from bot.core.estate import Census, Cluster, Estate, Host, Job, Role, Seen, Sighting, Vm, VmSummary
from bot.core.evacuation import Evacuation, EvacuationPlan
from bot.core.evacuation.measuring import Rate
from bot.core.form import Filled, Form, Values
from bot.core.history import Found
from bot.core.holds.model import Hold
from bot.core.home import Home
from bot.core.host_change import HostChange
from bot.core.maintenance import Maintenance
from bot.core.membership import Membership, Told
from bot.core.names import UserId, VmId
from bot.core.notices import Subscription
from bot.core.operation import Operation, Place
from bot.core.plan import Move
from bot.core.policy import Mark
from bot.core.preparation import Name, Preparation
from bot.core.readiness.model import Checkup, Reached, Surroundings, Target
from bot.core.reply import Reply
from bot.core.roster import Roster
from bot.core.shown import Shown
from bot.core.suggestions import Choices


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""


class HostReader(Protocol):
    """Reads of hosts. Every call takes at most the time limit of the host's settings, and changes nothing. What is
    asked of all hosts at once (`read_vms`, `read_all`, `read_surroundings`) may have to wait for its turn before that.

    All raise HostUnreachable when no trustworthy answer came, HostError when the host refused. Safe to call from any
    thread.
    """

    def hosts(self) -> tuple[str, ...]:
        """Names from the settings, in their order. No I/O."""

    def read_host(self, host: str, vm: VmId | None = None) -> tuple[Host, Vm | None]:
        """The host and, where an id is given, that VM in full; None: it answered and has no such VM. One round trip."""

    def read_vms(self, host: str) -> tuple[Host, tuple[VmSummary, ...]]:
        """The host and all its VMs, in one round trip."""

    def read_all(self, host: str) -> tuple[Host, tuple[Vm, ...]]:
        """The host and all its VMs in full, by name, in one round trip.

        What cannot be learnt of one VM, as the size of a disk that cannot be opened, is None there and spoils nothing.
        """

    def read_surroundings(self, host: str) -> Surroundings:
        """What stands around Hyper-V there; answers even if Hyper-V itself does not. What it lacks is None."""

    def reach(self, host: str, target: Target) -> bool:
        """Whether that host opens a TCP connection to the target. A filtered port may take it 25 s to give up on."""

    def look(self, host: str, vm: VmId) -> Sighting:
        """What the host shows of one VM now, jobs included: the observation that reconciling rests on."""

    def look_at_role(self, host: str, vm: VmId) -> Sighting:
        """The same, with what the host's cluster says of the VM's role; `role` is None where it says nothing."""

    def read_cluster(self, host: str, vm: VmId | None = None) -> tuple[Cluster, Role | None]:
        """The failover cluster that the host is a node of and, where an id is given, that VM's role in it.

        HostError if the host is no node of one; None: it answered and knows no such role. One round trip.
        """

    def read_roster(self, host: str) -> Roster:
        """That cluster with all its roles, and how it moves them by itself. HostError as above. One round trip."""


class ClusterReader(Protocol):
    """Reads of clusters that the settings name, for their nodes."""

    def read_nodes(self, name: str) -> Told:
        """What a cluster tells of its nodes, asked at its own address or, by a host's name, through that node.

        At most the time limit of its settings. Raises HostUnreachable, HostError.
        """


class HostMover(Protocol):
    """Orders to hosts. Only the runner calls these, after a row, a confirmation and a journal entry."""

    def compare(self, move: Move) -> tuple[str, ...]:
        """Ask both hosts whether they fit (Compare-VM); the incompatibilities in the hosts' own words, empty if none.

        Not a read: it leaves a planned VM on the destination. A later `move` takes it over; `discard` removes it.
        """

    def discard(self, move: Move) -> None:
        """Remove the planned VM that `compare` left at the destination. Idempotent. Never touches a realised VM."""

    def move(self, move: Move, progress: Callable[[int], None], ready: Callable[[], None] = ...) -> None:
        """Start the move on the source and follow it to its end; `progress` gets percent, 0 to 100, not always rising.

        `ready` is called when all is prepared, right before the order leaves; if it raises, nothing is sent, and what
        it raised comes out. Reaching the host may take long, and the order may no longer be wanted then.

        Returns once the host says it is done (a cluster: that it has begun or is queued), which has to be verified.
        Raises HostError with the host's words; with fault UNKNOWN the move may be going on. The move itself belongs to
        the host and survives this call.
        """

    def configure(self, host: str, name: Name, value: int) -> None:
        """Give one of a host's settings that value. Idempotent. Raises HostError; with fault UNKNOWN it may be set."""

    def suspend(self, host: str, node: str, *, drain: bool) -> None:
        """Have the host's cluster pause a node, and begin to drain it; returns once that has begun.

        HostError; with fault UNKNOWN it may have arrived.
        """

    def resume(self, host: str, node: str, *, failback: bool) -> None:
        """Have it let a node take part again, which ends a drain, and bring back what was drained. The same errors."""

    def cancel(self, move: Move) -> bool:
        """Ask the cluster to cancel its live migration of the VM. False: there is none that can be cancelled now."""

    def stop(self, host: str, job: Job) -> bool:
        """Ask the host to terminate a migration job. False: the host says it is too late (or the job has ended)."""


class Fleet(HostReader, HostMover, Protocol):
    def close(self) -> None:
        """End the warm sessions; running moves go on at their hosts."""


class Chat(Protocol):
    """Posts to chat. Each call may wait for the network; none retries on its own beyond what the service asks.

    All raise ChatError; RateLimited (with seconds) when the service wants a pause.
    """

    def post(self, place: Place, reply: Reply, *, key: str = "") -> str:
        """Post a message, in the place's thread if it has one. Returns its ts. `key` goes into its metadata."""

    def update(self, channel: str, ts: str, reply: Reply) -> None:
        """Replace a message."""

    def delete(self, channel: str, ts: str) -> None:
        """Remove a message of Ferry's own."""

    def whisper(self, place: Place, user: UserId, reply: Reply) -> None:
        """Show a message to one person only."""

    def open_direct(self, user: UserId) -> str:
        """The channel in which Ferry and this person talk alone. Idempotent."""

    def find(self, place: Place, key: str, since: datetime) -> str | None:
        """The ts of a message posted with this key after `since`; None if there is none, or it may not be read."""

    def share(self, place: Place, name: str, data: bytes, title: str) -> None:
        """Upload a file into the place's thread, or channel. `name` is the file's, `title` what people read."""

    def find_shared(self, place: Place, name: str, since: datetime) -> bool:
        """Whether Ferry shared a file of this name there after `since`; False, too, where it may not be read."""


NO_SUCH_GROUP = "no_such_subteam"
"""The code of the ChatError for a group that does not exist (Slack, "usergroups.users.list": Errors)."""


class Directory(Protocol):
    """Who belongs to whom, as chat has it."""

    def members(self, group: str) -> frozenset[UserId]:
        """Ids of the people in a user group. Raises ChatError; RateLimited when the service wants a pause."""

    def describe(self, whom: str) -> frozenset[Mark]:
        """What there is to say against a person, or a channel, by its id. ChatError as above."""


class Homes(Protocol):
    """Where homes are shown."""

    def publish(self, user: UserId, place: Place, home: Home, version: str) -> str:
        """Show a person's home; its buttons type at the place. Returns its version.

        Args:
            version: what is there is replaced if it is this one; empty: whatever is there.

        Raises:
            ChatError: with code "hash_conflict", if another version is there; RateLimited.
        """


class Forms(Protocol):
    """Forms that type commands. All answer at once, from what is in memory."""

    def open(self, actor: UserId, place: Place, command: str = "") -> Form | None:
        """The form of a command, by its name; of the first, if none is named. None: none is for this person there."""

    def suggest(self, actor: UserId, place: Place, command: str, field: str, typed: str) -> tuple[Choices, ...]:
        """What may be chosen in a field; nothing, where the person may not have the form."""

    def fill(self, command: str, values: Values) -> Filled | None:
        """The command that these values stand for. None: that command has no form."""


# What a command may look at


class Hosts(Protocol):
    """What a command may see of the hosts. There is no way to change one from here: that goes through a Plan."""

    def estate(self) -> Estate:
        """All hosts as last seen. No host is asked."""

    def refreshed(self) -> Estate:
        """All hosts, each asked now, in parallel; a host that gives no answer is in it with its failure.

        One that gave no answer the last time is waited for shortly.
        """

    def last_seen(self, host: str) -> Seen:
        """One host as last seen; it is not asked. Refused if the settings do not know it."""

    def read_host(self, host: str) -> Host:
        """One host, asked now. Refused if the settings do not know it; HostError, HostUnreachable."""

    def read_vm(self, host: str, vm: VmId) -> tuple[Host, Vm | None]:
        """A host and one VM of it in full, asked now."""

    def read_vms(self, host: str) -> Seen:
        """One host and its VMs in a list, asked now; if it gives no answer, that and what it held before."""

    def read_all(self, hosts: Iterable[str]) -> tuple[Census, ...]:
        """These hosts and all their VMs in full, each asked now, in parallel; each host once, in the order of asking.

        A host that gives no answer is in it with its failure. Refused if the settings do not know one.
        """

    def check(self, hosts: Iterable[str]) -> tuple[Checkup, ...]:
        """These hosts, each asked now for all that migrations rest on, in parallel; each once, in the order of asking.

        A host that gives no answer is in it with its failure. Refused if the settings do not know one.
        """

    def last_checked(self) -> tuple[Checkup, ...]:
        """All hosts as last checked and seen; what has not been asked for yet is not known. No host is asked."""

    def reach(self, source: str, targets: Iterable[Target]) -> tuple[Reached, ...]:
        """Have a host try ports of another, all at once. What could not be tried says why."""

    def locate(self, vm: str, destination: str = "") -> tuple[Host, Vm, Host]:
        """The VM of that name or id: the host that has it, the VM in full, and the destination, all asked now.

        Without a destination the third is the first again. Refused if there is no such VM, or more than one, or no such
        host; HostError, HostUnreachable.
        """

    def read_cluster(self, host: str, vm: VmId | None = None) -> tuple[Cluster, Role | None]:
        """The cluster that a host is a node of and, where an id is given, that VM's role in it, asked now.

        Refused if the settings do not know the host; HostError if it is no node of a cluster; HostUnreachable.
        """

    def memberships(self) -> tuple[Membership, ...]:
        """What the clusters that the settings name told of their nodes. Nobody is asked."""

    def read_roster(self, host: str) -> Roster:
        """That cluster with all its roles, asked now: of the host, or where it gives no answer, of another node.

        Refused, HostError as above.
        """

    def read_pair(self, source: str, destination: str, vm: VmId) -> tuple[Host, Vm | None, Host]:
        """Source with the VM, and destination, asked now and at the same time. Source may equal destination."""


class Operations(Protocol):
    """What a command may see of operations."""

    def find(self, operation: str) -> Operation | None: ...

    def open(self) -> tuple[Operation, ...]:
        """Those that have not ended, oldest first."""

    def find_shown(self, operation: str) -> Shown | None:
        """A row of any kind."""

    def find_evacuation(self, evacuation: str) -> Evacuation | None: ...

    def open_evacuations(self) -> tuple[Evacuation, ...]:
        """Those that have not ended, oldest first. Their moves are among `open`."""

    def find_host_change(self, change: str) -> HostChange | None: ...

    def open_host_changes(self) -> tuple[HostChange, ...]:
        """Those that have not ended, oldest first."""

    def last_preparation(self, host: str) -> Preparation | None:
        """The newest that succeeded there, unless it has been put back."""

    def last_maintenance(self, host: str) -> Maintenance | None:
        """The newest that was carried out there, however it ended."""

    def holds(self) -> tuple[Hold, ...]:
        """Freezes and locks that have not ended, oldest first."""

    def rate_between(self, one: str, other: str) -> Rate | None:
        """What migrations between two hosts carried, by the record; None: none that tells is on it."""

    def watched_by(self, user: UserId) -> tuple[Subscription, ...]:
        """What a person is told of, by name."""

    def recent(self, count: int) -> tuple[Operation | Evacuation | HostChange, ...]:
        """Those that ended last, newest first; without the moves of evacuations."""


class Evacuations(Protocol):
    """Plans of many moves, for whoever offers them. Every host concerned is asked now; nothing is changed."""

    def names(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """The settings' names of these hosts, each once. Refused if the settings do not know one."""

    def evacuate(
        self,
        command: str,
        hosts: tuple[str, ...],
        destinations: tuple[str, ...],
        *,
        but: tuple[str, ...] = (),
        make_room: bool = False,
    ) -> EvacuationPlan:
        """Empty these hosts; no destinations: all other hosts. `but` names VMs that stay. Refused, HostError."""

    def retry(self, evacuation_id: str) -> EvacuationPlan:
        """What has failed or was cancelled, planned again. Refused if there is nothing."""

    def bring_home(self, command: str, hosts: tuple[str, ...]) -> EvacuationPlan:
        """What the last evacuation of each host took away. Refused if there is nothing."""


class History(Protocol):
    """What a command may see of the past."""

    def search(self, what: str, since: datetime | None, most: int) -> Found:
        """What people did, newest first: to a VM, a host or an operation, or by a person; everything for "".

        Where nothing has that very name, the entries that hold its words. Refused if the record cannot be read.
        """
