"""What people type and what they read: commands over the lab's hosts and a database, from the text to the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import commands
from bot.core.evacuation.rules import Rules
from bot.core.later import Calendar
from bot.core.operation import Ask, Place
from bot.core.plan import Level, MoveKind, Plan
from bot.core.planner import Limits
from bot.core.policy import Policy, simple
from bot.core.reply import Interim, Note, Reply, Table, Text
from bot.dispatch import Dispatcher
from bot.hyperv.fleet import HyperVFleet
from bot.lab.world import GIB, Switch, SwitchType
from bot.operations.authority import Authority
from bot.operations.evacuations import Evacuations
from bot.operations.inventory import Inventory
from bot.operations.store import Store
from bot.registry import discover
from bot.solver import Placer
from tests.asking import ALICE, NoHistory, Tray, plain
from tests.contract.two_hosts import SHARE, VM_01, VM_02, TwoHosts, two_hosts


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Ferry:
    """Everything between a line of text and its answer."""

    def __init__(self, lab: TwoHosts, fleet: HyperVFleet, store: Store) -> None:
        self.lab = lab
        self.store = store
        self.desk = Tray()
        self.clock = Clock()
        self.inventory = Inventory(fleet, self.clock, refresh_s=3600)
        self._dispatcher = Dispatcher(
            discover(commands),
            Authority(Policy(rules=simple([ALICE])), self.clock),
            self.inventory,
            store,
            NoHistory(),
            Evacuations(self.inventory, store, Rules(), Placer().place),
            self.desk,
            Limits(link_gbit_s={"host01": 10, "host02": 10}),
            self.clock,
            Calendar(),
            bot_user="UFERRY",
            stale_after_s=120,
        )

    def asked(self, text: str) -> Ask:
        now = self.clock.now()
        place = Place(team="T1", channel="C1")
        return Ask(key=f"T1/C1/{text}", text=text, actor=ALICE, place=place, at=now, received_at=now)

    def reply(self, text: str) -> Reply:
        """The answer; in the end, once hosts have been asked."""
        reply = self._dispatcher.answer(self.asked(text))
        assert reply is not None, f"{text} was offered as a plan"
        return reply.learn() if isinstance(reply, Interim) else reply

    def interim(self, text: str) -> Reply:
        """What is said before any host has been asked."""
        interim = self._dispatcher.answer(self.asked(text))
        assert isinstance(interim, Interim)
        return interim.reply

    def read(self, text: str) -> list[str]:
        return lines_of(self.reply(text))

    def plan(self, text: str) -> Plan:
        before = len(self.desk.plans)
        assert self._dispatcher.answer(self.asked(text)) is None
        assert len(self.desk.plans) == before + 1
        return self.desk.plans[-1][0]


def lines_of(reply: Reply) -> list[str]:
    """The answer's lines; a table's cells are set apart by bars."""
    lines = [plain(reply.title)]
    for part in reply.parts:
        if isinstance(part, Table):
            lines += [" | ".join(row) for row in (part.columns, *part.rows)]
        elif isinstance(part, Text):
            lines += [plain(line) for line in part.lines]
        elif isinstance(part, Note):
            lines.append(plain(part.line))
    return lines


@pytest.fixture(scope="module")
def lab() -> Iterator[TwoHosts]:
    with two_hosts() as lab:
        yield lab


@pytest.fixture
def ferry(lab: TwoHosts, tmp_path: Path) -> Iterator[Ferry]:
    lab.reset()
    fleet = HyperVFleet(lab.settings)
    store = Store(f"sqlite:///{tmp_path / 'ferry.sqlite'}", Clock())
    store.migrate()
    yield Ferry(lab, fleet, store)
    store.close()
    fleet.close()


def texts(plan: Plan, level: Level) -> list[str]:
    return [finding.text for finding in plan.findings if finding.level is level]


# Looking


def test_where_tells_host_state_folders_and_id(ferry: Ferry) -> None:
    ferry.lab.clock.advance(41 * 24 * 3600)

    assert ferry.read("where vm-01") == [
        "VM-01 is on host01",
        "running for 41 days · 8.0 GB memory",
        rf"VM-01.vhdx in `{SHARE}\VM-01`",
        rf"configuration in `{SHARE}\VM-01`",
        f"id `{VM_01}` · host01 answered just now",
    ]


def test_where_tells_of_a_move_that_ferry_did_not_start(ferry: Ferry) -> None:
    ferry.lab.start_move(VM_01, "host02")

    lines = ferry.read("where VM-01")

    assert lines[1] == "running for 0 s · migrating · 8.0 GB memory"
    assert "this move was not started by Ferry" in lines


def test_where_names_ferrys_own_operation(ferry: Ferry) -> None:
    plan = ferry.plan("migrate VM-01 to host02")
    ferry.store.propose(plan, ferry.asked("migrate VM-01 to host02"), datetime.now(UTC) + timedelta(minutes=10))

    assert "`m-1` to host02 is proposed" in ferry.read("where VM-01")


def test_a_name_that_two_vms_have_is_answered_with_both(ferry: Ferry) -> None:
    ferry.lab.world.vm("VM-02").name = "VM-01"

    assert ferry.read("where VM-01") == [
        "2 virtual machines are called VM-01: on host01",
        "Needed: the id of one of them in place of the name",
        f"on host01, 11111111…: `where {VM_01}`",
        f"on host01, 22222222…: `where {VM_02}`",
    ]
    asked = ferry.reply("migrate VM-01 to host02 with storage")
    assert [(button.label, button.sends) for button in asked.buttons] == [
        ("on host01, 11111111…", f"migrate {VM_01} to host02 with storage"),
        ("on host01, 22222222…", f"migrate {VM_02} to host02 with storage"),
    ]
    assert ferry.read(f"where {VM_02}")[0] == "VM-01 is on host01"
    assert ferry.plan(f"migrate {VM_01} to host02").command == f"migrate {VM_01} to host02"


def test_hosts_is_a_table_of_all_with_what_failed(ferry: Ferry) -> None:
    ferry.lab.start_move(VM_01, "host02")

    assert ferry.read("hosts") == [
        "2 hosts, all answering",
        "Host | State | VMs | Memory free | Live migrations | Storage migrations",
        "host01 | ready | 2 | 108 of 128 GB | 1 of 2 | 0 of 2",
        "host02 | ready | 0 | 124 of 128 GB | 1 of 2 | 0 of 2",
    ]

    ferry.lab.unreachable("host01")
    ferry.clock.ahead = timedelta(seconds=12)
    lines = ferry.read("hosts")
    assert lines[0] == "2 hosts, 1 answering"
    assert lines[2] == "host01 | no answer | ? | ? | ? | ?"
    assert lines[-1].startswith("host01 gives no answer: ")
    assert re.search("; it last answered 1. s ago, with 2 VMs. What it holds and does now is unknown.$", lines[-1])


def test_what_was_seen_is_said_at_once_with_its_age_and_then_replaced(ferry: Ferry) -> None:
    never = ferry.interim("hosts")
    assert never.badge == "not seen yet · being asked now, and then this answer is replaced"
    assert lines_of(never)[:3:2] == ["2 hosts, 0 answering", "host01 | no answer yet | ? | ? | ? | ?"]
    assert lines_of(never)[-1] == "host02: Ferry has not looked at it yet. What it holds and does is unknown."
    assert ferry.reply("hosts").badge == "seen just now"

    ferry.lab.unreachable("host01")
    ferry.clock.ahead = timedelta(minutes=3)
    before = ferry.interim("hosts")
    assert before.badge == "seen 3 min ago · being asked now, and then this answer is replaced"
    assert lines_of(before)[0] == "2 hosts, all answering"
    assert lines_of(ferry.interim("vms host01"))[0] == "host01 has 2 virtual machines"
    after = ferry.reply("hosts")
    assert (after.badge, lines_of(after)[0]) == ("seen just now", "2 hosts, 1 answering")


def test_what_was_seen_just_now_is_not_asked_for_again(ferry: Ferry) -> None:
    said = ferry.read("hosts")
    ferry.lab.unreachable("host01")

    assert ferry.read("hosts") == said
    assert ferry.read("vms host01")[0] == "host01 has 2 virtual machines"


def test_a_check_of_all_begins_with_what_is_known(ferry: Ferry) -> None:
    never = lines_of(ferry.interim("check all"))
    assert never[0] == "2 hosts: nothing in the way, 1 thing not known"
    ferry.read("hosts")
    seen = ferry.interim("check all")
    assert seen.badge.startswith("seen just now · ")
    assert "clock: not asked for yet" in "\n".join(lines_of(seen))
    assert "✗" not in "\n".join(lines_of(seen))

    asked = ferry.reply("check all")
    ferry.clock.ahead = timedelta(minutes=3)
    again = ferry.interim("check all")
    assert again.badge.startswith("seen 3 min ago · ")
    assert again.parts == asked.parts


def test_vms_lists_a_host(ferry: Ferry) -> None:
    assert ferry.read("vms host01.contoso.com") == [
        "host01 has 2 virtual machines",
        "VM | State | Memory | Uptime",
        "VM-01 | running | 8.0 GB | 0 s",
        "VM-02 | running | 8.0 GB | 0 s",
    ]
    assert ferry.read("vms host02") == ["host02 has no virtual machines"]


def test_vms_of_a_silent_host_says_what_it_had(ferry: Ferry) -> None:
    ferry.read("vms host01")
    ferry.lab.unreachable("host01")
    ferry.clock.ahead = timedelta(seconds=12)

    saw, needed, hint = ferry.read("vms host01")

    assert saw.startswith("host01 gives no answer: ")
    assert re.search("; when it last answered, 1. s ago, it had VM-01 and VM-02$", saw)
    assert needed == "Needed: an answer from host01"
    assert hint == "`vms host01` asks again; `hosts` shows the others"


def test_status_shows_what_is_open_and_one_in_full(ferry: Ferry) -> None:
    assert ferry.read("status") == ["No operation is open"]
    plan = ferry.plan("migrate VM-01 to host02")
    ferry.store.propose(plan, ferry.asked("migrate VM-01 to host02"), datetime.now(UTC) + timedelta(minutes=10))

    title, line = ferry.read("status")
    assert title == "1 operation open"
    assert line == "`m-1` proposed · VM-01 from host01 to host02"
    assert ferry.reply("status M-1").badge == "m-1 · proposed"
    assert ferry.read("status m-99")[0] == "there is no operation m-99"


# Planning


def test_a_live_migration_is_planned_from_what_both_hosts_say(ferry: Ferry) -> None:
    plan = ferry.plan("migrate vm-01 to HOST02.contoso.com")

    assert plan.command == "migrate VM-01 to host02"
    assert plan.move.kind is MoveKind.LIVE
    assert (plan.move.vm, plan.move.destination_fqdn) == (VM_01, "host02.contoso.com")
    assert texts(plan, Level.WARNING) == []
    assert texts(plan, Level.FINE) == [
        "migration enabled on both",
        'switch "Production" on host02',
        "124 of 128 GB free on host02",
        rf"all files lie on {SHARE}; host02 is asked whether it reaches them before the move starts",
        "configuration version 10.0 runs on host02",
    ]
    assert plan.facts[0] == rf"8.0 GB memory, 1 disk stays on {SHARE} · running for 0 s"
    assert plan.estimate.basis == "8.0 GB memory at 1.0 GB/s (10 GbE, from settings)"


def test_a_vm_on_its_hosts_own_drive_is_told_the_command_that_works(ferry: Ferry) -> None:
    refusal = "\n".join(ferry.read("migrate VM-02 to host02"))

    assert "VM-02 cannot move from host01 to host02 now" in refusal
    assert "`migrate VM-02 to host02 with storage`" in refusal
    assert not ferry.desk.plans

    plan = ferry.plan("migrate VM-02 to host02 with storage")
    assert plan.move.kind is MoveKind.SHARED_NOTHING
    assert "900 GB free on D: of host02, 42 GB needed" in texts(plan, Level.FINE)


def test_a_path_for_the_storage_is_taken_as_it_was_said(ferry: Ferry) -> None:
    plan = ferry.plan(r'migrate VM-02 to host02 with storage at "C:\My VMs\"')

    assert plan.move.storage_path == r"C:\My VMs"
    assert plan.command == r'migrate VM-02 to host02 with storage at "C:\My VMs"'


@pytest.mark.parametrize("text", [rf"move storage VM-02 {SHARE}", rf"move storage VM-02 to {SHARE}"])
def test_storage_moves_to_a_share(ferry: Ferry, text: str) -> None:
    plan = ferry.plan(text)

    assert plan.command == rf"move storage VM-02 {SHARE}"
    assert (plan.move.kind, plan.move.storage_path) == (MoveKind.STORAGE, SHARE)
    assert texts(plan, Level.WARNING) == [
        rf"free room on {SHARE} is not known, a share does not tell; 42 GB needed",
    ]


def test_a_full_host_without_the_switch_is_told_both_at_once(ferry: Ferry) -> None:
    host = ferry.lab.world.host("host02")
    host.switches = (Switch("Backup", SwitchType.EXTERNAL),)
    host.root_reserve_bytes = 120 * GIB

    refusal = "\n".join(ferry.read("migrate VM-01 to host02"))

    assert 'host02 has no switch "Production", which VM-01 is connected to; it has "Backup"' in refusal
    assert "8.0 of 128 GB free on host02; VM-01 takes 8.0 GB" in refusal


def test_a_host_at_its_limit_is_a_warning_and_no_refusal(ferry: Ferry) -> None:
    ferry.lab.world.host("host02").maximum_migrations = 1
    ferry.lab.start_move(VM_02, "host02")

    plan = ferry.plan("migrate VM-01 to host02")

    assert texts(plan, Level.WARNING) == ["host02 runs 1 of 1 live migrations: this one will wait its turn"]


def test_a_destination_that_gives_no_answer_is_named(ferry: Ferry) -> None:
    ferry.inventory.refreshed()
    ferry.lab.unreachable("host02")

    reply = ferry.reply("migrate VM-01 to host02")

    assert plain(reply.title).startswith("Ferry does not reach host02 for reading its settings: ")
    assert not ferry.desk.plans


def test_a_vm_that_nobody_has_is_answered_with_the_nearest(ferry: Ferry) -> None:
    assert ferry.read("migrate VM-1 to host02") == [
        "no host has a virtual machine called VM-1",
        "Needed: the name or id of a virtual machine",
        "did you mean `migrate VM-01 to host02` or `migrate VM-02 to host02`?",
    ]
