"""What every card says in every state, word for word, as `tests/golden.py` renders it."""

from __future__ import annotations

import pytest

from bot.core.lifecycle import State
from bot.core.shown import render_card
from bot.slack.blocks import render
from bot.slack.kit.messages import judge_message
from tests.golden import FOLDER, NOW, path_of, render_file
from tests.slack.cards import cards

CARDS = cards()


@pytest.mark.parametrize("kind", list(CARDS))
def test_every_card_reads_as_its_file_has_it(kind: str) -> None:
    """Where a difference is meant: `uv run python -m tests.golden`, and read what has changed."""
    assert render_file(CARDS[kind]) == path_of(kind).read_text(encoding="utf-8")


def test_there_is_no_file_of_a_kind_that_is_gone() -> None:
    assert {path_of(kind) for kind in CARDS} == set(FOLDER.glob("*"))


@pytest.mark.parametrize("kind", list(CARDS))
def test_every_state_has_its_card(kind: str) -> None:
    states = {row.state for _, row in CARDS[kind]}
    never = {State.UNDER_WAY}
    if State.UNDER_WAY in states:  # of many: what one move goes through is told of that move
        never = {State.QUEUED, State.GRANTED, State.RUNNING, State.VERIFYING}
    assert states == set(State) - never


@pytest.mark.parametrize("kind", list(CARDS))
def test_slack_takes_every_card(kind: str) -> None:
    for name, row in CARDS[kind]:
        message = render(render_card(row, NOW))
        assert judge_message(message.text, message.blocks) is None, name
