"""Who is a node of a cluster, by what it told last; and what is said of those that have left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.membership import Membership, Told, learn, newer, refuse_departed, render_memberships, render_news
from bot.errors import Refused

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
NEVER = Membership(cluster="prod")


def told(*nodes: str) -> Told:
    return Told(name="HVC1", domain="contoso.com", nodes=nodes)


def shown(one: Membership, *hosts: str, now: datetime = LATER + timedelta(minutes=2)) -> list[str]:
    return ["".join(map(str, line)) for line in render_memberships([one], hosts, now)]


def test_the_first_answer_is_no_news() -> None:
    first = learn(NEVER, told("HV01", "HV02"), NOON)
    assert (first.known, first.title, first.nodes) == (True, "HVC1", ("HV01", "HV02"))
    assert render_news(NEVER, first) == ()
    assert shown(first) == []


def test_who_comes_and_who_leaves_is_said() -> None:
    before = learn(NEVER, told("HV01", "HV02"), NOON)
    after = learn(before, told("HV01", "HV03"), LATER)
    assert render_news(before, after) == ("hv03 has joined HVC1", "hv02 is no longer a node of HVC1")
    assert shown(after, "hv01", "hv03") == [
        "hv02 is no longer a node of HVC1, which said so 2 min ago; Ferry looks after it no more"
    ]
    assert shown(after, "hv01", "hv02.contoso.com") == []  # a host with a table of its own stays one
    with pytest.raises(Refused, match="hv02 is no longer a node of HVC1"):
        refuse_departed([after], "hv02.contoso.com", LATER)
    refuse_departed([after], "hv01", LATER)


def test_a_departure_is_said_for_a_day_and_ends_with_a_return() -> None:
    gone = learn(learn(NEVER, told("HV01", "HV02"), NOON), told("HV01"), LATER)
    assert shown(gone, "hv01", now=LATER + timedelta(hours=25)) == []
    assert learn(gone, told("HV01"), LATER + timedelta(hours=25)).left == ()
    assert learn(gone, told("HV01", "HV02"), LATER + timedelta(hours=1)).left == ()


def test_a_cluster_without_an_answer_keeps_its_nodes_and_says_so() -> None:
    silent = learn(NEVER, told("HV01"), NOON).model_copy(update={"failure": "it did not answer"})
    assert shown(silent) == ["cluster HVC1 gives no answer: it did not answer; its nodes are those of 7 min ago"]
    never = NEVER.model_copy(update={"failure": "the name does not resolve"})
    assert shown(never) == [
        "cluster prod gives no answer: the name does not resolve; it has not answered yet, so its nodes are unknown"
    ]


def test_of_two_answers_the_later_one_holds() -> None:
    early, late = learn(NEVER, told("HV01"), NOON), learn(NEVER, told("HV02"), LATER)
    assert newer(early, late) == newer(late, early) == late
    assert newer(early, NEVER) == newer(NEVER, early) == early
