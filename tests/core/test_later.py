"""When a change is to begin, as it is written and as a moment; and what differs when it is planned anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import commands
from bot.core.evacuation import EvacuationKind, EvacuationPlan, Leg
from bot.core.evacuation.plan import Staying
from bot.core.grammar import split, take_ending
from bot.core.grammar.ending import AfterAge, AtTime, Ending, NextWindow
from bot.core.later import Calendar, find_differences
from bot.core.plan import Finding, Level
from bot.core.policy import Hours
from bot.errors import Refused, UsageError
from bot.registry import discover, understand
from tests.operations.offers import make_plan, vm_id

REGISTRY = discover(commands)
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours(days=frozenset(range(5)), begins=time(22), ends=time(6))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("migrate VM-01 to host02 at 22:00", "migrate VM-01 to host02 at 22:00"),
        ("migrate VM-01 to host02 AT 9:05", "migrate VM-01 to host02 at 09:05"),
        (r"move storage VM-01 \\server01\vmstore at 22:00", r"move storage VM-01 \\server01\vmstore at 22:00"),
        (
            r"migrate VM-01 to host02 with storage at D:\VMs at 22:00",
            r"migrate VM-01 to host02 with storage at D:\VMs at 22:00",
        ),
        ("migrate VM-01 to host02 with storage at 22:00", "migrate VM-01 to host02 with storage at 22:00"),
        (r"migrate VM-01 to host02 with storage at D:\VMs", r"migrate VM-01 to host02 with storage at D:\VMs"),
        ("evacuate host01 except VM-1, VM-2 at tomorrow 06:00", "evacuate host01 except VM-1, VM-2 at tomorrow 06:00"),
        ("evacuate host01 make room at 2026-12-01 22:00", "evacuate host01 make room at 2026-12-01 22:00"),
        ("return host01 in 2h", "return host01 in 2h"),
        ("prepare host01 back in 90 min", "prepare host01 back in 90min"),
        ("drain in", "drain in"),
        ("drain in in 2h", "drain in in 2h"),
        ("return in, 2h", "return in, 2h"),
        ('evacuate "in", "2h"', "evacuate in, 2h"),
        ("resume host01 with failback in the next window", "resume host01 with failback in the next window"),
        ("retry m-12 in the next window", "retry m-12 in the next window"),
    ],
)
def test_an_ending_is_read_and_written(text: str, canonical: str) -> None:
    understood = understand(REGISTRY, text)
    assert understood.error is None
    assert understood.canonical == canonical
    assert understand(REGISTRY, canonical).canonical == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("migrate VM-01 to host02 at 25:00", "`at 25:00` says no time: a time of day is needed, like 22:00"),
        ("migrate VM-01 to host02 at 22", "`at 22` says no time"),
        ("drain host01 at 2026-02-30 22:00", "there is no day 2026-02-30"),
        ("drain host01 at 1.12.2026 22:00", "a day is written like 2026-12-01"),
        ("drain host01 in 2 fortnights", "how long is a number with s, min, h, d or w"),
        ("return in 2h", "`<hosts>` is missing after `return`"),
        ("status m-12 at 22:00", "`at` was not expected"),
    ],
)
def test_what_says_no_time_is_refused(text: str, message: str) -> None:
    error = understand(REGISTRY, text).error
    assert error is not None
    assert message in error.message


def test_a_hint_tells_the_endings_and_keeps_the_one_that_was_said() -> None:
    error = understand(REGISTRY, "migrate VM-01 to host02 at noon").error
    assert error is not None
    assert "`in the next window` at its end says when it is to begin" in error.hint
    near = understand(REGISTRY, "migrate VM-01 too host02 in 2h").error
    assert near is not None
    assert "did you mean `migrate VM-01 to host02 in 2h`?" in near.hint


endings = st.one_of(
    st.builds(AtTime, at=st.builds(time, st.integers(0, 23), st.integers(0, 59))),
    st.builds(AtTime, at=st.builds(time, st.integers(0, 23), st.integers(0, 59)), tomorrow=st.just(True)),
    st.builds(AtTime, at=st.builds(time, st.integers(0, 23)), day=st.dates(date(2000, 1, 1), date(2999, 12, 31))),
    st.builds(AfterAge, age=st.sampled_from(["1s", "90min", "2h", "3d", "9999w"])),
    st.just(NextWindow()),
)


@given(endings, st.sampled_from(["drain host01", "migrate in to at", r"move storage VM-01 D:\VMs", "return in, 2h"]))
@settings(deadline=None)
def test_what_is_written_is_read_again(ending: Ending, text: str) -> None:
    words = split(text)
    assert take_ending(words) == (words, None)
    assert take_ending(split(f"{text} {ending}")) == (words, ending)


@given(
    st.lists(st.sampled_from(["at", "in", "the", "next", "window", "22:00", "2h", "tomorrow", "x", '"in"']), max_size=7)
)
@settings(deadline=None)
def test_whatever_the_words_nothing_but_a_usage_error_comes_of_them(said: list[str]) -> None:
    words = split(" ".join(said))
    try:
        rest, ending = take_ending(words)
    except UsageError:
        return
    assert rest == words[: len(rest)]
    assert (ending is None) == (rest == words)


NOW = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)  # a Friday, 13:00 in Berlin; the clocks go forward on Sunday at 02:00


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("at 22:00", datetime(2026, 3, 27, 21, 0, tzinfo=UTC)),
        ("at 13:00", datetime(2026, 3, 28, 12, 0, tzinfo=UTC)),
        ("at tomorrow 06:00", datetime(2026, 3, 28, 5, 0, tzinfo=UTC)),
        ("at 2026-03-29 22:00", datetime(2026, 3, 29, 20, 0, tzinfo=UTC)),
        ("in 90min", datetime(2026, 3, 27, 13, 30, tzinfo=UTC)),
        ("in the next window", datetime(2026, 3, 27, 21, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_in_the_policys_zone(said: str, begins: datetime) -> None:
    calendar = Calendar(BERLIN, {"night": NIGHT})
    assert calendar.find_begin(read(said), NOW) == begins


def test_inside_a_window_is_now_and_the_next_one_may_be_days_away() -> None:
    calendar = Calendar(BERLIN, {"night": NIGHT})
    assert calendar.find_begin(NextWindow(), NOW.replace(hour=23)) is None
    assert calendar.find_begin(NextWindow(), NOW + timedelta(days=1)) == datetime(2026, 3, 30, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("at 2026-03-26 22:00", r"2026-03-26 22:00 \(Europe/Berlin\) is past: it is 2026-03-27 13:00"),
        ("at 2026-04-11 22:00", "is too far ahead"),
        ("in 15d", "is too far ahead"),
        ("at 2026-03-29 02:30", "there is no 2026-03-29 02:30 in Europe/Berlin: the clocks are put forward then"),
        ("in the next window", "there is no window for changes"),
    ],
)
def test_a_moment_that_is_none_is_refused(said: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        Calendar(BERLIN).find_begin(read(said), NOW)


@given(st.integers(0, 2 * 365 * 24 * 60), st.integers(0, 23), st.integers(0, 59))
@settings(deadline=None)
def test_a_time_of_day_is_at_most_a_day_and_an_hour_away_and_shows_so(minutes: int, hour: int, minute: int) -> None:
    now, at = NOW + timedelta(minutes=minutes), time(hour, minute)
    try:
        begin = Calendar(BERLIN).find_begin(AtTime(at=at), now)
    except Refused:  # an hour that clocks skip is none, and one that they show twice is past at its first time
        reject()
    assert begin is not None
    assert timedelta() < begin - now <= timedelta(hours=25)
    assert begin.astimezone(BERLIN).time() == at


def read(text: str) -> Ending:
    ending = take_ending(split(text))[1]
    assert ending is not None
    return ending


WARNED = Finding(level=Level.WARNING, code="checkpoints", text="VM-01 has checkpoints")
BUSY = Finding(level=Level.WARNING, code="limit", text="host02 runs 2 of 2 live migrations")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"uptime_s": 9, "memory_bytes": 1}, None),
        ({"source": "host03"}, "VM-01 is on host03, not on host01"),
        ({"destination": "host03"}, "it would go to host03, not to host02"),
        ({"state": 3}, "VM-01 is off, not running"),
        ({"vm": vm_id(9)}, "VM-01 is another virtual machine than the one that was shown"),
        ({"disks": ()}, r"VM-01 has other disks: D:\VMs\VM-01.vhdx"),
    ],
)
def test_what_matters_of_a_move(changes: dict[str, object], sentence: str | None) -> None:
    assert find_differences(make_plan(), make_plan(**changes)) == ((sentence,) if sentence else ())


def test_a_new_warning_matters_and_a_busy_host_does_not() -> None:
    plan = make_plan()
    assert find_differences(plan, plan.model_copy(update={"findings": (WARNED,)})) == (WARNED.text,)
    assert find_differences(plan.model_copy(update={"findings": (WARNED,)}), plan) == ()
    assert find_differences(plan, plan.model_copy(update={"findings": (BUSY,)})) == ()


def evacuation(*legs: Leg, **more: object) -> EvacuationPlan:
    told = {"command": "evacuate host01", "action": "host.evacuate", "hosts": ("host01",), "destinations": ("host02",)}
    return EvacuationPlan.model_validate({"kind": EvacuationKind.EVACUATION, **told, "legs": legs, **more})


def test_an_evacuations_vms_may_go_elsewhere_but_which_they_are_matters() -> None:
    one, two = Leg(plan=make_plan(1)), Leg(plan=make_plan(2))
    elsewhere = Leg(plan=make_plan(1, destination="host03"), rank=3)
    assert find_differences(evacuation(one, two), evacuation(two, elsewhere)) == ()
    assert find_differences(evacuation(one), evacuation(one, two)) == ("VM-02 would move, too",)
    assert find_differences(evacuation(one, two), evacuation(one)) == ("VM-02 would not move",)
    stays = Staying(vm=vm_id(2), vm_name="VM-02", host="host01", why="no host has room for it")
    assert find_differences(evacuation(one, two), evacuation(one, staying=(stays,))) == (
        "VM-02 would stay: no host has room for it",
    )
    off = Leg(plan=make_plan(2, state=3))
    assert find_differences(evacuation(one, two), evacuation(one, off)) == ("VM-02 is off, not running",)


def test_another_kind_of_plan_is_another_change() -> None:
    assert find_differences(make_plan(), evacuation()) == ("it is another kind of change now",)
