"""Forms, and the commands that they type."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import commands
from bot.core.estate import Estate, Host, Seen, VmState, VmSummary
from bot.core.form import Field, Form, Values, boxes_of, fill, make_fields
from bot.core.form_time import AT, WINDOW
from bot.core.grammar import split
from bot.core.later import Calendar
from bot.core.names import UserId, VmId
from bot.core.operation import Place
from bot.core.policy.model import Hours
from bot.core.suggestions import MOST, suggest_hosts, suggest_vms
from bot.forms import CommandForms
from bot.registry import discover, find, understand
from bot.slack.mrkdwn import escape

ALICE, MALLORY = UserId("U0ALICE000"), UserId("U0MALLORY0")
PLACE = Place(team="T0LAB00000", channel="C0OPS00000")


def permits(actor: UserId, _place: Place, _action: str) -> bool:
    return actor == ALICE


REGISTRY = discover(commands)
SEEN_AT = datetime(2026, 11, 30, tzinfo=UTC)
GIB = 1 << 30


def id_of(number: int) -> VmId:
    return VmId(f"00000000-0000-0000-0000-{number:012d}")


def seen(host: str, *names: str, first: int = 1, failure: str = "") -> Seen:
    vms = tuple(
        VmSummary(id=id_of(first + number), name=name, host=host, state=VmState.RUNNING)
        for number, name in enumerate(names)
    )
    info = Host(
        name=host,
        fqdn=f"{host}.contoso.com",
        memory_bytes=128 * GIB,
        memory_free_bytes=52 * GIB,
        migration_enabled=True,
        authentication=1,
        performance=1,
        live_limit=2,
        storage_limit=2,
    )
    return Seen(host=host, at=SEEN_AT, vms=() if failure else vms, info=info, failure=failure)


ESTATE = Estate(
    hosts=(
        seen("host01", "VM-01", "VM-10", "Web Shop", "Twin", "a\" b' c", "to"),
        seen("host02", "VM-02", "Twin", first=11),
        seen("host03", "VM-03", first=21, failure="timed out"),
    )
)
VM_01, VM_10, SHOP, TWIN, ODD, TO = map(id_of, range(1, 7))
FORMS = CommandForms(REGISTRY, permits, lambda: ESTATE)


def form_of(name: str) -> Form:
    form = FORMS.open(ALICE, PLACE, name)
    assert form is not None
    return form


# What a form has


def test_the_fields_are_those_of_the_usage_lines() -> None:
    assert make_fields(REGISTRY["migrate"].usage)[:3] == (
        Field(name="vm", label="VM", kind="vm"),
        Field(name="host", label="To host", kind="host"),
        Field(name="path", label="At path", kind="text", optional=True),
    )
    boxes = make_fields(REGISTRY["migrate"].usage)[3]
    assert [option.label for option in boxes.options] == ["with storage", "quickly"]
    evacuate = make_fields(REGISTRY["evacuate"].usage)
    assert [(field.label, field.kind, field.optional) for field in evacuate] == [
        ("Hosts", "hosts", False),
        ("To destinations", "hosts", True),
        ("Except VMs", "vms", True),
        ("Also", "flags", True),
    ]


def test_there_is_a_form_for_each_command_that_plans_something_with_vms_or_hosts() -> None:
    form = FORMS.open(ALICE, PLACE)
    assert form is not None
    assert form.command == form.others[0]
    assert {"migrate", "move storage", "evacuate", "prepare", "return", "drain", "resume"} <= set(form.others)
    assert not {"retry", "cancel", "hosts", "plan evacuate"} & set(form.others)
    assert REGISTRY[form.command].action.startswith("vm.")


@pytest.mark.parametrize("name", form_of("migrate").others)
def test_every_form_keeps_to_slacks_limits_and_names_its_fields_apart(name: str) -> None:
    form = form_of(name)
    assert form.command == name
    assert len({field.name for field in form.fields}) == len(form.fields)
    assert len({field.label for field in form.fields}) == len(form.fields)
    assert all(bool(field.options) is (field.kind == "flags") for field in form.fields)
    assert all(len(field.options) <= 10 for field in form.fields)


def test_a_form_is_for_those_who_may_do_what_it_does() -> None:
    assert FORMS.open(MALLORY, PLACE) is None
    assert FORMS.open(MALLORY, PLACE, "evacuate") is None
    assert FORMS.open(ALICE, PLACE, "elsewhere") is None
    assert FORMS.suggest(MALLORY, PLACE, "migrate", "vm", "") == ()
    assert FORMS.suggest(ALICE, PLACE, "migrate", "vm", "VM-01")
    assert FORMS.suggest(ALICE, PLACE, "migrate", "host", "host")
    assert FORMS.suggest(ALICE, PLACE, "migrate", "path", "D") == ()
    assert FORMS.suggest(ALICE, PLACE, "migrate", "elsewhere", "D") == ()
    assert FORMS.fill("elsewhere", {}) is None


# What is filled in


@pytest.mark.parametrize(
    ("name", "values", "command"),
    [
        ("migrate", {"vm": (VM_01,), "host": ("host02",)}, "migrate VM-01 to host02"),
        ("migrate", {"vm": (SHOP,), "host": ("host02",)}, 'migrate "Web Shop" to host02'),
        ("migrate", {"vm": (TWIN,), "host": ("host02",)}, f"migrate {TWIN} to host02"),
        ("migrate", {"vm": (ODD,), "host": ("host02",)}, f"migrate {ODD} to host02"),
        ("migrate", {"vm": (TO,), "host": ("host02",)}, 'migrate "to" to host02'),
        ("migrate", {"vm": (id_of(99),), "host": ("host02",)}, f"migrate {id_of(99)} to host02"),
        (
            "migrate",
            {"vm": (VM_01,), "host": ("host02",), boxes_of("migrate"): ("with_storage",)},
            "migrate VM-01 to host02 with storage",
        ),
        (
            "migrate",
            {"vm": (VM_01,), "host": ("host02",), "path": (" D:\\My VMs ",)},
            'migrate VM-01 to host02 with storage at "D:\\My VMs"',
        ),
        ("move storage", {"vm": (VM_01,), "path": ('"\\\\server01\\vms\\"',)}, "move storage VM-01 \\\\server01\\vms"),
        ("drain", {"host": ("host01",)}, "drain host01"),
        ("resume", {"host": ("host01",), boxes_of("resume"): ("with_failback",)}, "resume host01 with failback"),
        ("prepare", {"host": ("host01",), boxes_of("prepare"): ("back",)}, "prepare host01 back"),
        (
            "evacuate",
            {"hosts": ("host01",), "destinations": ("host02", "host03"), "vms": (VM_10, SHOP)},
            'evacuate host01 to host02, host03 except VM-10, "Web Shop"',
        ),
        (
            "evacuate",
            {"hosts": ("host01", "host02"), boxes_of("evacuate"): ("make_room",)},
            "evacuate host01, host02 make room",
        ),
    ],
)
def test_what_was_filled_in_is_a_command(name: str, values: Values, command: str) -> None:
    filled = FORMS.fill(name, values)
    assert filled is not None
    assert not filled.problems
    assert filled.command == command


@pytest.mark.parametrize(
    ("name", "values", "field", "problem"),
    [
        ("evacuate", {"hosts": ("host01",), "destinations": ("host02", "host01")}, "destinations", "host01 is chosen"),
        ("move storage", {"vm": (VM_01,), "path": ("VMs",)}, "path", "a path starts with a drive"),
        ("move storage", {"vm": (VM_01,), "path": ("D:\\VM*",)}, "path", "wildcards"),
        ("move storage", {"vm": (VM_01,)}, "path", "required"),
        ("migrate", {"vm": ("x" * 101,), "host": ("host02",)}, "vm", "1 to 100 characters"),
        (
            "migrate",
            {"vm": (VM_01,), "host": ("host02",), boxes_of("migrate"): ("with_storage", "quickly")},
            boxes_of("migrate"),
            "do not go together",
        ),
        ("migrate", {}, "vm", "required"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(name: str, values: Values, field: str, problem: str) -> None:
    filled = fill(REGISTRY[name].usage, values, ESTATE)
    assert not filled.command
    assert filled.problems is not None
    assert problem in filled.problems[field]
    assert set(filled.problems) <= {one.name for one in make_fields(REGISTRY[name].usage)}


names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@given(names, st.sampled_from(["host01", "host02", "host03.contoso.com", "to", "at"]), names)
def test_the_command_is_read_as_what_was_filled_in(name: str, host: str, path: str) -> None:
    estate = Estate(hosts=(seen("host01", name),))
    values = {"vm": (VM_01,), "host": (host,), "path": (f"D:\\{path}",)}
    filled = fill(REGISTRY["migrate"].usage, values, estate)
    if filled.problems:
        return
    read = understand(REGISTRY, escape(filled.command))
    assert read.error is None
    assert read.arguments is not None
    told = read.arguments.model_dump()
    assert (told["vm"] in (name, VM_01), told["host"], told["with_storage"]) == (True, host, True)


# When it is to begin

BERLIN = Calendar(ZoneInfo("Europe/Berlin"), {"night": Hours(days=(0, 1, 2, 3, 4), begins=time(22), ends=time(5))})
TIMED = CommandForms(REGISTRY, permits, lambda: ESTATE, BERLIN)
MOVE = {"vm": (VM_01,), "host": ("host02",)}


def seconds(text: str) -> tuple[str, ...]:
    return (str(int(datetime.fromisoformat(text).timestamp())),)


@pytest.mark.parametrize(
    ("values", "ending"),
    [
        ({}, ""),
        ({AT: seconds("2026-12-01T21:00Z")}, " at 2026-12-01 22:00"),
        ({AT: seconds("2026-12-01T23:30:59Z")}, " at 2026-12-02 00:30"),
        ({AT: seconds("2027-07-01T20:05Z")}, " at 2027-07-01 22:05"),
        ({AT: seconds("2026-10-25T00:30Z")}, " at 2026-10-25 02:30"),  # the first of two
        ({WINDOW: ("next",)}, " in the next window"),
    ],
)
def test_a_time_becomes_the_ending_that_could_have_been_typed(values: Values, ending: str) -> None:
    filled = TIMED.fill("migrate", {**MOVE, **values})
    assert filled is not None
    assert filled.command == f"migrate VM-01 to host02{ending}"
    command, words = find(REGISTRY, split(filled.command))
    assert str(command.read(words)[1] or "") == ending.strip()


@pytest.mark.parametrize(
    ("values", "field", "problem"),
    [
        ({AT: seconds("2026-10-25T01:30Z")}, AT, "show 02:30 twice then, and a command means the first"),
        ({AT: ("soon",)}, AT, "no time"),
        ({AT: ("9" * 30,)}, AT, "no time"),
        ({AT: seconds("2026-12-01T21:00Z"), WINDOW: ("next",)}, AT, "do not go together"),
        ({AT: ("soon",), "vm": ()}, "vm", "required"),
    ],
)
def test_a_time_that_no_command_says_is_told_at_its_field(values: Values, field: str, problem: str) -> None:
    filled = TIMED.fill("migrate", {**MOVE, **values})
    assert filled is not None
    assert not filled.command
    assert problem in (filled.problems or {})[field]


def test_the_next_window_is_offered_where_there_are_windows() -> None:
    timed, plain = TIMED.open(ALICE, PLACE, "drain"), form_of("drain")
    assert timed is not None
    assert [field.name for field in timed.fields] == ["host", AT, WINDOW]
    assert [field.name for field in plain.fields] == ["host", AT]
    assert timed.fields[-1].options[0].detail == "night"


# decline <operation> [because <reason>]


@pytest.mark.parametrize(
    "reason", ["", "the backup is running", "it's  too late", 'the "old" host', "because m-12 is wrong"]
)
def test_a_declining_form_types_a_command_that_reads_back(reason: str) -> None:
    form = form_of("decline m-12")
    assert (form.command, form.others, [field.name for field in form.fields]) == ("decline m-12", (), ["reason"])
    filled = FORMS.fill("decline m-12", {"reason": (reason,)} if reason else {})
    assert filled is not None
    assert not filled.problems
    read = understand(REGISTRY, escape(filled.command))
    assert read.error is None
    assert read.command == "decline"
    assert read.arguments is not None
    told = read.arguments.model_dump()
    assert told["operation"] == "m-12"
    said = reason.removeprefix("because").replace(" ", "").replace('"', "")
    assert "".join(told["reason"]).replace(" ", "") == said


@pytest.mark.parametrize(("reason", "said"), [("x" * 301, "at most 300"), ('an "open quote', "quote")])
def test_a_reason_that_cannot_be_typed_is_said_at_its_field(reason: str, said: str) -> None:
    filled = FORMS.fill("decline m-12", {"reason": (reason,)})
    assert filled is not None
    assert filled.problems is not None
    assert said in filled.problems["reason"]


@pytest.mark.parametrize("name", ["decline", "evacuate host01", "confirm m-12"])
def test_what_opens_no_form(name: str) -> None:
    assert FORMS.open(ALICE, PLACE, name) is None


# What is suggested


def test_vms_are_suggested_under_their_hosts_the_nearest_first() -> None:
    found = suggest_vms(ESTATE, " vm-0 ")
    assert [(one.label, [option.label for option in one.options]) for one in found] == [
        ("host01", ["VM-01"]),
        ("host02", ["VM-02"]),
    ]
    assert [one.label for one in suggest_vms(ESTATE, "vm-02")] == ["host02"]
    (exact, *_) = suggest_vms(Estate(hosts=(seen("a", "VM-1", "XVM-1"), seen("b", "VM-11", first=9))), "vm-1")
    assert [option.label for option in exact.options] == ["VM-1", "XVM-1"]
    assert [option.value for option in suggest_vms(ESTATE, id_of(11)[:36])[0].options] == [id_of(11)]
    assert suggest_vms(ESTATE, "nothing of the kind") == ()
    assert "VM-03" not in str(suggest_vms(ESTATE, ""))


def test_a_vm_that_two_hosts_show_is_suggested_once_and_never_more_than_slack_takes() -> None:
    moving = Estate(hosts=(seen("host01", "VM-01"), seen("host02", "VM-01")))
    assert sum(len(one.options) for one in suggest_vms(moving, "")) == 1
    many = Estate(hosts=(seen("host01", *(f"VM-{number:03}" for number in range(300))),))
    assert sum(len(one.options) for one in suggest_vms(many, "")) == MOST
    assert [option.label for option in suggest_vms(many, "vm-299")[0].options] == ["VM-299"]


def test_hosts_are_suggested_with_what_was_last_seen() -> None:
    (found,) = suggest_hosts(ESTATE, "HOST")
    assert [option.label for option in found.options] == ["host01", "host02", "host03"]
    assert [option.detail for option in found.options][1:] == ["52 of 128 GB memory free", "no answer"]
    assert suggest_hosts(ESTATE, "02")[0].options[0].value == "host02"
    assert suggest_hosts(ESTATE, "elsewhere") == ()
