"""What people say, press and see: all of Ferry, over real Bolt, Socket Mode, pypsrp and a database, in the lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.core.lifecycle import State
from bot.lab.world import Event
from tests.ferry import Ferry


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    """One lab for all: each dialogue has a VM of its own, or changes nothing."""
    with Ferry(tmp_path_factory.mktemp("lab"), speed=100, rate_limits=False) as ferry:
        yield ferry


def starts(lab: Ferry, vm: str, host: str | None = None) -> int:
    """How many moves of the VM its hosts have started, by the world's own journal."""
    with lab.world.look():
        started = lab.world.journal.of(lab.world.vm(vm, host), Event.STARTED)
    return sum(entry.kind.startswith("Moving") for entry in started)


def host_of(lab: Ferry, vm: str) -> str:
    (host,) = lab.world.whereabouts(lab.world.vm(vm))
    return host.lower()


# Moves


def test_live_migration_from_the_offer_to_the_verified_end(lab: Ferry) -> None:
    card = lab.say("@Ferry migrate VM-01 to host02")
    offer = lab.text(card)
    assert "Move VM-01 from host01 to host02?" in offer
    assert "8.0 GB memory, 2 disks" in offer
    assert '✓ migration enabled on both · switch "Production" on host02 · 52 of 128 GB free on host02' in offer
    assert "⚠️ 1 checkpoint travels along" in offer
    assert "Nothing changes until someone confirms" in offer
    assert (host_of(lab, "VM-01"), starts(lab, "VM-01")) == ("host01", 0)

    lab.press(card, "Confirm", who="bob")
    end = lab.wait_until_ended(card)

    assert "VM-01 is on host02" in end
    assert "Verified: running on host02, gone from host01" in end
    assert "asked by @alice, confirmed by @bob" in end
    assert (host_of(lab, "VM-01"), starts(lab, "VM-01")) == ("host02", 1)
    shown = "\n".join(lab.history(card))
    assert "· running" in shown
    lab.wait(lambda: "verified: running on host02, gone from host01" in "\n".join(lab.steps(card)))


def test_shared_nothing_live_migration_takes_the_storage_along(lab: Ferry) -> None:
    refused = lab.text(lab.say("migrate VM-02 to host02"))
    assert "lie on host01 itself" in refused
    assert "migrate VM-02 to host02 with storage" in refused

    card = lab.say("migrate VM-02 to host02 with storage at D:\\VMs")
    assert "1 disk (12 GB)" in lab.text(card)
    lab.press(card, "Confirm")

    assert "VM-02 with its storage is on host02" in lab.wait_until_ended(card)
    assert host_of(lab, "VM-02") == "host02"
    assert [disk.path for disk in lab.world.vm("VM-02").disks] == ["D:\\VMs\\Virtual Hard Disks\\VM-02.vhdx"]


@pytest.mark.parametrize(
    "text", ["move storage VM-06 \\\\server02\\vmstore", "Move Storage VM-06 to `\\\\server01\\vmstore`"]
)
def test_storage_live_migration(lab: Ferry, text: str) -> None:
    card = lab.say(text)
    lab.press(card, "Confirm")

    assert "The storage of VM-06 is at" in lab.wait_until_ended(card)
    path = text.strip("`").split(" ")[-1].strip("`")
    vm = lab.world.vm("VM-06")
    assert vm.path == path
    assert all(disk.path.startswith(path + "\\Virtual Hard Disks\\") for disk in vm.disks)


def test_a_vm_that_is_off_moves_and_stays_off(lab: Ferry) -> None:
    card = lab.say("migrate VM-04 to host02")
    assert "VM-04 is off and stays so" in lab.text(card)
    lab.press(card, "Confirm")

    assert "off on host02, gone from host01" in lab.wait_until_ended(card)


def test_a_failing_move_shows_the_hosts_words_the_cause_and_the_remedy(lab: Ferry) -> None:
    card = lab.say("migrate VM-08 to host02")
    lab.press(card, "Confirm")
    end = lab.wait_until_ended(card)

    assert "did not succeed" in end
    assert "VM-08 is still running on host01" in end
    assert "An existing connection was forcibly closed by the remote host. (0x80072746)" in end
    assert "Cause: the connection between the hosts broke" in end
    assert "Remedy:" in end
    assert host_of(lab, "VM-08") == "host01"


# Refusals: what was seen, what was needed, what to type


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("migrate VM-03 to host02", ("VM-03 belongs to a failover cluster", "host01 to tell of its cluster")),
        ("migrate VM-05 to host02", ("D:\\ISO\\setup.iso in its DVD drive", "Set-VMDvdDrive -Path $null")),
        ("migrate VM-06 to host02", ('host02 has no switch "Backup"', "a switch of the same name on both hosts")),
        ("migrate VM-09 to host02", ("VM-09 is being backed up now", "where VM-09")),
        ("migrate VM-10 to host03", ("4.0 of 64 GB free on host03; VM-10 takes 96 GB", "2.0 GB in reserve")),
        ("migrate VM-10 to host01", ("VM-10 is on host01 already",)),
        ("move storage VM-10 \\\\server01\\nothing", ()),
        (
            "migrate VM-07 to host02",
            ("2 virtual machines are called VM-07", "on host01: migrate 087b49ca", "[on host01]"),
        ),
        (
            "migrate VM-99 to host02",
            ("no host has a virtual machine called VM-99", "did you mean migrate VM-09 to host02"),
        ),
        ("migrate VM-10 to host9", ("Ferry knows no host called host9", "did you mean migrate VM-10 to host03 or")),
        ("confirm m-999", ("there is no operation m-999",)),
        ("where VM-99", ("no host has a virtual machine called VM-99",)),
    ],
)
def test_what_cannot_be_done_is_explained_to_all_and_changes_nothing(
    lab: Ferry, text: str, shown: tuple[str, ...]
) -> None:
    answer = lab.say(text)
    assert not answer.only_for
    assert [each for each in shown if each not in lab.text(answer)] == []
    assert starts(lab, "VM-10") == 0


@pytest.mark.parametrize(
    ("who", "text", "shown"),
    [
        ("mallory", "@Ferry migrate VM-01 to host02", "you are not on Ferry's allow list"),
        ("mallory", "@Ferry gibberish", "you are not on Ferry's allow list"),
        ("alice", "@Ferry migrat VM-01 to host02", "did you mean migrate VM-01 to host02?"),
        ("alice", "migrate VM-01", "to <host> is missing after VM-01"),
        ("alice", "migrate VM-0* to host02", "wildcards (*) are not accepted"),
        ("alice", "help migrate", 'migrate "Web Shop" to host02'),
    ],
)
def test_what_concerns_one_person_only_that_person_sees(lab: Ferry, who: str, text: str, shown: str) -> None:
    answer = lab.say(text, who=who)
    assert answer.only_for == lab.server.user_id(who)
    assert shown in lab.text(answer)


def test_people_may_talk_in_a_channel_that_ferry_reads(lab: Ferry) -> None:
    quiet = lab.server.say("alice", "#ops", "lunch, anybody?")
    lab.say("hosts")
    assert lab.server.thread("#ops", quiet) == []


# Looking


def test_hosts_shows_room_and_limits(lab: Ferry) -> None:
    shown = lab.ask("hosts")
    assert "3 hosts, all answering" in shown
    assert "4.0 of 64 GB" in shown


def test_where_and_vms_show_what_the_host_says_now(lab: Ferry) -> None:
    assert "VM-10 is on host01" in lab.text(lab.say("where VM-10"))
    assert "running, being backed up" in lab.ask("vms host01")


# Where it is said


def test_in_a_direct_message(lab: Ferry) -> None:
    direct = lab.server.direct_channel("alice")
    assert "VM-10 is on host01" in lab.text(lab.say("where VM-10", where=direct))


def test_in_a_thread_the_answer_stays_in_the_thread(lab: Ferry) -> None:
    root = lab.server.say("bob", "#ops", "host01 makes noises")
    answer = lab.say("where VM-10", thread=root)
    assert answer.thread_ts == root


def test_by_slash_command(lab: Ferry) -> None:
    before = len(lab.server.messages("#ops"))
    lab.server.slash("alice", "#ops", "/ferry", "where VM-10")
    answer = lab.wait(lambda: next(iter(lab.server.messages("#ops")[before:]), None))
    assert "VM-10 is on host01" in lab.text(answer)


# Deciding


def test_typed_words_decide_as_buttons_do(lab: Ferry) -> None:
    card = lab.say("move storage VM-10 \\\\server02\\vmstore")
    operation = lab.operation(card)
    lab.server.say("bob", "#ops", f"cancel {operation.id}")

    assert "declined" in lab.wait_until_ended(card)
    assert "@bob" in lab.text(card)
    assert lab.operation(card).state is State.DECLINED


def test_a_stranger_cannot_press(lab: Ferry) -> None:
    card = lab.say("move storage VM-10 \\\\server02\\vmstore")
    lab.press(card, "Confirm", who="mallory")

    whisper = lab.wait(
        lambda: next((one for one in lab.server.ephemerals("mallory") if "allow list" in one.text), None)
    )
    assert "you are not on Ferry's allow list" in lab.text(whisper)
    assert lab.operation(card).state is State.PROPOSED
    lab.press(card, "Cancel")
    lab.wait_until_ended(card)


def test_an_edit_never_executes(lab: Ferry) -> None:
    ts = lab.server.say("alice", "#ops", "good morning")
    lab.server.edit("alice", "#ops", ts, "migrate VM-10 to host02")
    lab.say("hosts")
    assert [one for one in lab.server.messages("#ops") if "Move VM-10 from" in lab.text(one)] == []


def test_an_old_command_is_refused_as_late(lab: Ferry) -> None:
    lab.server.say("alice", "#ops", "migrate VM-10 to host02", late_s=600)
    late = lab.wait(lambda: next((one for one in lab.server.ephemerals("alice") if "10 min" in lab.text(one)), None))
    assert "was not carried out" in lab.text(late)
    assert "say it again if it is still wanted" in lab.text(late)


def test_after_a_move_the_lists_are_right_at_once(lab: Ferry) -> None:
    card = lab.say("migrate VM-06 to host03")
    lab.press(card, "Confirm")
    lab.wait_until_ended(card)

    def listed() -> list[str]:
        return [vm.host for vm in lab.bot.inventory.estate().named("VM-06")]

    assert lab.world.wait_until(lambda: listed() == ["host03"], 5)
