"""What comes back from a modal: whose it is, where it was opened, and what was filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.slack.payloads import Ignored, Submission, Us, read_form_name, read_submission

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
    assert (read.form, read.ask.kind, read.ask.actor, read.ask.place) == ("evacuate", "form", "U0ALICE", PLACE)
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


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        ("slash", " Evacuate ", "evacuate"),
        ("slash", "evacuate host01", "evacuate host01"),
        ("slash", "", ""),
        ("button", "form evacuate", "evacuate"),
        ("button", "evacuate", ""),
        ("message", "evacuate", ""),
        ("bare", "form evacuate", ""),
    ],
)
def test_which_form_may_be_meant(kind: str, text: str, name: str) -> None:
    ask = Ask(key="k", text=text, actor=UserId("U0ALICE"), place=PLACE, at=RECEIVED, received_at=RECEIVED, kind=kind)
    assert read_form_name(ask) == name
