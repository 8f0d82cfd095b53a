"""What Ferry offers to set on a host, what of it can be put back, and what the card says in every state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.host_card import render_status_line
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Outcome, Place
from bot.core.preparation import (
    Name,
    Preparation,
    PreparationPlan,
    Setting,
    find_changes,
    plan_back,
    plan_preparation,
)
from bot.core.preparation.card import render_preparation
from bot.core.readiness import Checkup
from bot.errors import Refused
from tests.asking import ALICE, NOW, plain, text_of
from tests.core.test_readiness import READY, checkup, silent

KERBEROS = Setting(name=Name.AUTHENTICATION, before=0, after=1)
ENABLED = Setting(name=Name.MIGRATION, before=0, after=1)


def wanted(around: dict[str, Any] | None = None, **info: Any) -> list[tuple[str, int, int]]:
    plan = plan_preparation(checkup(around=around, **info), "prepare host01")
    return [(str(one.name), one.before, one.after) for one in plan.settings]


@pytest.mark.parametrize(
    ("info", "around", "settings"),
    [
        ({"migration_enabled": False}, {}, [("migration", 0, 1)]),
        ({"authentication": 0}, {}, [("authentication", 0, 1)]),
        ({"any_network": False}, {}, [("any_network", 0, 1)]),
        ({"performance": 0}, {}, [("performance", 0, 1)]),
        ({"live_limit": 0, "storage_limit": 0}, {}, [("live_limit", 0, 2), ("storage_limit", 0, 2)]),
        ({"authentication": 0, "migration_enabled": False}, {}, [("authentication", 0, 1), ("migration", 0, 1)]),
        ({"authentication": 0, "migration_enabled": False}, {"domain": ""}, [("migration", 0, 1)]),
        ({"authentication": 0, "migration_enabled": False}, {"domain": None}, [("migration", 0, 1)]),
        ({"any_network": False, "migration_enabled": False}, {"networks": ("10.0.0.0/24",)}, [("migration", 0, 1)]),
        ({"any_network": False, "migration_enabled": False}, {"networks": None}, [("migration", 0, 1)]),
    ],
)
def test_only_what_is_safe_and_not_yet_so_is_set(
    info: dict[str, Any], around: dict[str, Any], settings: list[tuple[str, int, int]]
) -> None:
    assert wanted(around, **info) == settings


@pytest.mark.parametrize(
    ("asked", "saw"),
    [
        (checkup(), "host01 has everything that Ferry could set"),
        (checkup(performance=2, live_limit=8), "host01 has everything that Ferry could set"),  # people's own choice
        (checkup(authentication=0, around={"domain": ""}), "host01 has everything that Ferry could set"),
        (silent(), "host02 gives no answer: no answer"),
    ],
)
def test_nothing_to_set_is_refused(asked: Checkup, saw: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_preparation(asked, "prepare host01")
    assert caught.value.saw == saw


def plan(*settings: Setting, back: bool = False) -> PreparationPlan:
    return PreparationPlan(command="prepare host01", host="host01", settings=settings or (KERBEROS, ENABLED), back=back)


def row(state: State = State.SUCCEEDED, *settings: Setting, **values: Any) -> Preparation:
    return Preparation(
        **{
            "id": "m-7",
            "state": state,
            "place": Place(team="T1", channel="C1"),
            "version": 1,
            "requested_by": ALICE,
            "requested_at": NOW,
            "expires_at": NOW + timedelta(minutes=10),
            "plan": plan(*settings),
            **values,
        }
    )


def test_back_is_the_other_way_round_and_in_the_opposite_order() -> None:
    found = plan_back(checkup(), "prepare host01 back", row())
    assert found.settings == (
        Setting(name=Name.MIGRATION, before=1, after=0),
        Setting(name=Name.AUTHENTICATION, before=1, after=0),
    )
    assert found.back


def test_what_somebody_else_has_set_since_is_left_to_them() -> None:
    found = plan_back(checkup(migration_enabled=False), "prepare host01 back", row())
    assert [one.name for one in found.settings] == [Name.AUTHENTICATION]


@pytest.mark.parametrize(
    ("last", "saw"),
    [
        (None, "Ferry has not prepared host01"),
        (
            row(State.SUCCEEDED, Setting(name=Name.LIVE_LIMIT, before=0, after=9)),
            "what m-7 set on host01 is no longer so",
        ),
    ],
)
def test_nothing_to_put_back_is_refused(last: Preparation | None, saw: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_back(checkup(), "prepare host01 back", last)
    assert caught.value.saw == saw


@pytest.mark.parametrize(
    ("info", "begun", "differs"),
    [
        ({"authentication": 0, "migration_enabled": False}, False, 0),
        ({"authentication": 1, "migration_enabled": False}, False, 1),
        ({"authentication": 1, "migration_enabled": False}, True, 0),  # half of it was set before a crash
        ({"authentication": 1, "migration_enabled": True}, True, 0),
        ({"authentication": 7, "migration_enabled": False}, True, 1),
    ],
)
def test_a_world_that_has_changed(info: dict[str, Any], begun: bool, differs: int) -> None:
    assert len(find_changes(plan(), READY.model_copy(update=info), begun=begun)) == differs


def test_migration_is_not_switched_off_under_a_migration() -> None:
    closing = plan(Setting(name=Name.MIGRATION, before=1, after=0), back=True)
    assert find_changes(closing, READY) == ()
    assert find_changes(closing, READY.model_copy(update={"live_active": 2})) == (
        "host01 runs 2 live migrations, which switching them off would end",
    )


def test_a_digest_covers_everything_that_was_seen() -> None:
    seen = plan()
    others = [
        plan(KERBEROS),
        seen.model_copy(update={"notes": ("one more",)}),
        seen.model_copy(update={"host": "host02"}),
    ]
    assert len({one.digest for one in (seen, *others)}) == 4


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNDER_WAY])
def test_every_state_has_a_card_and_a_line(state: State) -> None:
    shown = row(state, outcome=Outcome(summary="what was seen"), confirmed_by=UserId("U0BOB"), confirmed_at=NOW)
    reply = render_preparation(shown)
    assert "host01" in plain(reply.title)
    assert reply.badge.startswith(f"m-7 · {state}")
    assert plain(render_status_line(shown)).startswith(f"`m-7` {state} · prepare host01")


def test_a_success_says_how_to_undo_it() -> None:
    assert "To undo it, type `prepare host01 back`" in text_of(render_preparation(row()))
    assert "To undo it" not in text_of(render_preparation(row(plan=plan(back=True))))
