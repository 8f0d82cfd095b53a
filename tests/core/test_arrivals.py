"""What came to a host while it was being emptied, as the thread says it."""

from __future__ import annotations

import pytest

from bot.core.estate import Seen, Vm, VmSummary
from bot.core.evacuation.arrivals import render_arrivals
from bot.core.lifecycle import State
from tests.asking import plain
from tests.core.rows import ASKED
from tests.core.test_evacuation import PLAN, row, vm

GONE, KEPT, STAYED = vm(1), vm(2), vm(3)  # of the plan, two to move and one that stays
NEW, NEWER = vm(8), vm(9)
ENDED = row(State.FAILED, [State.SUCCEEDED, State.FAILED])


def seen(*vms: Vm, failure: str = "") -> Seen:
    there = tuple(VmSummary(id=one.id, name=one.name, host="host01", state=one.state) for one in vms)
    return Seen(host="host01", at=ASKED, vms=there, failure=failure)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ((), "host01 shows no virtual machine"),
        ((KEPT, STAYED), "nothing came to host01 meanwhile"),
        ((NEW, STAYED), "1 VM came to host01 meanwhile: VM-08; `evacuate host01` takes it away, too"),
        ((NEW, NEWER), "2 VMs came to host01 meanwhile: VM-08 and VM-09; `evacuate host01` takes them away, too"),
        ((GONE,), "1 VM came to host01 meanwhile: VM-01; `evacuate host01` takes it away, too"),
    ],
)
def test_what_no_plan_left_there_came_meanwhile(there: tuple[Vm, ...], said: str) -> None:
    assert {leg.plan.move.vm for leg in PLAN.legs} == {GONE.id, KEPT.id}
    assert plain(render_arrivals([ENDED], [seen(*there)])) == said


def test_without_an_answer_it_is_unknown() -> None:
    said = plain(render_arrivals([ENDED], [seen(failure="timed out after 30 s")]))
    assert said == (
        "host01 gave no answer at the end (timed out after 30 s): whether anything came to it is unknown; `vms host01`"
    )


def test_what_the_evacuation_before_left_there_is_no_news_to_the_one_that_retries_it() -> None:
    retry = row(State.SUCCEEDED, [State.SUCCEEDED])
    retry = retry.model_copy(update={"plan": PLAN.model_copy(update={"staying": (), "legs": PLAN.legs[1:]})})
    assert plain(render_arrivals([retry, ENDED], [seen(STAYED)])) == "nothing came to host01 meanwhile"
