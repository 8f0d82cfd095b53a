"""All that a file in `commands/` imports: one line, no other module of the bot but at most one planner of `bot.core`.

A command looks (through `Context`) and answers. It never changes anything itself:

    Reply   say this
    Interim say this, and replace it by what is learnt
    Plan    offer this; Ferry shows it, asks for confirmation, journals, queues, runs and resumes it
    Signal  tell Ferry something about an operation that exists
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, get_args, get_type_hints

from bot.core import failover, freshness, wording
from bot.core.estate import Census, Cluster, Estate, Host, Role, Seen, Vm, VmState, VmSummary
from bot.core.evacuation import Evacuation, EvacuationPlan
from bot.core.evacuation.measuring import Rate
from bot.core.grammar import Arguments, Usage
from bot.core.history import Found
from bot.core.host_change import HostChange, HostPlan
from bot.core.maintenance import Maintenance, MaintenancePlan
from bot.core.membership import Membership
from bot.core.names import (
    Age,
    ClusterName,
    HostName,
    HostNames,
    OperationId,
    Person,
    StoragePath,
    Topic,
    UserId,
    VmId,
    VmName,
    VmNames,
    to_timedelta,
)
from bot.core.notices import Subscription
from bot.core.operation import Operation
from bot.core.plan import Plan
from bot.core.planner import Limits
from bot.core.preparation import Preparation, PreparationPlan
from bot.core.readiness.model import Checkup, Reached, Target
from bot.core.reply import (
    Button,
    Code,
    Interim,
    Line,
    Mark,
    Moment,
    Note,
    Part,
    Reply,
    Strong,
    Table,
    Text,
    User,
    marked,
    say,
)
from bot.core.roster import Roster
from bot.core.shown import Shown
from bot.core.signal import (
    Anchor,
    Approve,
    Cancel,
    Close,
    Confirm,
    Decline,
    Look,
    Pause,
    Resume,
    Signal,
    Unwatch,
    Watch,
)
from bot.errors import HostError, Refused

__all__ = [
    "Age",
    "Anchor",
    "Approve",
    "Arguments",
    "Button",
    "Cancel",
    "Close",
    "Cluster",
    "ClusterName",
    "Code",
    "Command",
    "Confirm",
    "Context",
    "Decline",
    "Evacuation",
    "EvacuationPlan",
    "Host",
    "HostError",
    "HostName",
    "HostNames",
    "Interim",
    "Line",
    "Look",
    "MaintenancePlan",
    "Mark",
    "Moment",
    "Note",
    "OperationId",
    "Part",
    "Pause",
    "Person",
    "Plan",
    "PreparationPlan",
    "Refused",
    "Reply",
    "Resume",
    "Seen",
    "StoragePath",
    "Strong",
    "Table",
    "Text",
    "Topic",
    "Unwatch",
    "User",
    "Vm",
    "VmName",
    "VmNames",
    "VmState",
    "VmSummary",
    "Watch",
    "command",
    "failover",
    "freshness",
    "marked",
    "say",
    "to_timedelta",
    "wording",
]

Answer = Reply | Interim | Plan | EvacuationPlan | HostPlan | Signal


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


@dataclass(frozen=True)
class Context:
    """What a command may look at while it answers one person.

    Attributes:
        why: whether that person may say those words here, and by which rules; nothing is offered. Raises UsageError,
            Refused, HostError.
        permits: whether policy lets this person do here what an action names.
    """

    actor: UserId
    now: datetime
    hosts: Hosts
    operations: Operations
    history: History
    evacuations: Evacuations
    commands: Mapping[str, Command]
    limits: Limits
    why: Callable[[str, Sequence[str]], Reply]
    permits: Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command: its usage line is its grammar, its help and its "did you mean".

    Attributes:
        changes: whether its answer can be more than words; a policy's no to such a command is journalled.
        plans: whether its answer is a plan; such a command has a form.
    """

    usage: Usage
    action: str
    changes: bool
    plans: bool
    examples: tuple[str, ...]
    arguments: type[Arguments]
    handler: Callable[[Any, Context], Answer]
    summary: str
    help: str

    @property
    def name(self) -> str:
        """The leading words, like "move storage"."""
        return self.usage.name


_PLANS = frozenset({Plan, EvacuationPlan, PreparationPlan, MaintenancePlan})


def command(
    *usages: str, action: str, examples: tuple[str, ...]
) -> Callable[[Callable[[Any, Context], Answer]], Command]:
    """Turn a handler into a Command. Registers nothing: discovery finds it in its module.

    Args:
        usages: the grammar, as people read it in help; see `bot.core.grammar`. The first is the one help shows first.
        action: what policy decides on, like "vm.migrate".
        examples: texts that must parse; help prints them and the inherited tests run them.
    """

    def wrap(handler: Callable[[Any, Context], Answer]) -> Command:
        hints = get_type_hints(handler)
        arguments = next(kind for kind in hints.values() if isinstance(kind, type) and issubclass(kind, Arguments))
        text = (handler.__doc__ or "").strip()
        return Command(
            usage=Usage.parse(usages, arguments),
            action=action,
            changes=hints.get("return") not in (Reply, Reply | Interim),
            plans=not _PLANS.isdisjoint((hints.get("return"), *get_args(hints.get("return")))),
            examples=examples,
            arguments=arguments,
            handler=handler,
            summary=text.split("\n")[0],
            help=text,
        )

    return wrap
