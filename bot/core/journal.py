"""The journal's hash chain: each entry carries the hash of the one before, so a changed or removed entry shows.

It is arithmetic on entries, not their storage. Rules: the body is canonical JSON; a hash covers number, previous hash
and body; numbers rise by one. A chain cannot show that its newest entries were cut off: for that, keep the last hash
elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from bot.core.estate import Frozen

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


class Entry(Frozen):
    """One journal row."""

    seq: int
    previous: str
    body: str
    hash: str


class Break(Frozen):
    """The first place where the chain does not hold."""

    seq: int
    reason: str


def canonical(body: Mapping[str, JsonValue]) -> str:
    """One spelling for one value: sorted keys, no blanks, UTF-8 text as it is."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def link(seq: int, previous: str, body: str) -> Entry:
    """The entry that follows the one whose hash is `previous`."""
    return Entry(seq=seq, previous=previous, body=body, hash=_hash(seq, previous, body))


def find_break(entries: Iterable[Entry]) -> Break | None:
    """Verify a whole chain, oldest first. None: it holds."""
    expected, previous = 1, GENESIS
    for entry in entries:
        if entry.seq != expected:
            return Break(seq=expected, reason=f"entry {expected} is missing")
        if entry.previous != previous:
            return Break(seq=entry.seq, reason=f"entry {entry.seq} does not follow entry {entry.seq - 1}")
        if entry.hash != _hash(entry.seq, entry.previous, entry.body):
            return Break(seq=entry.seq, reason=f"entry {entry.seq} was changed after it was written")
        expected, previous = expected + 1, entry.hash
    return None


def _hash(seq: int, previous: str, body: str) -> str:
    return hashlib.sha256(f"{seq}\n{previous}\n{body}".encode()).hexdigest()
