"""All that a file in `commands/` imports: one line, no other module of the bot but at most one planner of `bot.core`.

A command looks (through `Context`) and answers. It never changes anything itself:

    Reply   say this
    Interim say this, and replace it by what is learnt
    Plan    offer this; Ferry shows it, asks for confirmation, journals, queues, runs and resumes it
    Signal  tell Ferry something about an operation that exists
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, get_args, get_type_hints

from bot.core import failover, freshness, wording
from bot.core.estate import Cluster, Host, Seen, Vm, VmState, VmSummary
from bot.core.evacuation import Evacuation, EvacuationPlan
from bot.core.grammar import LATER, Arguments, Ending, Usage, Word, take_ending
from bot.core.holds import wording as holding
from bot.core.host_change import HostPlan
from bot.core.maintenance import MaintenancePlan
from bot.core.names import (
    Age,
    ClusterName,
    HostName,
    HostNames,
    Lockable,
    OperationId,
    Person,
    StoragePath,
    Topic,
    UserId,
    VmName,
    VmNames,
    to_timedelta,
)
from bot.core.plan import Plan
from bot.core.planner import Limits
from bot.core.policy import AnyPlan
from bot.core.preparation import PreparationPlan
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
from bot.core.signal import (
    Anchor,
    Approve,
    Cancel,
    Close,
    Confirm,
    Decline,
    Freeze,
    Lock,
    Look,
    Pause,
    Resume,
    Signal,
    Unfreeze,
    Unlock,
    Unwatch,
    Watch,
)
from bot.core.until import Until, resolve_until
from bot.errors import HostError, Refused, UsageError
from bot.ports import Evacuations, History, Hosts, Operations

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
    "Freeze",
    "Host",
    "HostError",
    "HostName",
    "HostNames",
    "Interim",
    "Line",
    "Lock",
    "Lockable",
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
    "Unfreeze",
    "Unlock",
    "Until",
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
    "holding",
    "marked",
    "read_reason",
    "resolve_until",
    "say",
    "to_timedelta",
    "wording",
]

LONGEST_REASON = 300

Answer = Reply | Interim | Plan | EvacuationPlan | HostPlan | Signal


@dataclass(frozen=True)
class Context:
    """What a command may look at while it answers one person.

    Attributes:
        zone: that times of day are in which people say.
        why: whether that person may say those words here, and by which rules; nothing is offered. Raises UsageError,
            Refused, HostError.
        permits: whether policy lets this person do here what an action names.
    """

    actor: UserId
    now: datetime
    zone: tzinfo
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
        plans: whether its answer can be a plan; such a command may end in when that is to begin, and has a form.
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

    def read(self, words: tuple[Word, ...]) -> tuple[Arguments, Ending | None]:
        """What these words, after the name, stand for, and when it is to begin. Raises UsageError."""
        rest, ending = take_ending(words) if self.plans else (words, None)
        try:
            return self.usage.read(rest, str(ending or "")), ending
        except UsageError as error:
            if self.plans and any(word.says(each) for word in words for each in ("at", "in", "tomorrow")):
                error.hint = "\n".join(filter(None, (error.hint, LATER)))
            raise

    def write(self, arguments: Arguments, ending: Ending | None = None) -> str:
        """The canonical command: reading it gives these again."""
        return " ".join(filter(None, (self.usage.write(arguments), str(ending or ""))))


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
        answers = get_args(hints.get("return")) or (hints.get("return"),)
        plans = any(isinstance(one, type) and issubclass(one, AnyPlan) for one in answers)
        text = (handler.__doc__ or "").strip()
        return Command(
            usage=Usage.parse(usages, arguments),
            action=action,
            changes=hints.get("return") not in (Reply, Reply | Interim),
            plans=plans,
            examples=examples,
            arguments=arguments,
            handler=handler,
            summary=text.split("\n")[0],
            help=f"{text}\n\n{LATER}." if plans else text,
        )

    return wrap


def read_reason(words: Sequence[str], said: str) -> str:
    """The words after "because", as one sentence.

    Args:
        said: the command up to them.

    Raises:
        Refused: it is too long to stand on a card.
    """
    reason = " ".join(words)
    if len(reason) > LONGEST_REASON:
        raise Refused(
            f"the reason has {len(reason)} characters",
            needed=f"a reason of at most {LONGEST_REASON}",
            hint=f"`{said}` and one sentence",
        )
    return reason
