"""Which card gets how much of the budget for updates, by what of its row has changed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from bot.core.evacuation import Evacuation
from bot.core.lifecycle import State
from bot.core.operation import Operation
from bot.core.progress import Behind, Urgency, decide_updates
from bot.core.shown import Shown
from bot.operations.pace import Memory
from tests.core.rows import ASKED, CONFIRMED, make_operation
from tests.core.test_evacuation import row

BUDGET = 40
MANY = 200
UNDER_WAY = row(State.UNDER_WAY)
RUNNING = make_operation(State.RUNNING)
DONE, FAILED = make_operation(State.SUCCEEDED), make_operation(State.FAILED)


def evacuation(*moves: Operation, **changes: object) -> Evacuation:
    return UNDER_WAY.model_copy(update={"moves": moves, **changes})


@pytest.mark.parametrize(
    ("before", "after", "urgency"),
    [
        (evacuation(RUNNING), evacuation(DONE), Urgency.TICK),
        (evacuation(RUNNING), evacuation(RUNNING.model_copy(update={"percent": 70})), Urgency.TICK),
        (evacuation(RUNNING), evacuation(FAILED), Urgency.CHANGED),
        (evacuation(RUNNING), evacuation(RUNNING, paused=True), Urgency.CHANGED),
        (evacuation(RUNNING), evacuation(RUNNING, cancel_asked=True), Urgency.CHANGED),
        (evacuation(RUNNING), evacuation(DONE, state=State.SUCCEEDED), Urgency.ENDED),
        (RUNNING, RUNNING.model_copy(update={"percent": 70}), Urgency.TICK),
        (RUNNING, make_operation(State.VERIFYING), Urgency.CHANGED),
    ],
)
def test_how_urgent_what_changed_is(before: Shown, after: Shown, urgency: Urgency) -> None:
    memory = Memory()
    memory.remember(before, ASKED)
    assert memory.urgency(after) is urgency


def live(second: float) -> dict[str, Shown]:
    """An evacuation of which two moves end every second, and three moves that run beside it."""
    done = min(MANY, int(second * 2))
    moves = [DONE] * done + [RUNNING] * (MANY - done)
    alone = {f"m-{number}": RUNNING.model_copy(update={"percent": int(second)}) for number in range(2, 5)}
    return {"m-1": evacuation(*moves, id="m-1"), **alone}


def test_an_evacuation_whose_moves_end_all_the_time_has_no_more_than_its_share() -> None:
    memories: dict[str, Memory] = {name: Memory() for name in live(0)}
    for name, shown in live(0).items():
        memories[name].remember(shown, CONFIRMED)
    spent: list[datetime] = []
    updates: Counter[str] = Counter()
    for half_second in range(1, 121):
        now, rows = CONFIRMED + timedelta(seconds=half_second / 2), live(half_second / 2)
        behind = [
            Behind(operation=name, urgency=memories[name].urgency(shown), shown_at=memories[name].shown_at)
            for name, shown in rows.items()
            if shown != memories[name].shown
        ]
        for name in decide_updates(behind, spent, BUDGET, now, ending=len(rows)).now:
            memories[name].remember(rows[name], now)
            spent.append(now)
            updates[name] += 1
    assert sum(updates.values()) == BUDGET * 3 // 4
    assert max(updates.values()) - min(updates.values()) <= 1
