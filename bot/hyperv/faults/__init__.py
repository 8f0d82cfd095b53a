"""The catalogue of what hosts say when they refuse, as data: what it means, what to do, whether repeating makes sense.

A host's text is localised, its identifiers and codes are not. So an error is classified by (1) the identifier that
leads its FullyQualifiedErrorId, (2) the last HRESULT in its text, which is the innermost cause, (3) the English text,
as a last resort. Identifiers that name only the kind of failure (OperationFailed, InvalidParameter…) count last. What
none of them knows is `UNKNOWN`: the outcome is looked up on both hosts, never guessed.

Sources: Microsoft Learn, "Set up hosts for live migration without Failover Clustering" and
MigrateVirtualSystemToHost; Microsoft support 4558514, "Troubleshoot live migration issues"; the identifiers are those
of the Hyper-V module's VirtualizationException (read from one build, assumed for the others). The classes of retry are
Ferry's own judgement.
"""

from __future__ import annotations

import re

from bot.errors import HostError
from bot.hyperv.answer import Trouble
from bot.hyperv.faults import machines, network
from bot.hyperv.faults.known import C, Known, U

CATALOGUE: tuple[Known, ...] = (*machines.ENTRIES, *network.ENTRIES)

UNCLASSIFIED = Known(U, "", machines.EVENTS)
"""The cause stays empty: Ferry does not know it, and the host's own words are shown."""

REFUSED_BY_CHECK = Known(
    C,
    "the VM is clustered, or live migration is switched off on one of the hosts",
    "Get-VM <vm> | Select IsClustered; Get-VMHost on both hosts; Enable-VMMigration",
)
"""OperationFailed with category InvalidOperation: the cmdlet's own check said no before anything started."""

INVALID_OPERATION = 7  # System.Management.Automation.ErrorCategory
# Innermost last; the host puts codes in parentheses, some documents do not.
_HRESULT = re.compile(r"\((0x[0-9A-Fa-f]{8})\)")
_BARE_HRESULT = re.compile(r"\b(0x[0-9A-Fa-f]{8})\b")


def last_hresult(words: str) -> str:
    """The innermost code in a text, like "0X8009030E"; empty if there is none."""
    found = _HRESULT.findall(words) or _BARE_HRESULT.findall(words)
    return str(found[-1]).upper() if found else ""


def classify(trouble: Trouble) -> tuple[Known, str]:
    """The catalogue's entry for an error, and the identifier or HRESULT that says it (empty if it was the text)."""
    signs = (trouble.identifier, f"{trouble.identifier},{trouble.cmdlet}")
    for known in CATALOGUE:
        if any(sign in known.identifiers for sign in signs):
            return known, trouble.identifier
    hresult = last_hresult(trouble.words) or last_hresult(trouble.identifier)
    for known in CATALOGUE:
        if hresult in known.hresults:
            return known, hresult
    for known in CATALOGUE:
        if known.english and re.search(known.english, trouble.words, re.IGNORECASE | re.DOTALL):
            return known, hresult
    if trouble.identifier == "OperationFailed" and trouble.category == INVALID_OPERATION:
        return REFUSED_BY_CHECK, trouble.identifier
    for known in CATALOGUE:
        if trouble.identifier in known.kinds:
            return known, trouble.identifier
    return UNCLASSIFIED, hresult or trouble.identifier


def explain(host: str, doing: str, trouble: Trouble) -> HostError:
    """What a person is told of an error that the host itself reported."""
    known, code = classify(trouble)
    return HostError(
        host, doing, words=trouble.words, code=code, cause=known.cause, hint=known.remedy, fault=known.fault
    )
