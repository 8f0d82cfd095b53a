"""Block Kit as Slack checks it: which blocks, which fields, how long, how many. `find_problems` uses Slack's words.

Facts (Slack, "Block Kit reference"; limits as in slack_sdk.models.blocks): 50 blocks in a message; block_id unique in
the message; action_id unique in its block (another block may have it again). A block or field that is not here is
refused, as Slack refuses what it does not know; left out are video, file, card, carousel, container, data_table, alert.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from bot.slack.kit.elements import (
    Accessory,
    Id,
    Image,
    InContext,
    Input,
    Interactive,
    Part,
    PlainText,
    RichList,
    RichSection,
    Text,
    at_most,
)

JsonObject = dict[str, Any]

MOST_BLOCKS = {"message": 50, "home": 100, "modal": 100}
TABLE_CHARACTERS = 10_000  # over all cells of a message; from third parties, undocumented

# Blocks


class Block(Part):
    block_id: Id | None = None


class Section(Block):
    type: Literal["section"]
    text: Text | None = None
    fields: list[Annotated[Text, at_most(2000)]] | None = Field(None, min_length=1, max_length=10)
    accessory: Accessory | None = None
    expand: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Section:
        if self.text is None and self.fields is None:
            raise PydanticCustomError("slack", "must provide text or fields")
        return self


class Header(Block):
    type: Literal["header"]
    text: Annotated[PlainText, at_most(150)]


class Divider(Block):
    type: Literal["divider"]


class ImageBlock(Block, Image):
    title: Annotated[PlainText, at_most(2000)] | None = None


class Context(Block):
    type: Literal["context"]
    elements: list[InContext] = Field(min_length=1, max_length=10)


class Actions(Block):
    type: Literal["actions"]
    elements: list[Interactive] = Field(min_length=1, max_length=25)


class InputBlock(Block):
    type: Literal["input"]
    label: Annotated[PlainText, at_most(2000)]
    element: Input
    hint: Annotated[PlainText, at_most(2000)] | None = None
    optional: bool | None = None
    dispatch_action: bool | None = None


class Markdown(Block):
    type: Literal["markdown"]
    text: str = Field(min_length=1, max_length=12_000)


class RichTextBlock(Block):
    type: Literal["rich_text"]
    elements: list[Annotated[RichSection | RichList, Field(discriminator="type")]]


class RawCell(Part):
    type: Literal["raw_text"]
    text: str = Field(min_length=1)


class NumberCell(Part):
    type: Literal["raw_number"]
    value: float
    text: str | None = None


class ColumnSettings(Part):
    align: Literal["left", "center", "right"] | None = None
    is_wrapped: bool | None = None


Cell = Annotated[RawCell | NumberCell | RichTextBlock, Field(discriminator="type")]


class Table(Block):
    type: Literal["table"]
    rows: list[Annotated[list[Cell], Field(min_length=1, max_length=20)]] = Field(min_length=1, max_length=100)
    column_settings: list[ColumnSettings | None] | None = Field(None, max_length=20)


class TaskCard(Block):
    type: Literal["task_card"]
    task_id: str = Field(min_length=1)
    title: str = Field(min_length=1)
    details: RichTextBlock | None = None
    output: RichTextBlock | None = None
    sources: list[dict[str, Any]] | None = None
    status: Literal["pending", "in_progress", "complete", "error"]


class PlanBlock(Block):
    type: Literal["plan"]
    title: str = Field(min_length=1)
    tasks: list[TaskCard] | None = None


Simple = Section | Header | Divider | ImageBlock | Context | Actions | InputBlock | Markdown | RichTextBlock | Table
AnyBlock = Annotated[Simple | TaskCard | PlanBlock, Field(discriminator="type")]
_BLOCKS = TypeAdapter(list[AnyBlock])


def find_problems(blocks: Sequence[JsonObject], pointer: str, surface: str = "message") -> list[str]:
    """What Slack would object to, as "must be less than 76 characters [json-pointer:/blocks/0/…]"; empty if nothing."""
    most = MOST_BLOCKS[surface]
    if len(blocks) > most:
        return [f"no more than {most} items allowed [json-pointer:{pointer}]"]
    try:
        _BLOCKS.validate_python(list(blocks))
    except ValidationError as invalid:
        return [_in_slack_words(blocks, pointer, dict(error)) for error in invalid.errors(include_url=False)]
    return [*_repeated(blocks, pointer), *_tables(blocks, pointer)]


def _repeated(blocks: Sequence[JsonObject], pointer: str) -> Iterator[str]:
    """Ids that must be unique and are not."""
    named = Counter(block["block_id"] for block in blocks if block.get("block_id"))
    yield from (
        f"`block_id` {name} already exists [json-pointer:{pointer}]" for name, count in named.items() if count > 1
    )
    for number, block in enumerate(blocks):
        elements = [*block.get("elements", ()), block.get("accessory") or {}, block.get("element") or {}]
        actions = Counter(element["action_id"] for element in elements if element.get("action_id"))
        for name, count in actions.items():
            if count > 1:
                yield f"`action_id` {name} already exists [json-pointer:{pointer}/{number}]"


def _tables(blocks: Sequence[JsonObject], pointer: str) -> Iterator[str]:
    def characters(node: Any) -> int:
        if isinstance(node, dict):
            return sum(
                len(part) if key == "text" and isinstance(part, str) else characters(part) for key, part in node.items()
            )
        return sum(map(characters, node)) if isinstance(node, list) else 0

    if sum(characters(block["rows"]) for block in blocks if block["type"] == "table") > TABLE_CHARACTERS:
        yield f"tables must have less than {TABLE_CHARACTERS + 1} characters in total [json-pointer:{pointer}]"


def _in_slack_words(blocks: Sequence[JsonObject], pointer: str, error: JsonObject) -> str:
    context = error.get("ctx", {})
    path = _path(blocks, error["loc"])
    name = error["type"]
    if name == "missing":
        return f"missing required field: {path[-1]} [json-pointer:{_join(pointer, path[:-1])}]"
    if name == "slack" and "below" in context:
        path = [*path, context["below"]]
    where = f"[json-pointer:{_join(pointer, path)}]"
    match name:
        case "string_too_long":
            return f"must be less than {context['max_length'] + 1} characters {where}"
        case "string_too_short":
            return f"must be more than {context['min_length'] - 1} characters {where}"
        case "too_long":
            return f"no more than {context['max_length']} items allowed {where}"
        case "too_short":
            return f"no fewer than {context['min_length']} items allowed {where}"
        case "extra_forbidden":
            return f"unexpected field: {path[-1]} {where}"
        case "union_tag_invalid":
            return f"unsupported type: {context['tag']} {where}"
        case "union_tag_not_found":
            return f"missing required field: type {where}"
        case _:
            return f"{error['msg'][:1].lower()}{error['msg'][1:]} {where}"


def _join(pointer: str, path: Sequence[str | int]) -> str:
    return "/".join([pointer, *map(str, path)])


def _path(blocks: Sequence[JsonObject], location: Sequence[str | int]) -> list[str | int]:
    """A location in the input: pydantic's, without the names of union members that it puts between."""
    path: list[str | int] = []
    node: Any = blocks
    fresh = False  # entered an object just now, so that the next step may be its type's name
    for step in location:
        if fresh and isinstance(node, dict) and step == node.get("type"):
            fresh = False
            continue
        path.append(step)
        if isinstance(node, dict):
            node = node.get(str(step))
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            node = None
        fresh = True
    return path
