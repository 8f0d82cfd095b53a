"""What goes into a card's thread in one call, and where. No I/O."""

from __future__ import annotations

from itertools import takewhile

from bot.core.operation import Place
from bot.core.reply import Line, Reply, Text
from bot.operations.store import CardDue, StepDue


def thread_of(card: CardDue, ts: str) -> Place:
    """Where the card is said in a thread, that one, else the card's own."""
    place = card.operation.place
    return place.model_copy(update={"thread": place.thread or ts})


def key_of_steps(card: CardDue) -> str:
    """By the first line that waits: the same before and after a crash, however many have come since."""
    return f"{card.operation.id}/{card.steps[0].number}"


def next_steps(card: CardDue) -> list[StepDue]:
    """What goes out in one call: a file, or the lines up to the next one."""
    first, *rest = card.steps
    return [first] if first.file else [first, *takewhile(lambda step: not step.file, rest)]


def render_steps(card: CardDue) -> Reply:
    first, *rest = (step.line for step in next_steps(card))
    return Reply(title=first, parts=(Text(lines=tuple(rest)),) if rest else ())


def render_title(line: Line) -> str:
    return "".join(span for span in line if isinstance(span, str))
