"""Answers as data. They know no Slack: the adapter turns them into Block Kit, and escapes every plain text.

A `Line` is a sequence of spans; a bare string is plain text and is always escaped by whoever renders it, so a VM called
`<!here>` cannot notify anybody. `Code`, `Strong`, `User` and `Moment` are the only ways to get anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bot.core.estate import Frozen
from bot.core.names import UserId


class Code(Frozen):
    """A name or path, shown in fixed width."""

    span: Literal["code"] = "code"
    text: str


class Strong(Frozen):
    span: Literal["strong"] = "strong"
    text: str


class User(Frozen):
    """A person, named without being notified again and again: rendered as a mention."""

    span: Literal["user"] = "user"
    id: UserId


class Moment(Frozen):
    """A point in time, shown in each reader's own time zone."""

    span: Literal["moment"] = "moment"
    at: datetime


Span = str | Annotated[Code | Strong | User | Moment, Field(discriminator="span")]
Line = tuple[Span, ...]


class Mark(StrEnum):
    NONE = ""
    FINE = "fine"
    WARNING = "warning"
    BLOCKING = "blocking"


class Text(Frozen):
    """A paragraph of one or more lines, each with an optional check mark."""

    part: Literal["text"] = "text"
    lines: tuple[Line, ...]
    mark: Mark = Mark.NONE


class Quote(Frozen):
    """A host's own words, verbatim and untrusted."""

    part: Literal["quote"] = "quote"
    text: str


class Bar(Frozen):
    """Progress of a running move."""

    part: Literal["bar"] = "bar"
    percent: int
    line: Line  # "5 s gone, about 6 s left"


class Table(Frozen):
    part: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Note(Frozen):
    """Small print: who asked, who confirmed, when."""

    part: Literal["note"] = "note"
    line: Line


Part = Annotated[Text | Quote | Bar | Table | Note, Field(discriminator="part")]


class Button(Frozen):
    """A button types a command: pressing it equals saying `sends`.

    Attributes:
        typed: what to say where there is no button, if that is another command: one that asks for nothing more.
    """

    label: str
    sends: str
    typed: str = ""
    style: Literal["", "primary", "danger"] = ""


class Reply(Frozen):
    """One answer: a card when it stays and is updated, a message otherwise."""

    title: Line
    badge: str = ""  # "m-12 · proposed"
    parts: tuple[Part, ...] = ()
    buttons: tuple[Button, ...] = ()
    private: bool = False  # only the asker sees it
    mark: Mark = Mark.NONE  # of the whole: success, warning, failure


@dataclass(frozen=True)
class Interim:
    """Said at once, because more takes a while, and replaced where it stands by what is learnt.

    Attributes:
        reply: never private: what only one person sees cannot be replaced.
        learn: may wait for hosts.
    """

    reply: Reply
    learn: Callable[[], Reply]


_CODE = re.compile(r"`([^`\n]+)`")


def marked(text: str) -> Line:
    """Text in which back-ticks enclose names, paths and what to type: those become `Code`, the rest stays plain."""
    pieces = _CODE.split(text)
    spans = (Code(text=piece) if index % 2 else piece for index, piece in enumerate(pieces))
    return tuple(span for span in spans if span != "")


def say(*spans: Span, private: bool = False) -> Reply:
    """A one-line answer."""
    return Reply(title=spans, private=private)
