"""What a pipeline gave back, in plain values: records, troubles, and whether it ran to its end.

Not their meaning: `bot.hyperv.views` makes hosts and VMs of records, `bot.hyperv.faults` explains troubles.

Facts about pypsrp 0.9 (powershell.py, complex_objects.py):
1. `had_errors` is true only when the whole pipeline failed: a non-terminating error stands in `streams.error` alone.
2. An ErrorRecord's `message` is its one-line category; the words are its text or its exception's Message.
3. Outputs of several statements arrive in one list, so they are told apart by type name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pypsrp.complex_objects import ErrorRecord, GenericComplexObject, PSInvocationState
from pypsrp.powershell import PowerShell

from bot.hyperv.readers import as_number, as_text, properties


@dataclass(frozen=True)
class Record:
    """One output object."""

    kind: str  # short type name: "VirtualMachine", "MSFT_Volume"
    values: Mapping[str, object]

    def __getitem__(self, name: str) -> object:
        """The property's value as it came; None if there is none."""
        return self.values.get(name)


@dataclass(frozen=True)
class Trouble:
    """One error record."""

    code: str  # FullyQualifiedErrorId: "<identifier>,<class that wrote it>"
    category: int  # System.Management.Automation.ErrorCategory
    target: str
    activity: str  # the cmdlet's name, as far as the host says it
    words: str  # the host's own text, maybe localised

    @property
    def identifier(self) -> str:
        return self.code.partition(",")[0]

    @property
    def cmdlet(self) -> str:
        """The cmdlet it is about, in lower case without hyphen ("getvhd"), from whatever says it; maybe empty."""
        spelt = self.target if self.identifier == "CommandNotFoundException" else self.activity
        spelt = spelt or self.code.rpartition(",")[2].rpartition(".")[2].removesuffix("Command")
        return spelt.replace("-", "").casefold()

    @property
    def means_no_such_vm(self) -> bool:
        """Get-VM found none with that id. ObjectNotFound is not this: a stopped service says that too."""
        return self.identifier == "InvalidParameter" and self.cmdlet == "getvm"


@dataclass(frozen=True)
class Answer:
    records: tuple[Record, ...]
    troubles: tuple[Trouble, ...]
    completed: bool

    def of(self, kind: str) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.kind == kind)


def answer_of(powershell: PowerShell) -> Answer:
    """What a pipeline that has ended gave."""
    return Answer(
        tuple(_record(item) for item in powershell.output if isinstance(item, GenericComplexObject)),
        tuple(dict.fromkeys(_trouble(item) for item in powershell.streams.error)),
        powershell.state == PSInvocationState.COMPLETED,
    )


def _record(item: GenericComplexObject) -> Record:
    """A CIM type is like `…CimInstance#ROOT/cimv2/Win32_OperatingSystem`; a second trip adds `Deserialized.`."""
    full = item.types[0] if item.types else ""
    name = full.rpartition("#")[2].rpartition("/")[2] if "#" in full else full.rpartition(".")[2]
    return Record(name, properties(item))


def _trouble(item: ErrorRecord) -> Trouble:
    exception: Any = item.exception
    words = as_text(properties(exception).get("Message")) or as_text(str(item)) or as_text(exception)
    return Trouble(
        code=as_text(item.fq_error),
        category=as_number(item.category) or 0,
        target=as_text(item.target_name),
        activity=as_text(item.activity),
        words=words.strip(),
    )
