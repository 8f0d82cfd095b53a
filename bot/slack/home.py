"""A Home as the app's home tab.

Facts (Slack developer docs, "views.publish", "App Home"; 2026-11): 100 blocks; a header has 150 characters of plain
text; a given hash is refused with hash_conflict where another view has been published since. A home knows no channel:
where its buttons type, the direct message, travels in private_metadata, which only Slack and the app can write.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from slack_sdk import WebClient

from bot.core.home import Home, Row, Section
from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.reply import Button
from bot.errors import ChatError
from bot.slack.blocks import LONGEST_SECTION, pack, render_button, render_section
from bot.slack.errors import slack_errors
from bot.slack.kit.blocks import MOST_BLOCKS
from bot.slack.kit.views import LARGEST_VIEW_BYTES, judge_view
from bot.slack.mrkdwn import render_line

_ROOM_BYTES = LARGEST_VIEW_BYTES - 5000  # for what is not blocks
_LEFT_OUT = "… the rest does not fit: `status` and `hosts` show all"
_INSTEAD = "What belongs here cannot be shown: type `status` and `hosts` in a message to Ferry"
# Slack's refusals of a view for what is in it ("views.publish": Errors).
_REFUSALS = frozenset({"invalid_arguments", "invalid_blocks", "view_too_large"})

log = logging.getLogger(__name__)

Block = dict[str, Any]


class HomeBoard:
    """Implements `ports.Homes`. Thread-safe."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def publish(self, user: UserId, place: Place, home: Home, version: str) -> str:
        view = render_home(home, place)
        if objection := judge_view(view, "home"):
            log.error("home_not_shown_as_made code=%s problems=%r", objection.code, objection.problems)
            return self._publish(user, _view(place, [render_section(_INSTEAD)]), version)
        try:
            return self._publish(user, view, version)
        except ChatError as error:
            if error.code not in _REFUSALS:
                raise
            log.error("home_not_shown_as_made code=%s problems=%r", error.code, error.message)  # noqa: TRY400 - Slack's
            return self._publish(user, _view(place, [render_section(_INSTEAD)]), version)

    def _publish(self, user: UserId, view: Block, version: str) -> str:
        known = {"hash": version} if version else {}
        with slack_errors():
            answer = self._client.views_publish(user_id=user, view=view, **known)
        return str(answer["view"]["hash"])


def render_home(home: Home, place: Place) -> Block:
    blocks = [*_buttons(home.buttons), *(block for section in home.sections for block in _section(section))]
    return _view(place, _bounded(blocks))


def _view(place: Place, blocks: list[Block]) -> Block:
    return {"type": "home", "private_metadata": place.model_dump_json(), "blocks": blocks}


def _bounded(blocks: Sequence[Block]) -> list[Block]:
    """As many as a home holds, and a word about the rest."""
    kept: list[Block] = []
    length = 0
    for position, block in enumerate(blocks):
        length += len(json.dumps(block)) + 2
        last = position == MOST_BLOCKS["home"] - 1 and len(blocks) > MOST_BLOCKS["home"]
        if last or length > _ROOM_BYTES:
            return [*kept, render_section(_LEFT_OUT)]
        kept.append(block)
    return kept


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
