"""What a card says where that depends on more than its state; `tests/slack/golden` has every card word for word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.card import render_card, render_status_line
from bot.core.estate import VmState
from bot.core.lifecycle import State
from bot.core.operation import Operation, Outcome
from bot.core.plan import Finding, Level
from bot.core.progress import render_bar
from bot.core.reply import Bar, Code, Line, Mark, Moment, Note, Quote, Reply, Strong, Text, User
from tests.core.rows import ALICE, BOB, STARTED, live_plan, make_operation, shared_nothing_plan, storage_plan

NOW = STARTED + timedelta(seconds=5)
_PEOPLE = {ALICE: "@alice", BOB: "@bob"}
_LINE_MARKS = {Mark.NONE: "", Mark.FINE: "✓ ", Mark.WARNING: "! ", Mark.BLOCKING: "✗ "}


def show(reply: Reply) -> str:
    """The card as plain lines, the way the tests below spell them."""
    lines = [f"{_line(reply.title)}  [{reply.badge}] {reply.mark}".rstrip()]
    for part in reply.parts:
        match part:
            case Text():
                lines += [_LINE_MARKS[part.mark] + _line(line) for line in part.lines]
            case Quote():
                lines.append(f"> {part.text}")
            case Bar():
                lines.append(f"{render_bar(part.percent)} {part.percent} % {_line(part.line)}".rstrip())
            case Note():
                lines.append(f"({_line(part.line)})")
            case _:
                raise AssertionError(f"a card has no {part.part}")
    lines += [f"[{button.label}] {button.sends} {button.style}".rstrip() for button in reply.buttons]
    return "\n".join(lines)


def _line(line: Line) -> str:
    shown = []
    for span in line:
        match span:
            case Code():
                shown.append(f"`{span.text}`")
            case User():
                shown.append(_PEOPLE[span.id])
            case Moment():
                shown.append(f"{span.at:%H:%M}")
            case Strong():
                shown.append(span.text)
            case str():
                shown.append(span)
    return "".join(shown)


def card(state: State, **changes: Any) -> str:
    return show(render_card(make_operation(state, **changes), NOW))


def test_a_storage_move_speaks_of_its_path_and_one_host() -> None:
    plan = storage_plan()
    assert card(State.PROPOSED, plan=plan).splitlines()[:2] == [
        r"Move the storage of VM-01 to \\server01\vmstore?  [m-12 · proposed]",
        r"Storage live migration · 1 disk (42 GB) goes to \\server01\vmstore · running for 2 h",
    ]
    assert card(State.RUNNING, plan=plan).startswith(r"The storage of VM-01 is moving to \\server01\vmstore  [m-12")
    assert card(State.SUCCEEDED, plan=plan).startswith(r"The storage of VM-01 is at \\server01\vmstore  [m-12")
    assert "Waiting: it starts as soon as host01 can take it" in card(State.QUEUED, plan=plan)


def test_a_shared_nothing_move_says_that_the_storage_travels() -> None:
    lines = card(State.PROPOSED, plan=shared_nothing_plan()).splitlines()
    assert lines[0] == "Move VM-01 with its storage from host01 to host02?  [m-12 · proposed]"
    assert lines[1].startswith(
        "Shared-nothing live migration · 8.0 GB memory, 1 disk (42 GB) goes to D:\\VMs on host02"
    )


def test_a_queued_card_says_what_it_waits_for() -> None:
    waiting = "host01 runs 2 of 2 live migrations; next in line"
    assert f"Waiting: {waiting}" in card(State.QUEUED, waiting=waiting)


def test_a_running_card_shows_percent_and_time() -> None:
    assert "▓▓▓▓▓▓▓░░░░░░░░ 47 % 5 s gone, about 6 s left\n(" in card(State.RUNNING, percent=47)


def test_what_holds_up_a_running_move_is_said_and_no_end_foretold() -> None:
    shown = card(State.RUNNING, percent=47, waiting="waiting in the cluster's queue")
    assert "▓▓▓▓▓▓▓░░░░░░░░ 47 % 5 s gone\nWaiting in the cluster's queue\n" in shown
    silent = card(State.RUNNING, percent=47, waiting="host01 gives no answer; asking again")
    assert "47 % 5 s gone\nhost01 gives no answer; asking again\n" in silent  # a name is never respelled


@pytest.mark.parametrize(
    ("percent", "elapsed_s", "said"),
    [(0, 40, "40 s gone, longer than estimated"), (100, 12, "12 s gone"), (120, 12, "12 s gone")],
)
def test_time_left_is_claimed_only_where_it_is_known(percent: int, elapsed_s: int, said: str) -> None:
    running = make_operation(State.RUNNING, percent=percent)
    reply = render_card(running, STARTED + timedelta(seconds=elapsed_s))
    assert reply.parts[0] == Bar(percent=min(100, percent), line=(said,))


def test_a_clock_that_runs_behind_shows_no_negative_time() -> None:
    reply = render_card(make_operation(State.RUNNING, percent=50), STARTED - timedelta(seconds=3))
    assert reply.parts[0] == Bar(percent=50, line=("0 s gone, about 1 s left",))


@pytest.mark.parametrize("state", [State.GRANTED, State.RUNNING])
def test_a_cancel_that_was_asked_is_shown_and_cannot_be_asked_again(state: State) -> None:
    shown = card(state, cancel_asked=True, cancelled_by=BOB)
    assert shown.startswith("Cancelling the move of VM-01 to host02  [m-12 · cancelling]")
    assert "Cancel was asked by @bob" in shown
    assert "then it starts" not in shown
    assert "[Cancel]" not in shown


def test_a_cancelled_move_names_who_cancelled_and_what_was_seen() -> None:
    shown = card(
        State.CANCELLED,
        started_at=STARTED,
        ended_at=STARTED + timedelta(seconds=4),
        cancelled_by=ALICE,
        outcome=Outcome(summary="VM-01 is running on host01"),
    )
    assert "[m-12 · cancelled after 4 s]" in shown
    assert "VM-01 is running on host01\n(asked by @alice, confirmed by @bob 14:31, cancelled by @alice)" in shown


def test_a_declined_offer_names_who_declined() -> None:
    assert "(asked by @alice, declined by @bob)" in card(State.DECLINED, cancelled_by=BOB)


def test_a_blocking_finding_says_what_was_needed_and_what_to_do() -> None:
    plan = live_plan().model_copy(
        update={
            "findings": (Finding(level=Level.BLOCKING, code="x", text="no switch", needed="a switch", hint="add one"),)
        }
    )
    assert "✗ no switch\nNeeded: a switch\nadd one" in card(State.PROPOSED, plan=plan)


def test_how_long_it_took_is_not_said_where_only_a_later_look_saw_the_end() -> None:
    outcome = Outcome(summary="running on host02, gone from host01", late=True)
    assert "[m-12 · succeeded]" in card(State.SUCCEEDED, outcome=outcome)


def test_everybody_sees_who_asked_to_cancel_what_was_not_cancelled() -> None:
    assert "confirmed by @bob 14:31, cancel asked by @bob)" in card(
        State.SUCCEEDED, cancel_asked=True, cancelled_by=BOB
    )


def test_names_are_never_respelled_at_the_beginning_of_a_title() -> None:
    assert card(State.RUNNING, plan=live_plan(name="vm-lower")).startswith("vm-lower is moving")


@pytest.mark.parametrize(
    ("operation", "line"),
    [
        (
            make_operation(State.RUNNING, percent=47),
            "`m-12` running, 47 % · VM-01 from host01 to host02 · 5 s gone, about 6 s left",
        ),
        (
            make_operation(State.QUEUED, waiting="host01 is full"),
            "`m-12` queued · VM-01 from host01 to host02 · host01 is full",
        ),
        (
            make_operation(State.AWAITING_APPROVAL),
            "`m-12` awaiting approval · VM-01 from host01 to host02 · 1 approval missing",
        ),
        (make_operation(State.PROPOSED), "`m-12` proposed · VM-01 from host01 to host02"),
        (
            make_operation(State.SUCCEEDED),
            "`m-12` succeeded · VM-01 from host01 to host02 · running on host02, gone from host01",
        ),
    ],
    ids=lambda value: value.state if isinstance(value, Operation) else "",
)
def test_a_list_has_one_line_for_each_operation(operation: Operation, line: str) -> None:
    assert _line(render_status_line(operation, NOW)) == line


def test_an_offer_that_the_world_overtook_says_what_has_changed() -> None:
    seen = Outcome(
        summary="what was offered is no longer so; nothing was started", cause="VM-01 is off now, not running"
    )

    shown = card(State.EXPIRED, outcome=seen)

    assert "What was offered is no longer so; nothing was started.\nSeen: VM-01 is off now, not running\n" in shown
    assert "Nobody confirmed" not in shown


def test_only_what_is_in_memory_moves_live() -> None:
    plan = live_plan()
    off = plan.model_copy(update={"move": plan.move.model_copy(update={"state": VmState.OFF})})

    assert "\nLive migration · " in card(State.PROPOSED, plan=plan)
    assert "\nMigration · " in card(State.PROPOSED, plan=off)


def test_what_goes_on_past_its_deadline_may_be_cancelled_while_it_does() -> None:
    doubtful = card(State.NEEDS_ATTENTION, job="C1D2")
    assert "Cancel asks host01 to stop it." in doubtful
    assert doubtful.endswith("[Look again] look m-12\n[Cancel] cancel m-12")
    assert "cancel m-12" not in card(State.CLOSED, job="C1D2")
