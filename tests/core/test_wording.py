"""How numbers, times and states are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.estate import Status, VmState
from bot.core.wording import (
    capital,
    render_about,
    render_ago,
    render_busy,
    render_bytes,
    render_count,
    render_duration,
    render_list,
    render_range,
    render_share,
    render_state,
    render_status,
    render_use,
    render_word,
)

KB, MB, GB, TB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (KB, "1.0 KB"),
        (8589934592, "8.0 GB"),
        (int(9.94 * GB), "9.9 GB"),
        (int(9.96 * GB), "10 GB"),
        (127 * GB, "127 GB"),
        (1023 * GB, "1023 GB"),
        (int(1023.9 * GB), "1.0 TB"),
        (3 * TB // 2, "1.5 TB"),
        (5000 << 50, "5000 PB"),
    ],
)
def test_sizes_have_two_digits_or_more(count: int, said: str) -> None:
    assert render_bytes(count) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(52 * GB, 128 * GB, "52 of 128 GB"), (512 * MB, 128 * GB, "512 MB of 128 GB"), (0, GB, "0 B of 1.0 GB")],
)
def test_a_share_says_its_unit_once(part: int, whole: int, said: str) -> None:
    assert render_share(part, whole) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (47.4, "47 s"),
        (59.6, "1 min"),
        (245, "4 min 5 s"),
        (3600, "1 h"),
        (7805, "2 h 10 min"),
        (47 * 3600, "47 h"),
        (41 * 86400 + 5, "41 days"),
    ],
)
def test_measured_time(seconds: float, said: str) -> None:
    assert render_duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "about 1 s"),
        (8.4, "about 8 s"),
        (11.3, "about 10 s"),
        (13, "about 15 s"),
        (58, "about 1 min"),
        (61, "about 1 min"),
        (240, "about 4 min"),
        (3590, "about 1 h"),
        (9000, "about 2 h 30 min"),
        (50000, "about 14 h"),
    ],
)
def test_estimated_time_is_no_more_exact_than_an_estimate(seconds: float, said: str) -> None:
    assert render_about(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-60, "just now"),
        (2, "just now"),
        (12, "12 s ago"),
        (59.9, "59 s ago"),
        (119, "1 min ago"),
        (7199, "1 h ago"),
        (3 * 86400, "3 days ago"),
    ],
)
def test_time_gone_by_is_never_rounded_up(seconds: float, said: str) -> None:
    assert render_ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_a_range_is_no_more_exact_than_an_estimate_and_says_nothing_twice() -> None:
    assert render_range(127, 305) == " (2 min to 5 min)"
    assert render_range(60.2, 61.4) == ""


def test_a_limit_that_is_exceeded_is_not_said_as_a_share() -> None:
    assert render_use(7, 7, "live migrations") == "7 of 7 live migrations"
    assert render_use(8, 7, "live migrations") == "8 live migrations and allows 7"


def test_counts_and_lists() -> None:
    assert [render_count(count, "disk") for count in (0, 1, 2)] == ["no disks", "1 disk", "2 disks"]
    assert render_count(2, "switch", "switches") == "2 switches"
    assert [render_list(list(items)) for items in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
    assert [render_list(list(items)) for items in ("abcde", "abcdef")] == ["a, b, c, d and e", "a, b, c, d and 2 more"]


def test_a_name_that_needs_quotes_gets_them() -> None:
    assert [render_word(name) for name in ("VM-01", "Web Shop")] == ["VM-01", '"Web Shop"']


@pytest.mark.parametrize("state", VmState)
def test_every_state_has_words(state: VmState) -> None:
    assert not any(character.isdigit() for character in render_state(state))


@pytest.mark.parametrize("status", Status)
def test_every_status_has_words(status: Status) -> None:
    assert not any(character.isdigit() for character in render_status((Status.IN_SERVICE, status)))


def test_numbers_without_a_name_are_said_as_numbers() -> None:
    assert render_state(32783) == "in state 32783"
    assert render_status((Status.IN_SERVICE, 32771)) == "in operational status 32771"


def test_a_vm_that_is_well_is_not_busy() -> None:
    assert [render_busy(status) for status in ((), (Status.OK,), (Status.IN_SERVICE,))] == ["", "", "busy"]
    assert render_busy((Status.IN_SERVICE, Status.MIGRATING)) == "migrating"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing was started", "Nothing was started"),
        ("cancelled: too late", "Cancelled: too late"),
        ("host02 has no room", "host02 has no room"),
        ("m-5 is under way", "m-5 is under way"),
        ("alpha gives no answer", "alpha gives no answer"),
        ("alpha: no answer", "alpha: no answer"),
        ("alphabetical order", "Alphabetical order"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_a_name_stands_first(text: str, said: str) -> None:
    assert capital(text, "alpha", "") == said
