"""The shape of an entry in the catalogue of refusals."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import Fault

C, T, Q, U, B = Fault.CONFIGURATION, Fault.TRANSIENT, Fault.CAPACITY, Fault.UNKNOWN, Fault.BUG
"""Short names, so that the catalogue reads as a table."""


@dataclass(frozen=True)
class Known:
    """One entry: what it means and what a person does about it, and the ways to recognise it."""

    id: str  # stable, like "no_credentials"
    fault: Fault
    cause: str
    remedy: str
    identifiers: tuple[str, ...] = ()
    hresults: tuple[str, ...] = ()  # upper case, like "0X8009030E"
    english: str = ""  # a regular expression, any case
    kinds: tuple[str, ...] = ()  # identifiers that say only this much, so that everything else counts before them
    numbers: tuple[int, ...] = ()  # events, Compare-VM's message ids, WMI's return codes: what a person looks up
