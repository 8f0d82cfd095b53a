"""The journal's hash chain: each entry carries the hash of the one before, so a changed or removed entry shows.

It is arithmetic on entries, not their storage. Rules: the body is canonical JSON; a hash covers number, previous hash
and body; numbers rise by one; the first entry names the deployment at random, so that no entry of one deployment fits
into the chain of another. A chain cannot show that its newest entries were cut off: for that there are anchors, the
chain's head as it was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue, TypeAdapter

from bot.core.estate import Frozen

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""

JOURNAL = "journal"
"""What entries are filed under that tell of the journal itself."""

_ANCHOR = re.compile(r"ferry:([0-9a-f]{32}):([1-9][0-9]{0,17}):([0-9a-f]{64}):([0-9]{8}T[0-9]{6}Z)")
_BODY: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_TIME = "%Y%m%dT%H%M%SZ"


class Entry(Frozen):
    """One journal row. It is filed under an operation, which its body names as well."""

    seq: int
    previous: str
    operation: str
    body: str
    hash: str

    def read(self) -> dict[str, JsonValue]:
        """What the body tells.

        Raises:
            ValueError: it is no JSON object; none that Ferry wrote is that.
        """
        return _BODY.validate_json(self.body)


class Anchor(Frozen):
    """The head of a chain at a moment, to be kept where whoever alters the journal cannot alter it."""

    deployment: str
    seq: int
    hash: str
    at: datetime

    def __str__(self) -> str:
        """One word, as `read_anchor` finds it again."""
        return f"ferry:{self.deployment}:{self.seq}:{self.hash}:{self.at.astimezone(UTC).strftime(_TIME)}"


class Refusal(Frozen):
    """A change that policy did not allow, as the journal keeps it: what was read, never what was written.

    Attributes:
        command: in Ferry's own spelling; its name alone where the rest was not understood.
        arguments: by slot; strings, numbers and truth values only.
    """

    action: str
    reason: str
    command: str
    arguments: Mapping[str, object] = {}


class Break(Frozen):
    """The first place where the chain does not hold."""

    seq: int
    reason: str


class Verification(Frozen):
    """What verifying a chain found, up to the place where it does not hold."""

    deployment: str = ""
    entries: int = 0
    head: str = ""  # hash of the newest entry that holds
    broken: Break | None = None


def canonical(body: Mapping[str, JsonValue]) -> str:
    """One spelling for one value: sorted keys, no blanks, UTF-8 text as it is."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def link(seq: int, previous: str, body: Mapping[str, JsonValue]) -> Entry:
    """The entry that follows the one whose hash is `previous`."""
    text = canonical(body)
    return Entry(
        seq=seq, previous=previous, operation=str(body["operation"]), body=text, hash=_hash(seq, previous, text)
    )


def deployment_of(first: Entry) -> str:
    """32 hex digits. A chain whose first entry names no deployment goes by the hash of that entry."""
    return str(first.read().get("deployment") or first.hash[:32])


def read_anchor(text: str) -> Anchor | None:
    """The anchor in a text copied from chat, whatever stands around it and wherever its lines were broken."""
    found = _ANCHOR.search("".join(character for character in text if character.isprintable() and character != " "))
    if found is None:
        return None
    try:
        at = datetime.strptime(found[4], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Anchor(deployment=found[1], seq=int(found[2]), hash=found[3], at=at)


def verify(entries: Iterable[Entry], anchors: Sequence[Anchor] = ()) -> Verification:
    """Verify a whole chain, oldest first, against what was kept of its heads."""
    deployment, last, head = "", 0, GENESIS
    for entry in entries:
        fault = _find_fault(entry, last + 1, head)
        if fault is None and last == 0:
            deployment = deployment_of(entry)
        if broken := fault or _contradiction(entry, deployment, anchors):
            return Verification(deployment=deployment, entries=last, head=head, broken=broken)
        last, head = entry.seq, entry.hash
    return Verification(deployment=deployment, entries=last, head=head, broken=_missing(last, anchors))


def find_break(entries: Iterable[Entry]) -> Break | None:
    """The first place where a chain does not hold in itself. None: it holds."""
    return verify(entries).broken


def _find_fault(entry: Entry, expected: int, previous: str) -> Break | None:
    """What is wrong with an entry, seen from the one before."""
    if entry.seq > expected:
        until = f"entries {expected} to {entry.seq - 1} are" if entry.seq - 1 > expected else f"entry {expected} is"
        return Break(seq=expected, reason=f"{until} missing")
    if entry.seq < expected:
        return Break(seq=entry.seq, reason=f"entry {entry.seq} stands where entry {expected} belongs")
    if entry.previous != previous:
        fault = f"does not follow entry {expected - 1}" if expected > 1 else "is not the first of a chain"
        return Break(seq=expected, reason=f"entry {expected} {fault}")
    if entry.hash != _hash(entry.seq, entry.previous, entry.body):
        return Break(seq=expected, reason=f"entry {expected} was changed after it was written")
    try:
        told = entry.read().get("operation")
    except ValueError:
        return Break(seq=expected, reason=f"entry {expected} cannot be read")
    if told != entry.operation:
        return Break(seq=expected, reason=f"entry {expected} tells of {told} and is filed under {entry.operation}")
    return None


def _contradiction(entry: Entry, deployment: str, anchors: Sequence[Anchor]) -> Break | None:
    for anchor in anchors:
        if anchor.deployment != deployment:
            reason = f"it is of deployment {deployment}; what was kept elsewhere is of deployment {anchor.deployment}"
            return Break(seq=entry.seq, reason=reason)
        if anchor.seq == entry.seq and anchor.hash != entry.hash:
            reason = f"entry {entry.seq} is not the one kept elsewhere: it, or one before it, was written anew"
            return Break(seq=entry.seq, reason=reason)
    return None


def _missing(last: int, anchors: Sequence[Anchor]) -> Break | None:
    """Truncation: an anchor knows of entries that are no longer there."""
    newest = max((anchor.seq for anchor in anchors), default=0)
    if newest <= last:
        return None
    return Break(seq=last + 1, reason=f"it ends with entry {last}; what was kept elsewhere knows of entry {newest}")


def _hash(seq: int, previous: str, body: str) -> str:
    return hashlib.sha256(f"{seq}\n{previous}\n{body}".encode()).hexdigest()
