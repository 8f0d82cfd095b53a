"""The catalogue of what hosts say when they refuse, as data: what it means, what to do, whether repeating makes sense.

A host's text is localised, its identifiers and codes are not. `bot.hyperv.faults` classifies what a host says by them;
here a person looks one up.

Sources: Microsoft Learn, "Set up hosts for live migration without Failover Clustering" and
MigrateVirtualSystemToHost; Microsoft support 4558514, "Troubleshoot live migration issues"; the identifiers are those
of the Hyper-V module's VirtualizationException (read from one build, assumed for the others). The classes of retry are
Ferry's own judgement.
"""

from __future__ import annotations

import difflib
import re

from bot.core.faults import endpoint, kerberos, machines, network
from bot.core.faults.known import C, Known, U

__all__ = ["CATALOGUE", "REFUSED_BY_CHECK", "UNCLASSIFIED", "Known", "find", "last_hresult", "nearest"]

CATALOGUE: tuple[Known, ...] = (*machines.ENTRIES, *network.ENTRIES, *endpoint.ENTRIES, *kerberos.ENTRIES)

UNCLASSIFIED = Known("unclassified", U, "", machines.EVENTS)
"""The cause stays empty: Ferry does not know it, and the host's own words are shown."""

REFUSED_BY_CHECK = Known(
    "refused_by_check",
    C,
    "the VM is clustered, or live migration is switched off on one of the hosts",
    "Get-VM <vm> | Select IsClustered; Get-VMHost on both hosts; Enable-VMMigration",
    kinds=("OperationFailed",),
    numbers=(32768,),
)
"""OperationFailed with category InvalidOperation: the cmdlet's own check said no before anything started."""

# Innermost last; the host puts codes in parentheses, some documents do not.
_HRESULT = re.compile(r"\((0x[0-9A-Fa-f]{8})\)")
_BARE_HRESULT = re.compile(r"\b(0x[0-9A-Fa-f]{8})\b")
_HEX = re.compile(r"(?:0x(?P<marked>[0-9A-Fa-f]{1,8})|(?P<bare>[0-9A-Fa-f]{8}))\Z", re.IGNORECASE)
_DECIMAL = re.compile(r"-?\d{1,10}\Z")
_WIN32 = 0x80070000  # HRESULT_FROM_WIN32


def last_hresult(words: str) -> str:
    """The innermost code in a text, like "0X8009030E"; empty if there is none."""
    found = _HRESULT.findall(words) or _BARE_HRESULT.findall(words)
    return str(found[-1]).upper() if found else ""


def find(said: str) -> tuple[Known, ...]:
    """What a person's code, identifier, event, entry id or quoted text stands for; several where an event has several
    causes, none where nothing is known."""
    known = (*CATALOGUE, REFUSED_BY_CHECK)
    text = said.strip()
    signs = _spellings(text)
    if found := tuple(one for one in known if signs & _signs(one)):
        return found
    if _HEX.match(text):
        return ()
    if hresult := last_hresult(text):
        return tuple(one for one in known if hresult in one.hresults)
    return tuple(one for one in known if one.english and re.search(one.english, text, re.IGNORECASE | re.DOTALL))


def nearest(said: str) -> str:
    """The code, identifier or entry id that looks most like this; empty if none does."""
    shown = {sign.casefold(): sign.replace("0X", "0x") for one in CATALOGUE for sign in sorted(_signs(one))}
    match = _HEX.match(said.strip())
    wanted = _hresult(int(match["marked"] or match["bare"], 16)) if match else said.strip().replace(" ", "_")
    close = difflib.get_close_matches(wanted[:60].casefold(), list(shown), n=1, cutoff=0.75)
    return shown[close[0]] if close else ""


def _signs(one: Known) -> set[str]:
    """All that names an entry, spelt as `_spellings` spells it."""
    named = {sign.partition(",")[0].casefold() for sign in (*one.identifiers, *one.kinds)}
    return {one.id, *named, *one.hresults, *map(str, one.numbers)}


def _spellings(text: str) -> set[str]:
    """The ways in which the catalogue may write it: an HRESULT is also said as a decimal, signed or not, or as the
    Windows error that it wraps."""
    folded = text.casefold()
    spelt = {folded.replace(" ", "_"), folded.partition(",")[0]}
    if match := _HEX.match(text):
        spelt.add(_hresult(int(match["marked"] or match["bare"], 16)))
    if _DECIMAL.match(text):
        number = int(text)
        spelt |= {text, _hresult(number % (1 << 32))} if abs(number) > 0xFFFF else {text, _hresult(_WIN32 | number)}
    return spelt


def _hresult(number: int) -> str:
    return f"0X{number:08X}"
