"""Who is told of which journal entry, and in what words."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.history import Record
from bot.core.names import UserId
from bot.core.notices import Subscription, choose_recipients, render_answer, render_notice, render_notices
from tests.core.rows import ALICE, ASKED, BOB
from tests.core.test_home import text

AUDIT = "C0AUDIT000"
VM = "00000000-0000-0000-0000-000000000001"
SUBSCRIPTIONS = (
    Subscription(user=ALICE, kind="vm", what=VM, name="VM-01"),
    Subscription(user=BOB, kind="host", what="host02", name="host02"),
    Subscription(user=UserId("U0CAROL000"), kind="host", what="host2", name="host2"),
)


def record(event: str, **more: Any) -> Record:
    about = {"vm": "VM-01", "vm_id": VM, "source": "host01", "destination": "host02"}
    values = {"seq": 7, "at": ASKED.isoformat(), "operation": "m-12", "event": event, "hash": ""}
    return Record(**about | values | more)


@pytest.mark.parametrize(
    ("entry", "recipients"),
    [
        (record("confirm"), (AUDIT, ALICE, BOB)),
        (record("succeed"), (AUDIT, ALICE, BOB)),
        (record("fail"), (AUDIT, ALICE, BOB)),
        (record("doubt"), (AUDIT, ALICE, BOB)),
        (record("close"), (AUDIT, ALICE, BOB)),
        (record("start"), (AUDIT,)),
        (record("refuse", vm_id=""), (AUDIT,)),
        (record("submit"), (AUDIT, ALICE, BOB)),
        (record("approve"), (AUDIT,)),
        (record("schedule"), (AUDIT, ALICE, BOB)),
        (record("due"), (AUDIT,)),
        (record("freeze", vm="", vm_id="", source="", destination=""), (AUDIT,)),
        (record("propose"), ()),
        (record("grant"), ()),
        (record("anchor"), ()),
        (record("confirm", vm_id="", vm="evacuate host01, host02", source="host01, host02"), (AUDIT, BOB)),
        (record("confirm", vm_id="another", destination="host03"), (AUDIT,)),
    ],
)
def test_watchers_hear_of_ends_and_the_audit_channel_of_every_change(
    entry: Record, recipients: tuple[str, ...]
) -> None:
    assert choose_recipients(entry, SUBSCRIPTIONS, AUDIT) == recipients
    assert choose_recipients(entry, SUBSCRIPTIONS, "") == tuple(one for one in recipients if one != AUDIT)


def test_who_watches_the_vm_and_its_host_is_told_once() -> None:
    both = (SUBSCRIPTIONS[0], SUBSCRIPTIONS[0].model_copy(update={"kind": "host", "what": "host01"}))
    assert choose_recipients(record("confirm"), both, "") == (ALICE,)


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (record("confirm", who=BOB), "m-12 VM-01 from host01 to host02: confirmed by U0BOB00000"),
        (
            record("succeed", summary="running on host02"),
            "m-12 VM-01 from host01 to host02: succeeded: running on host02",
        ),
        (record("fail", destination="host01", summary="x" * 300), f"m-12 VM-01: failed: {'x' * 199}…"),
        (
            record("refuse", who=ALICE, operation="policy", summary='migrate VM-01 to host02: told "no"'),
            'U0ALICE000 was refused: migrate VM-01 to host02: told "no"',
        ),
        (record("submit", who=BOB), "m-12 VM-01 from host01 to host02: awaiting approval, confirmed by U0BOB00000"),
        (
            record("freeze", who=ALICE, operation="h-1", summary="month-end closing runs"),
            "U0ALICE000 froze Ferry: month-end closing runs",
        ),
        (
            record("unlock", operation="h-2", summary="VM-01: a backup"),
            "the time that was set unlocked: VM-01: a backup",
        ),
        (
            record("confirm", vm_id="", vm="evacuate host01", source="host01", destination="", who=BOB),
            "m-12 evacuate host01: confirmed by U0BOB00000",
        ),
    ],
)
def test_a_notice_is_one_line(entry: Record, line: str) -> None:
    assert text(render_notice(entry)) == f"<moment> · {line}"


def test_a_host_is_silent_or_answers_again() -> None:
    assert text(render_answer("host01", "timed out", ASKED)).startswith("<moment> · host01 gives no answer: timed out;")
    assert text(render_answer("host01", "", ASKED)) == "<moment> · host01 answers again"


def test_several_are_one_message_and_a_watcher_is_told_how_to_end_it() -> None:
    assert render_notices([("one",)], watcher=True).title == ("one",)
    several = render_notices([("one",), ("two",)], watcher=True)
    assert text(several.title) == "2 changes of what you watch; watching lists that"
    assert text(render_notices([("one",), ("two",)], watcher=False).title) == "2 changes"
