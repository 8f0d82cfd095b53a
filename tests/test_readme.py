"""README.md is the spec: what it shows is what the program does."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.names import UserId
from bot.core.policy import Groups, Target, Wanted, Where, count, decide
from bot.operations.policy import find_problems, read_policy
from bot.settings import Settings
from tests import readme
from tests.ferry import Ferry

ANEW = "run `uv run python -m tests.readme`"


def test_the_command_table_is_the_registry() -> None:
    assert readme.render_commands() == readme.read_block("commands"), ANEW


def test_the_settings_table_is_the_settings() -> None:
    assert readme.render_settings() == readme.read_block("settings"), ANEW


def test_the_dialogue_is_what_the_channel_shows(tmp_path: Path) -> None:
    with Ferry(tmp_path, speed=2.5) as ferry:
        shown = readme.render_dialogue(ferry)

    assert readme.timeless(shown) == readme.timeless(readme.read_block("dialogue")), ANEW


# Who may do what

GROUPS = Groups(members={"S0STAFF": frozenset({UserId("U0ERIN")}), "S0WEBTEAM": frozenset({UserId("U0FRANK")})})
NOON, NIGHT = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 22, tzinfo=UTC)  # a Monday
BOTH = frozenset({"host01", "host02"})


@pytest.fixture(scope="module")
def worked_example() -> Settings:
    section = readme.README.read_text(encoding="utf-8").partition("## Who may do what")[2]
    found = re.search(r"```toml\n(.*?)```", section, re.DOTALL)
    assert found
    hosts: dict[str, dict[str, object]] = {name: {} for name in ("host01", "host02", "host03")}
    return Settings.model_validate(tomllib.loads(found[1]) | {"hosts": hosts})


@pytest.mark.parametrize(
    ("who", "action", "vm", "channel", "at", "reason"),
    [
        ("U0FRANK", "vm.migrate", "WEB-01", "C0OPERATIONS", NOON, ""),
        ("U0FRANK", "vm.migrate", "WEB-01", "D0FRANK", NOON, ""),
        ("U0FRANK", "vm.migrate", "WEB-01", "C0OTHER", NOON, "is for other channels"),
        ("U0FRANK", "vm.migrate", "WEB-01", "C0OPERATIONS", NIGHT, "is for the hours office"),
        ("U0FRANK", "vm.migrate", "SQL-01", "C0OPERATIONS", NOON, "is for VMs called WEB-*, and SQL-01 is none"),
        ("U0FRANK", "vm.move_storage", "WEB-01", "C0OPERATIONS", NOON, "is for vm.migrate"),
        ("U0ERIN", "host.read", "", "C0OTHER", NIGHT, ""),
        ("U0ERIN", "vm.migrate", "WEB-01", "C0OPERATIONS", NOON, "`readers`, grants look, not run"),
        ("U0ALICE", "host.evacuate", "SQL-01", "C0OTHER", NIGHT, ""),
        ("U0MALLORY", "host.read", "", "C0OTHER", NOON, "no rule of Ferry's names you"),
    ],
)
def test_the_worked_example_means_what_the_text_says(
    worked_example: Settings, who: str, action: str, vm: str, channel: str, at: datetime, reason: str
) -> None:
    where = Where(actor=UserId(who), channel=channel, local=at)
    targets = [Target(vm=vm, hosts=BOTH)] if vm else None
    verdict = decide(read_policy(worked_example), GROUPS, where, action, targets)
    assert verdict.allowed is not bool(reason)
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("tags", "vms", "at", "needed"),
    [
        ((), 1, NOON, []),
        (("critical",), 1, NOON, ["critical"]),
        ((), 21, NIGHT, ["storm", "night"]),
    ],
)
def test_the_approvals_of_the_worked_example(
    worked_example: Settings, tags: tuple[str, ...], vms: int, at: datetime, needed: list[str]
) -> None:
    wanted = Wanted(
        action="host.evacuate",
        targets=(Target(vm="VM-01", tags=frozenset(tags), hosts=BOTH),),
        vms=vms,
        digest="",
        requester=UserId("U0ALICE"),
        local=at,
    )
    assert [one.name for one in count(read_policy(worked_example), GROUPS, wanted)] == needed


def test_the_worked_example_is_sound_and_its_refusals_read_as_shown(worked_example: Settings) -> None:
    assert find_problems(worked_example, GROUPS.members) == ()
    where = Where(actor=UserId("U0CAROL"), channel="C0OPERATIONS", local=NOON)
    target = Target(vm="WEB-01", hosts=frozenset({"host01", "host03"}))
    verdict = decide(read_policy(worked_example), GROUPS, where, "vm.migrate", [target])
    assert f"| {verdict.reason} |\n" in readme.README.read_text(encoding="utf-8")
