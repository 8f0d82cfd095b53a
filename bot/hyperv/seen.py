"""What a failure of contact with a host comes down to, before it is put into a HostError's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.errors import Fault


@dataclass(frozen=True)
class Seen:
    """Attributes as those of `HostError`.

    Attributes:
        refused: the host did answer, and said no.
    """

    cause: str
    hint: str
    fault: Fault = Fault.TRANSIENT
    refused: bool = False
    words: str = ""
    code: str = ""


class FileTrouble(Exception):
    """A file that the settings name could not be used: certificates, keys. Its text says which."""


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything it wraps, in whatever way: cause, context, an argument, urllib3's reason."""
    waiting: list[object] = [error]
    seen: list[BaseException] = []
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in seen):
            seen.append(one)
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
