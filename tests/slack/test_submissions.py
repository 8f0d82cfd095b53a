"""What comes back from a modal: whose it is, where it was opened, and what was filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.slack.payloads import Ignored, Us
from bot.slack.submissions import (
    Choice,
    Submission,
    Typed,
    Wanted,
    read_choice,
    read_form_name,
    read_shortcut,
    read_submission,
    read_typed,
)

US = Us("T0LAB", UserId("U0FERRY"))
RECEIVED = datetime(2026, 11, 23, 14, 30, 5, tzinfo=UTC)
PLACE = Place(team="T0LAB", channel="C0OPS", thread="1.000100")


def submission(**view: Any) -> dict[str, Any]:
    shown = {
        "id": "V0001",
        "callback_id": "form-evacuate",
        "private_metadata": PLACE.model_dump_json(),
        "state": {
            "values": {
                "hosts": {
                    "value": {"type": "multi_static_select", "selected_options": [{"value": "a"}, {"value": "b"}]}
                },
                "room": {"value": {"type": "radio_buttons", "selected_option": {"value": "c"}}},
                "vms": {"value": {"type": "plain_text_input", "value": "d"}},
                "none": {"value": {"type": "plain_text_input", "value": None}},
                "nobody": {"value": {"type": "radio_buttons", "selected_option": None}},
            }
        },
    }
    return {"user": {"id": "U0ALICE", "team_id": "T0LAB"}, "team": {"id": "T0LAB"}, "view": shown | view}


def test_a_submission_has_its_values_and_an_ask_for_where_it_was_opened() -> None:
    read = read_submission(submission(), US, RECEIVED)
    assert isinstance(read, Submission)
    assert (read.form, read.chosen, read.ask.kind) == ("evacuate", "evacuate", "form")
    assert (read.ask.actor, read.ask.place, read.opened_in) == ("U0ALICE", PLACE, PLACE)
    assert read.values == {"hosts": ("a", "b"), "room": ("c",), "vms": ("d",), "none": (), "nobody": ()}
    other = read_submission(submission(id="V0002"), US, RECEIVED)
    assert isinstance(other, Submission)
    assert other.ask.key != read.ask.key


@pytest.mark.parametrize(
    "body",
    [
        submission() | {"team": {"id": "T0ELSEWHERE"}},
        submission() | {"user": {"id": "U0ALICE", "team_id": "T0ELSEWHERE"}},
        submission(private_metadata=PLACE.model_copy(update={"team": "T0ELSEWHERE"}).model_dump_json()),
        submission(private_metadata="no json"),
        submission(private_metadata="{}"),
        submission(state={}),
        {},
    ],
)
def test_what_is_not_of_this_workspace_or_not_shaped_so_is_ignored(body: dict[str, Any]) -> None:
    assert isinstance(read_submission(body, US, RECEIVED), Ignored)


def test_the_channel_of_a_shortcuts_form_is_the_one_that_was_chosen() -> None:
    nowhere = Place(team="T0LAB", channel="").model_dump_json()
    chosen = {"_channel": {"value": {"type": "conversations_select", "selected_conversation": "C0DEV"}}}
    command = {"_command": {"value": {"type": "static_select", "selected_option": {"value": "migrate"}}}}
    read = read_submission(submission(private_metadata=nowhere, state={"values": chosen | command}), US, RECEIVED)
    assert isinstance(read, Submission)
    assert (read.ask.place.channel, read.opened_in.channel) == ("C0DEV", "")
    assert (read.form, read.chosen, read.values) == ("evacuate", "migrate", {})
    assert isinstance(
        read_submission(submission(private_metadata=nowhere, state={"values": {}}), US, RECEIVED), Ignored
    )
    # Where the form was opened in a channel, nothing that comes back can name another one.
    read = read_submission(submission(state={"values": chosen}), US, RECEIVED)
    assert isinstance(read, Submission)
    assert read.ask.place == PLACE


def test_a_choice_what_is_typed_and_a_shortcut_are_read_with_who_it_was() -> None:
    chosen = {"block_id": "_command", "action_id": "value", "selected_option": {"value": "migrate"}}
    assert read_choice(submission() | {"actions": [chosen]}, US) == Choice("migrate", UserId("U0ALICE"), "V0001", PLACE)
    typed = submission() | {"block_id": "vm", "action_id": "value", "value": "VM-0"}
    assert read_typed(typed, US) == Typed("evacuate", "vm", "VM-0", UserId("U0ALICE"), PLACE)
    assert read_typed(submission() | {"block_id": "vm"}, US) == Typed("evacuate", "vm", "", UserId("U0ALICE"), PLACE)
    shortcut = {"user": {"id": "U0ALICE"}, "team": {"id": "T0LAB"}, "trigger_id": "1.2"}
    wanted = read_shortcut(shortcut, US, RECEIVED)
    assert isinstance(wanted, Wanted)
    assert (wanted.place, wanted.trigger) == (Place(team="T0LAB", channel=""), "1.2")
    assert (wanted.ask.text, wanted.ask.actor, wanted.ask.place.channel) == ("form", "U0ALICE", "U0ALICE")


@pytest.mark.parametrize(
    "foreign", [{"team": {"id": "T0ELSEWHERE"}}, {"user": {"id": "U0A", "team_id": "T0E"}}, {"team": 1}]
)
def test_nothing_of_another_workspace_is_heard(foreign: dict[str, Any]) -> None:
    chosen = [{"block_id": "_command", "selected_option": {"value": "migrate"}}]
    body = submission() | {"actions": chosen, "block_id": "vm", "trigger_id": "1.2"} | foreign
    assert all(isinstance(read(body, US), Ignored) for read in (read_choice, read_typed))
    assert isinstance(read_shortcut(body, US, RECEIVED), Ignored)


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        ("slash", " Evacuate ", "evacuate"),
        ("slash", "evacuate host01", "evacuate host01"),
        ("slash", "", ""),
        ("slash", "move  storage", "move storage"),
        ("slash", "form Move storage", "move storage"),
        ("button", "form evacuate", "evacuate"),
        ("button", "form", ""),
        ("button", "evacuate", None),
        ("message", "evacuate", None),
        ("bare", "form evacuate", None),
    ],
)
def test_which_form_may_be_meant(kind: str, text: str, name: str | None) -> None:
    ask = Ask(key="k", text=text, actor=UserId("U0ALICE"), place=PLACE, at=RECEIVED, received_at=RECEIVED, kind=kind)
    assert read_form_name(ask) == name
