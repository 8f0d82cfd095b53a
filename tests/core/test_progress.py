"""One budget for all cards: never exceeded, the end of an operation first, nobody forgotten."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.progress import (
    WINDOW,
    Behind,
    Urgency,
    decide_updates,
    render_bar,
    time_left_s,
)

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
BUDGET = 40


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def ago(count: float) -> datetime:
    return NOW - seconds(count)


def tick(operation: str, shown_s_ago: float) -> Behind:
    return Behind(operation=operation, urgency=Urgency.TICK, shown_at=ago(shown_s_ago))


def changed(operation: str, shown_s_ago: float = 1) -> Behind:
    return Behind(operation=operation, urgency=Urgency.CHANGED, shown_at=ago(shown_s_ago))


def ended(operation: str, shown_s_ago: float = 1) -> Behind:
    return Behind(operation=operation, urgency=Urgency.ENDED, shown_at=ago(shown_s_ago))


def test_nothing_behind_asks_for_nothing() -> None:
    schedule = decide_updates([], [], BUDGET, NOW)
    assert (schedule.now, schedule.look_again_at) == ((), None)


def test_ends_come_before_changes_before_the_tick_shown_longest_ago() -> None:
    cards = [tick("m-1", 9), tick("m-2", 30), changed("m-3"), ended("m-4", 2), ended("m-5", 8)]
    assert decide_updates(cards, [], BUDGET, NOW).now == ("m-5", "m-4", "m-3")
    assert decide_updates(cards[:2], [], BUDGET, NOW).now == ("m-2",)


def test_a_card_whose_last_showing_is_unknown_is_first_of_its_kind() -> None:
    unknown = Behind(operation="m-9", urgency=Urgency.TICK)
    assert decide_updates([tick("m-1", 500), unknown], [], BUDGET, NOW).now == ("m-9",)


def test_ticks_keep_a_pause_and_the_schedule_says_when_it_is_over() -> None:
    schedule = decide_updates([tick("m-1", 9)], [ago(0.5)], BUDGET, NOW)
    assert schedule.now == ()
    assert schedule.look_again_at == NOW + seconds(1.5)
    assert decide_updates([tick("m-1", 9)], [ago(2)], BUDGET, NOW).now == ("m-1",)


def test_a_full_window_holds_back_even_an_end_until_the_oldest_update_leaves_it() -> None:
    spent = [ago(59 - index) for index in range(BUDGET)]
    schedule = decide_updates([ended("m-1"), tick("m-2", 50)], spent, BUDGET, NOW)
    assert schedule.now == ()
    assert schedule.look_again_at == ago(59) + WINDOW


def test_ticks_leave_a_quarter_of_the_budget_to_changes() -> None:
    spent = [ago(59.9 - index * 1.5) for index in range(BUDGET * 3 // 4)]
    assert decide_updates([tick("m-1", 50)], spent, BUDGET, NOW).now == ()
    assert decide_updates([changed("m-1")], spent, BUDGET, NOW).now == ("m-1",)


@pytest.mark.parametrize(("running", "between_s"), [(1, 2), (3, 6), (10, 20)])
def test_ticks_slow_down_as_running_moves_grow(running: int, between_s: int) -> None:
    shown = {f"m-{index}": ago(running - index) for index in range(running)}
    times: dict[str, list[datetime]] = {operation: [] for operation in shown}
    spent: list[datetime] = []
    for half_second in range(240):
        now = NOW + seconds(half_second / 2)
        cards = [Behind(operation=one, urgency=Urgency.TICK, shown_at=at) for one, at in shown.items()]
        for operation in decide_updates(cards, spent, BUDGET, now).now:
            shown[operation] = now
            times[operation].append(now)
            spent.append(now)
    for series in times.values():
        gaps = {later - earlier for earlier, later in pairwise(series)}
        assert gaps == {seconds(between_s)}


@pytest.mark.parametrize(("ending", "changes"), [(0, 40), (5, 35), (20, 20), (100, 20)])
def test_changes_leave_room_for_the_ends_to_come(ending: int, changes: int) -> None:
    many = [Behind(operation=f"m-{number}", urgency=Urgency.CHANGED) for number in range(50)]
    schedule = decide_updates(many, [], 40, NOW, ending)
    assert len(schedule.now) == changes
    assert schedule.look_again_at == NOW + WINDOW
    ends = [Behind(operation=f"e-{number}", urgency=Urgency.ENDED) for number in range(50)]
    assert len(decide_updates([*ends, *many], [NOW] * changes, 40, NOW, ending).now) == 40 - changes


# What happens at a moment: how long after the one before, to which of twelve operations, and what.
EVENTS = st.lists(
    st.tuples(st.floats(0, 20), st.integers(0, 11), st.sampled_from(Urgency)),
    max_size=150,
)
BUDGETS = st.integers(1, 50)
ENDING = st.integers(0, 60)


def run(events: list[tuple[float, int, Urgency]], budget: int, ending: int) -> list[tuple[datetime, Behind]]:
    """Live through the events, looking again when the schedule says so; to the end, when no card is behind."""
    shown: dict[str, datetime] = {}
    behind: dict[str, Urgency] = {}
    sent: list[tuple[datetime, Behind]] = []
    now = NOW
    coming = [*events]
    due = now + seconds(coming[0][0]) if coming else None
    while behind or coming:
        while coming and due is not None and due <= now:
            _, number, urgency = coming.pop(0)
            operation = f"m-{number}"
            behind[operation] = min(urgency, behind.get(operation, urgency))
            due = due + seconds(coming[0][0]) if coming else None
        cards = [Behind(operation=one, urgency=why, shown_at=shown.get(one)) for one, why in behind.items()]
        schedule = decide_updates(cards, [at for at, _ in sent], budget, now, ending)
        waiting_ends = {one for one, why in behind.items() if why is Urgency.ENDED}
        for operation in schedule.now:
            sent.append(
                (now, Behind(operation=operation, urgency=behind.pop(operation), shown_at=shown.get(operation)))
            )
            shown[operation] = now
            assert operation in waiting_ends or not waiting_ends & behind.keys(), "an end waited behind something else"
        if schedule.now:
            continue
        again = [at for at in (schedule.look_again_at, due) if at is not None]
        assert again or not behind, "cards are behind, and nobody will look again"
        if again:
            assert min(again) > now
            now = min(again)
    return sent


@settings(deadline=None)  # a busy machine is no failure
@given(EVENTS, BUDGETS, ENDING)
def test_no_minute_ever_exceeds_the_budget(events: list[tuple[float, int, Urgency]], budget: int, ending: int) -> None:
    times = [at for at, _ in run(events, budget, ending)]
    for start in times:
        assert sum(start <= at < start + WINDOW for at in times) <= budget


@settings(deadline=None)  # a busy machine is no failure
@given(EVENTS, BUDGETS, ENDING)
def test_every_card_is_shown_in_the_end_whatever_happened_to_it(
    events: list[tuple[float, int, Urgency]], budget: int, ending: int
) -> None:
    """`run` ends only when no card is behind; each operation's last event is at or before its last showing."""
    shown = Counter(card.operation for _, card in run(events, budget, ending))
    assert shown.keys() == {f"m-{number}" for _, number, _ in events}


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.floats(0, 59), min_size=8, max_size=60))
def test_whatever_was_spent_the_promised_moment_really_brings_the_next_update(spent_s_ago: list[float]) -> None:
    spent = [ago(count) for count in spent_s_ago]
    for card in (tick("m-1", 30), ended("m-1")):
        schedule = decide_updates([card], spent, 8, NOW)
        assert schedule.now == ()
        assert schedule.look_again_at is not None
        assert decide_updates([card], spent, 8, schedule.look_again_at).now == ("m-1",)


@pytest.mark.parametrize(
    ("percent", "bar"),
    [
        (-3, "░" * 15),
        (0, "░" * 15),
        (1, "▓" + "░" * 14),
        (47, "▓" * 7 + "░" * 8),
        (99, "▓" * 14 + "░"),
        (100, "▓" * 15),
        (140, "▓" * 15),
    ],
)
def test_a_bar_is_full_only_at_the_end_and_never_empty_once_begun(percent: int, bar: str) -> None:
    assert render_bar(percent) == bar


@pytest.mark.parametrize(
    ("percent", "elapsed_s", "left_s"),
    [
        (0, 3, 9),  # the estimate, as nothing is known yet
        (0, 30, None),  # the estimate was wrong, and nothing else is known
        (50, 6, 6),
        (80, 40, 10),  # slower than estimated: the rate counts
        (100, 12, None),
    ],
)
def test_time_left_follows_the_measured_rate_once_there_is_one(
    percent: int, elapsed_s: float, left_s: float | None
) -> None:
    assert time_left_s(percent, elapsed_s, estimate_s=12) == left_s
