"""Lanes and throughput, as pictures of many migrations show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.picture import Bar, Picture, derive_throughput, group_by_destination

BEGAN = datetime(2026, 11, 23, 14, 31, tzinfo=UTC)


def bar(begin_s: float, end_s: float, *, destination: str = "host02", size: int = 0, vm: str = "VM-01") -> Bar:
    begin, end = BEGAN + timedelta(seconds=begin_s), BEGAN + timedelta(seconds=end_s)
    return Bar(vm=vm, destination=destination, started_at=begin, ended_at=end, state="moved", bytes=size)


bars = st.builds(
    lambda begin, length, destination, size: bar(begin, begin + length, destination=destination, size=size),
    st.integers(0, 600),
    st.integers(0, 120),
    st.sampled_from(["host02", "HOST03", "host04"]),
    st.integers(0, 1 << 40),
)


@given(st.lists(bars, max_size=60), st.sampled_from([0, 24, 100]))
def test_every_move_is_in_one_lane_of_its_destination_and_lanes_do_not_overlap(given: list[Bar], own: int) -> None:
    groups = group_by_destination(given, own)
    assert [group.destination for group in groups] == sorted(
        {one.destination for one in given}, key=lambda name: name.casefold()
    )
    shown = [one for group in groups for lane in group.lanes for one in lane]
    assert sorted(map(repr, shown)) == sorted(map(repr, given))
    for group in groups:
        assert {one.destination for lane in group.lanes for one in lane} == {group.destination}
        for lane in group.lanes:
            for before, after in pairwise(lane):
                assert before.ended_at <= after.started_at
                assert before.started_at < after.started_at or before.seconds == 0


@given(st.lists(bars.filter(lambda one: one.seconds > 0), max_size=60))
def test_lanes_are_as_few_as_there_are_moves_at_once(given: list[Bar]) -> None:
    for group in group_by_destination(given, 0):
        here = [one for lane in group.lanes for one in lane]
        at_once = [sum(one.started_at <= each.started_at < one.ended_at for one in here) for each in here]
        assert len(group.lanes) == max(at_once)


@pytest.mark.parametrize(("count", "lanes"), [(1, 1), (24, 24), (25, 1)])
def test_few_moves_have_a_lane_each_and_many_share(count: int, lanes: int) -> None:
    (group,) = group_by_destination(bar(10 * number, 10 * number + 9) for number in range(count))
    assert (len(group.lanes), group.size) == (lanes, count)


def test_throughput_adds_up_what_each_move_carries_on_average() -> None:
    rates = derive_throughput([bar(0, 10, size=1000), bar(5, 15, size=2000), bar(3, 3, size=7), bar(0, 60)])
    seconds = [((moment - BEGAN).total_seconds(), rate) for moment, rate in rates]
    assert seconds == [(0, 100), (5, 300), (10, 200), (15, 0)]


@given(st.lists(bars, max_size=60))
def test_all_bytes_and_no_others_are_under_the_throughput(given: list[Bar]) -> None:
    rates = derive_throughput(given)
    area = sum(rate * (after - moment).total_seconds() for (moment, rate), (after, _) in pairwise(rates))
    carried = sum(one.bytes for one in given if one.seconds > 0)
    assert area == pytest.approx(carried, rel=1e-6, abs=1000)
    assert all(rate >= 0 for _, rate in rates)
    assert not rates or rates[-1][1] == 0


def test_measured_throughput_goes_before_what_could_be_derived() -> None:
    measured = ((BEGAN, 5.0),)
    picture = Picture(title="x", bars=(bar(0, 10, size=1000),), began_at=BEGAN, ended_at=BEGAN)
    assert picture.rates[0][1] == 100
    assert picture.model_copy(update={"throughput": measured}).rates == measured
