"""Errors that a host reported, found in the catalogue of `bot.core.faults`.

An error is classified by (1) the identifier that leads its FullyQualifiedErrorId, (2) the last HRESULT in its text,
which is the innermost cause, (3) the English text, as a last resort. Identifiers that name only the kind of failure
(OperationFailed, InvalidParameter…) count last. What none of them knows is `UNCLASSIFIED`: the outcome is looked up on
both hosts, never guessed.
"""

from __future__ import annotations

import re

from bot.core.faults import CATALOGUE, REFUSED_BY_CHECK, UNCLASSIFIED, Known, last_hresult
from bot.errors import HostError
from bot.hyperv.answer import Trouble

INVALID_OPERATION = 7  # System.Management.Automation.ErrorCategory


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
