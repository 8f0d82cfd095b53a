"""Whether Slack takes a message: its text, its blocks, and how long they are together.

Facts (Slack developer docs, "chat.postMessage", "chat.update"; 2026-11): a posted text is cut at 40,000 characters, an
update's text above 4,000 is refused with msg_too_long. Blocks that are too long together are refused with
msg_blocks_too_long; the limit is not documented, and was met between 13,172 and 13,297 characters
(https://github.com/slackapi/bolt-js/issues/2509).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.kit.blocks import find_problems

LONGEST_POST = 40_000
LONGEST_UPDATE = 4_000
LONGEST_BLOCKS = 13_000  # characters, assumed to be those of all texts

REFUSALS_OF_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})


@dataclass(frozen=True)
class Objection:
    """Why Slack would refuse.

    Attributes:
        code: Slack's own error.
        problems: in Slack's words, where it says more than the code.
    """

    code: str
    problems: tuple[str, ...] = ()


def judge_message(text: str, blocks: Sequence[Any], longest: int = LONGEST_UPDATE) -> Objection | None:
    """None: Slack takes it."""
    if objection := judge_blocks(blocks):
        return objection
    if not (text or blocks):
        return Objection("no_text")
    return Objection("msg_too_long") if len(text) > longest else None


def judge_blocks(blocks: Any) -> Objection | None:
    """None: Slack takes them in a message."""
    if not isinstance(blocks, Sequence) or not all(isinstance(block, dict) for block in blocks):
        return Objection("invalid_blocks_format")
    if problems := find_problems(blocks, "/blocks"):
        return Objection("invalid_blocks", tuple(problems))
    too_long = sum(map(len, _texts(blocks))) > LONGEST_BLOCKS
    return Objection("msg_blocks_too_long") if too_long else None


def _texts(node: Any) -> Iterator[str]:
    """All that is read in blocks, wherever it stands."""
    if isinstance(node, dict):
        for name, part in node.items():
            if name == "text" and isinstance(part, str):
                yield part
            else:
                yield from _texts(part)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _texts(part)
