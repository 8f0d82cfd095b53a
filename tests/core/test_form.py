"""Forms, and the commands that they type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import commands
from bot.core.form import FORMS, Kind, Values, find_kind, make_evacuate, make_form
from bot.core.names import UserId
from bot.core.operation import Ask
from bot.registry import discover, understand
from bot.slack.mrkdwn import escape
from tests.operations.offers import make_ask

ALICE, BOB, MALLORY = UserId("U0ALICE000"), UserId("U0BOB00000"), UserId("U0MALLORY0")


def permits(ask: Ask, action: str) -> bool:
    return action == "host.evacuate" and ask.actor in (ALICE, BOB)


EVACUATE = FORMS["evacuate"]
REGISTRY = discover(commands)


@pytest.mark.parametrize(
    ("values", "command"),
    [
        ({"hosts": ("host01",)}, "evacuate host01"),
        (
            {"hosts": ("host01",), "destinations": ("host02", "host03"), "vms": ("VM-07",), "room": ("as it is",)},
            "evacuate host01 to host02, host03 except VM-07",
        ),
        ({"hosts": ("host01", "host02"), "room": ("make room",)}, "evacuate host01, host02 make room"),
        ({"hosts": ("host01",), "vms": (" , Web Shop,VM-07;\nVM-07 ",)}, 'evacuate host01 except "Web Shop", VM-07'),
        ({"hosts": ("host01",), "vms": ('"Web Shop", `VM-07`',)}, 'evacuate host01 except "Web Shop", VM-07'),
        ({"hosts": ("host01",), "vms": ("make", "TO")}, 'evacuate host01 except "make", "TO"'),
        ({"hosts": ("host01",), "vms": (", ",)}, "evacuate host01"),
    ],
)
def test_what_was_filled_in_is_a_command(values: Values, command: str) -> None:
    assert not EVACUATE.find_problems(values)
    assert EVACUATE.render(values) == command


hosts = st.lists(st.sampled_from(["host01", "host02", "host03.contoso.com", "to", "make"]), unique=True, max_size=4)
names = st.lists(st.text(st.characters(exclude_characters=",;\n", exclude_categories=("Cs",)), max_size=12), max_size=4)


@given(hosts, hosts, names, st.booleans())
def test_the_command_is_read_as_what_was_filled_in(
    empty: list[str], destinations: list[str], vms: list[str], room: bool
) -> None:
    chosen = {"hosts": tuple(empty), "destinations": tuple(destinations), "vms": (", ".join(vms),)}
    values = chosen | {"room": ("make room" if room else "as it is",)}
    if not empty or EVACUATE.find_problems(values):
        return
    read = understand(REGISTRY, escape(EVACUATE.render(values)))
    assert read.error is None
    assert read.arguments is not None
    told = read.arguments.model_dump()
    assert (told["hosts"], told["destinations"]) == (tuple(empty), tuple(destinations))
    assert told["make_room"] is room


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"hosts": ("host01",), "destinations": ("host02", "host01")}, "destinations", "host01 cannot be emptied"),
        ({"hosts": ("host01",), "vms": ("VM-*",)}, "vms", "wildcards"),
        ({"hosts": ("host01",), "vms": ("x" * 101,)}, "vms", "1 to 100 characters"),
        ({"hosts": ("host01",), "vms": ("a\" b' c",)}, "vms", "both kinds of quotes"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(values: Values, field: str, said: str) -> None:
    (problem,) = EVACUATE.find_problems(values).items()
    assert problem[0] == field
    assert said in problem[1]


def test_a_form_is_for_those_who_may_do_what_it_does() -> None:
    form = make_evacuate(["host01", "host02"])
    assert [option.value for option in form.fields[0].options] == ["host01", "host02"]
    assert make_form(permits, ["host01", "host02"], "evacuate", make_ask(actor=ALICE)) == form
    assert make_form(permits, ["host01", "host02"], "evacuate", make_ask(actor=BOB)) == form
    assert make_form(permits, ["host01"], "evacuate", make_ask(actor=MALLORY)) is None
    assert make_form(permits, ["host01"], "elsewhere", make_ask(actor=ALICE)) is None
    assert make_form(permits, [], "evacuate", make_ask(actor=ALICE)) is None


@pytest.mark.parametrize("name", FORMS)
def test_every_form_keeps_to_slacks_limits_and_names_its_fields_apart(name: str) -> None:
    form = FORMS[name].make(["host01"], "m-12")
    assert form.name.partition(" ")[0] == name
    assert len(form.title) <= 24
    assert len(form.submit) <= 24
    assert len({field.name for field in form.fields}) == len(form.fields)
    for field in form.fields:
        assert bool(field.options) is (field.kind != "text")
        assert len(field.hint) <= 150
        assert all(len(option.label) <= 75 for option in field.options)


# decline <operation> [because <reason>]


@pytest.mark.parametrize(
    "reason", ["", "the backup is running", "it's  too late", 'the "old" host', "because m-12 is wrong"]
)
def test_a_declining_form_types_a_command_that_reads_back(reason: str) -> None:
    decline, about = found("decline m-12")
    values = {"reason": (reason,)} if reason else {}
    assert decline.find_problems(values) == {}
    read = understand(REGISTRY, escape(decline.render(values, about)))
    assert read.error is None
    assert read.command == "decline"
    assert read.arguments is not None
    told = read.arguments.model_dump()
    assert told["operation"] == "m-12"
    shown = reason.removeprefix("because").replace(" ", "").replace('"', "")
    assert "".join(told["reason"]).replace(" ", "") == shown


@pytest.mark.parametrize(("reason", "said"), [("x" * 301, "at most 300"), ('an "open quote', "quote")])
def test_a_reason_that_cannot_be_typed_is_said_at_its_field(reason: str, said: str) -> None:
    decline, _ = found("decline m-12")
    assert said in decline.find_problems({"reason": (reason,)})["reason"]


@pytest.mark.parametrize("name", ["decline", "evacuate host01", "confirm m-12", ""])
def test_what_opens_no_form(name: str) -> None:
    assert find_kind(name) is None


def found(name: str) -> tuple[Kind, str]:
    kind = find_kind(name)
    assert kind is not None
    return kind
