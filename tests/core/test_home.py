"""What stands on a person's home, and when it is worth showing again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.estate import Estate, Seen
from bot.core.home import MOST_RUNNING, READ, Home, Material, make_home
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.policy import Approval, Policy, simple
from bot.core.reply import Code, Line, Moment, Strong, User
from bot.operations.authority import Authority
from bot.slack.home import render_home
from bot.slack.kit.blocks import MOST_BLOCKS
from bot.slack.kit.views import judge_view
from tests.asking import FixedClock
from tests.core.moves import make_host
from tests.core.rows import ALICE, ASKED, STARTED, make_operation

CAROL, MALLORY = UserId("U0CAROL000"), UserId("U0MALLORY0")
WHERE = "C0OPS00000"
NOW = STARTED + timedelta(seconds=5)
PLACE = Place(team="T0LAB00000", channel="D0ALICE000")


def text(line: Line) -> str:
    said = []
    for span in line:
        match span:
            case Code() | Strong():
                said.append(span.text)
            case User():
                said.append(span.id)
            case Moment():
                said.append("<moment>")
            case str():
                said.append(span)
    return "".join(said)


def told(home: Home) -> dict[str, list[str]]:
    return {section.title: [text(row.line) for row in section.rows] for section in home.sections}


def home_of(actor: UserId = ALICE, approvals: tuple[Approval, ...] = (), **material: Any) -> Home:
    authority = Authority(Policy(rules=simple([ALICE, CAROL]), approvals=approvals), FixedClock())
    verdict = authority.decide(actor, WHERE, READ)
    return make_home(Material(**material), verdict, lambda row: authority.awaits(actor, WHERE, row), NOW)


def test_a_home_shows_what_waits_runs_and_ended_and_the_hosts() -> None:
    proposed = make_operation(State.PROPOSED, id="m-1")
    running = make_operation(State.RUNNING, id="m-2", percent=40)
    doubtful = make_operation(State.NEEDS_ATTENTION, id="m-3")
    ended = make_operation(State.SUCCEEDED, id="m-4")
    silent = Seen(host="host02", at=ASKED, failure="timed out", answered_at=ASKED)
    estate = Estate(hosts=(Seen(host="host01", at=ASKED, info=make_host("host01")), silent))
    standing = (("host03 is locked",),)
    home = home_of(open=(doubtful, running, proposed), last=(ended,), estate=estate, standing=standing)
    shown = told(home)
    assert list(shown) == [
        "What holds others back",
        "Waiting for you",
        "Running, or needs attention",
        "What you did last",
        "Hosts",
        "As of",
    ]
    assert shown["What holds others back"] == ["host03 is locked"]
    (waiting,) = shown["Waiting for you"]
    assert waiting.startswith("m-1 proposed · VM-01 from host01 to host02")
    assert waiting.endswith("asked by U0ALICE000, until <moment>")
    assert [one.split(" · ")[0] for one in shown["Running, or needs attention"]] == [
        "m-3 needs attention",
        "m-2 running, 40 %",
    ]
    assert shown["What you did last"][0].startswith("m-4 succeeded")
    assert shown["Hosts"][0].startswith("host01 · no VMs · 52 of 128 GB memory free")
    assert shown["Hosts"][0].endswith("seen <moment>")
    assert shown["Hosts"][1] == "host02 · no answer: timed out, last answer <moment>"
    typed = [button.sends for section in home.sections for row in section.rows for button in row.buttons]
    assert typed == [
        *("confirm m-1", "form decline m-1", "status m-1"),
        *("status m-3", "look m-3"),
        *("status m-2", "cancel m-2"),
    ]


def test_what_awaits_approval_waits_for_those_whose_approval_counts() -> None:
    critical = Approval(name="critical", needed=1)
    awaiting = make_operation(State.AWAITING_APPROVAL, id="m-1")
    mine = home_of(awaiting.requested_by, (critical,), open=(awaiting,))
    assert told(mine)["Waiting for you"] == ["Nothing"]
    assert told(mine)["Running, or needs attention"][0].startswith("m-1 awaiting approval")
    other = home_of(CAROL, (critical,), open=(awaiting,))
    assert told(other)["Running, or needs attention"] == ["Nothing"]
    (row,) = next(section.rows for section in other.sections if section.title == "Waiting for you")
    assert [button.sends for button in row.buttons] == ["approve m-1", "form decline m-1", "status m-1"]


def test_where_nothing_waits_or_runs_it_says_so() -> None:
    shown = told(home_of())
    assert shown["Waiting for you"] == shown["Running, or needs attention"] == ["Nothing"]
    assert "What you did last" not in shown


def test_whoever_may_not_learns_nothing_but_that() -> None:
    running = make_operation(State.RUNNING)
    home = home_of(MALLORY, open=(running, make_operation(State.PROPOSED)), standing=(("a secret",),))
    shown = str(home)
    assert "allow list" in shown
    assert MALLORY in shown
    assert "VM-01" not in shown
    assert "secret" not in shown
    assert not home.buttons


@pytest.mark.parametrize(
    ("changes", "steady"),
    [
        ({"percent": 50, "version": 9}, True),
        ({"waiting": "copying"}, True),
        ({"state": State.VERIFYING}, False),
        ({"cancel_asked": True}, False),
    ],
)
def test_percent_and_words_about_it_are_ticks(changes: dict[str, Any], steady: bool) -> None:
    before = make_operation(State.RUNNING)
    after = before.model_copy(update=changes)
    assert (Material(open=(before,)).steady == Material(open=(after,)).steady) is steady
    assert Material(open=(before,)) != Material(open=(after,))


def test_another_look_at_a_host_is_a_tick_and_its_silence_is_not() -> None:
    seen = Seen(host="host01", at=ASKED, info=make_host("host01"))
    before, later = Material(estate=Estate(hosts=(seen,))), seen.model_copy(update={"at": NOW})
    assert Material(estate=Estate(hosts=(later,))).steady == before.steady
    silent = seen.model_copy(update={"failure": "timed out"})
    assert Material(estate=Estate(hosts=(silent,))).steady != before.steady


def test_a_home_of_any_size_is_a_view_that_slack_takes() -> None:
    many = tuple(make_operation(State.RUNNING, id=f"m-{number}") for number in range(1, 60))
    offers = tuple(make_operation(State.PROPOSED, id=f"m-{number}") for number in range(100, 160))
    hosts = tuple(Seen(host=f"host{number}", at=ASKED, failure="x" * 2900) for number in range(120))
    small = home_of(open=(*many, *offers))
    view = render_home(small, PLACE)
    assert judge_view(view, "home") is None
    assert "and 44 more" in str(view)
    assert len(many) - MOST_RUNNING == 44
    large = render_home(home_of(open=(*many, *offers), last=many, estate=Estate(hosts=hosts)), PLACE)
    assert len(large["blocks"]) == MOST_BLOCKS["home"]
    assert judge_view(large, "home") is None
    assert "does not fit" in str(large["blocks"][-1])
    assert large["private_metadata"] == PLACE.model_dump_json()


def test_a_home_of_the_longest_lines_is_a_view_that_slack_takes() -> None:
    """100 blocks of 3000 characters are more than a view may have."""
    hosts = tuple(Seen(host=f"host{number}", at=ASKED, failure="&" * 9000) for number in range(120))
    view = render_home(home_of(estate=Estate(hosts=hosts)), PLACE)
    assert judge_view(view, "home") is None
    assert 70 < len(view["blocks"]) < MOST_BLOCKS["home"]
    assert "does not fit" in str(view["blocks"][-1])
