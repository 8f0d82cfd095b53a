"""A Home as the app's home tab.

Facts (Slack developer docs, "views.publish", "App Home"; 2026-11): 100 blocks; a header has 150 characters of plain
text; a given hash is refused with hash_conflict where another view has been published since. A home knows no channel:
where its buttons type, the direct message, travels in private_metadata, which only Slack and the app can write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from slack_sdk import WebClient

from bot.core.home import Home, Row, Section
from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.reply import Button
from bot.slack.blocks import LONGEST_SECTION, pack, render_button, render_section
from bot.slack.errors import slack_errors
from bot.slack.mrkdwn import render_line

MOST_BLOCKS = 100

Block = dict[str, Any]


class HomeBoard:
    """Implements `ports.Homes`. Thread-safe."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def publish(self, user: UserId, place: Place, home: Home, version: str) -> str:
        known = {"hash": version} if version else {}
        with slack_errors():
            answer = self._client.views_publish(user_id=user, view=render_home(home, place), **known)
        return str(answer["view"]["hash"])


def render_home(home: Home, place: Place) -> Block:
    blocks = [*_buttons(home.buttons), *(block for section in home.sections for block in _section(section))]
    if len(blocks) > MOST_BLOCKS:
        blocks = [*blocks[: MOST_BLOCKS - 1], render_section("… the rest does not fit: `status` and `hosts` show all")]
    return {"type": "home", "private_metadata": place.model_dump_json(), "blocks": blocks}


def _section(section: Section) -> Iterator[Block]:
    yield {"type": "header", "text": {"type": "plain_text", "text": section.title[:150], "emoji": False}}
    lines: list[Row] = []
    for row in section.rows:
        lines.append(row)
        if row.buttons:
            yield from _texts(lines)
            yield from _buttons(row.buttons)
            lines = []
    yield from _texts(lines)


def _texts(rows: Sequence[Row]) -> Iterator[Block]:
    lines = (render_line(row.line, LONGEST_SECTION - 10) for row in rows)
    return map(render_section, pack(filter(None, lines)))


def _buttons(buttons: Sequence[Button]) -> Iterator[Block]:
    if buttons:
        yield {"type": "actions", "elements": [render_button(index, one) for index, one in enumerate(buttons)]}
