"""From an ask to an answer: who is let through, what is said about each kind of bad news, and to whom."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.command import Arguments, Command, Confirm, Context, HostName, Plan, Reply, command, say
from bot.core.names import UserId
from bot.core.policy import Policy
from bot.core.reply import Code, Mark, Quote, Text
from bot.errors import Fault, HostUnreachable, Refused
from tests.asking import ALICE, MALLORY, NOW, Tray, make_dispatcher, said, text_of
from tests.core.plans import BLOCKING, PLAN


class OneHost(Arguments):
    host: HostName


class Nothing(Arguments):
    pass


@command("greet <host>", action="test.greet", examples=("greet host01",))
def greet(ask: OneHost, context: Context) -> Reply:
    """Answer at once."""
    return say("hello from ", ask.host, " to ", context.actor)


@command("offer", action="test.offer", examples=("offer",))
def offer(_ask: Nothing, _context: Context) -> Plan:
    """Offer a plan."""
    return PLAN


@command("offer in vain", action="test.offer", examples=("offer in vain",))
def offer_in_vain(_ask: Nothing, _context: Context) -> Plan:
    """Offer a plan that cannot be done."""
    return PLAN.model_copy(update={"findings": (*PLAN.findings, BLOCKING)})


@command("agree", action="test.agree", examples=("agree",))
def agree(_ask: Nothing, _context: Context) -> Confirm:
    """Signal something."""
    return Confirm(operation="m-7")


@command("go on", action="test.agree", examples=("go on",))
def go_on(_ask: Nothing, _context: Context) -> Confirm | Plan:
    """Signal something, or offer a plan."""
    return Confirm(operation="m-7")


@command("refuse", action="test.refuse", examples=("refuse",))
def refuse(_ask: Nothing, _context: Context) -> Reply:
    """Say no."""
    raise Refused("`VM-01` is already on host02", needed="another host", hint="`hosts` lists them")


@command("ask host", action="test.ask", examples=("ask host",))
def ask_host(_ask: Nothing, _context: Context) -> Reply:
    """Ask a host that does not answer."""
    raise HostUnreachable(
        "host03",
        "reading its virtual machines",
        words="WinRM <https://x> " + "cannot complete " * 200,
        code="2150858770",
        cause="no answer within 30 s",
        hint="check that WinRM runs on `host03`",
        fault=Fault.TRANSIENT,
    )


@command("break", action="test.break", examples=("break",))
def break_down(_ask: Nothing, _context: Context) -> Reply:
    """Have a bug."""
    raise ZeroDivisionError("a secret")


COMMANDS: dict[str, Command] = {
    each.name: each for each in (greet, offer, offer_in_vain, agree, go_on, refuse, ask_host, break_down)
}


def answer(text: str, actor: UserId = ALICE, kind: str = "message", age_s: float = 1) -> Reply:
    reply = make_dispatcher(Tray(), COMMANDS).answer(said(text, actor, kind, age_s))
    assert reply is not None
    return reply


def test_a_reply_is_passed_on() -> None:
    assert answer("<@UFERRY> Greet HOST01") == say("hello from ", "host01", " to ", "U0ALICE")


def test_a_plan_goes_to_the_desk_and_its_card_answers() -> None:
    desk = Tray()
    ask = said("offer")
    assert make_dispatcher(desk, COMMANDS).answer(ask) is None
    assert desk.plans == [(PLAN, ask)]


def test_a_plan_may_begin_later_and_its_digest_covers_when() -> None:
    desk = Tray()
    assert make_dispatcher(desk, COMMANDS).answer(said("offer in 2h")) is None
    ((plan, _),) = desk.plans
    assert (plan.command, plan.begins_at) == (f"{PLAN.command} in 2h", NOW + timedelta(hours=2))
    assert plan.digest != PLAN.digest


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("offer in 15d", "2026-12-05 12:00 (UTC) is too far ahead"),
        ("offer at 1 o'clock", "`at 1 o'clock` says no time"),
        ("go on in 2h", "`go on` is done at once"),
        ("agree in 2h", "`in` was not expected after `agree`"),
    ],
)
def test_what_cannot_begin_later_is_said_and_nothing_is_offered(text: str, seen: str) -> None:
    desk = Tray()
    reply = make_dispatcher(desk, COMMANDS).answer(said(text))
    assert isinstance(reply, Reply)
    assert seen.replace("`", "") in text_of(reply).replace("`", "")
    assert desk.plans == desk.signals == []


def test_what_is_due_is_planned_without_its_time_and_offered_to_nobody() -> None:
    desk = Tray()
    dispatcher = make_dispatcher(desk, COMMANDS)
    assert dispatcher.plan_again(said("offer at 22:00")) == PLAN
    assert desk.plans == []
    with pytest.raises(Refused, match="plans nothing any more"):
        dispatcher.plan_again(said("go on"))


def test_a_signal_goes_to_the_desk() -> None:
    desk = Tray(answer=say("m-7 is confirmed"))
    assert make_dispatcher(desk, COMMANDS).answer(said("agree")) == say("m-7 is confirmed")
    assert make_dispatcher((desk2 := Tray()), COMMANDS).answer(said("agree")) is None
    assert desk.signals == desk2.signals == [Confirm(operation="m-7")]


def test_the_longest_name_wins() -> None:
    desk = Tray()
    reply = make_dispatcher(desk, COMMANDS).answer(said("offer in vain"))
    assert reply is not None
    assert desk.plans == []


def test_a_blocked_plan_is_shown_with_everything_that_was_checked_and_not_offered() -> None:
    reply = answer("offer in vain")
    assert text_of(reply).split("\n") == [
        "VM-01 with its storage cannot move from host01 to host02 now",
        "Shared-nothing live migration: one thing stands in the way.",
        'no switch "Production"',
        "Needed: one",
        "make one",
        "52 of 128 GB free on host02",
        "1 checkpoint travels along",
        r"Nothing was changed. To have it checked again, type `migrate VM-01 to host02 with storage at D:\VMs`",
    ]
    assert not reply.private
    assert reply.mark is Mark.BLOCKING
    marks = [part.mark for part in reply.parts if isinstance(part, Text)]
    assert marks == [Mark.NONE, Mark.BLOCKING, Mark.NONE, Mark.FINE, Mark.WARNING, Mark.NONE]


# Who is let through


@pytest.mark.parametrize(
    "text", ["offer", "agree", "greet", "greet <<<", "break", "no such", "", "a\nlines", "x" * 9999]
)
def test_a_stranger_is_refused_privately_before_anything_is_read(text: str) -> None:
    desk = Tray()
    reply = make_dispatcher(desk, COMMANDS).answer(said(text, MALLORY))
    assert reply is not None
    assert text_of(reply).split("\n") == [
        "you are not on Ferry's allow list",
        "Needed: your Slack user id, `U0MALLORY`, on that list",
        "whoever looks after Ferry adds it to `allow` under `[slack]` in `ferry.toml`",
    ]
    assert reply.private
    assert not desk.plans
    assert not desk.signals


@pytest.mark.parametrize(
    ("text", "command", "arguments"),
    [
        ("offer", "offer", {}),
        ("offer it all, or else", "offer", {}),  # not understood: the words are not kept
        ("<@UFERRY> AGREE", "agree", {}),
        ("greet host01", None, {}),  # changes nothing
        ("help me", None, {}),
    ],
)
def test_a_refused_change_is_kept_as_it_was_read(text: str, command: str | None, arguments: dict[str, object]) -> None:
    desk = Tray()
    ask = said(text, MALLORY)
    make_dispatcher(desk, COMMANDS).answer(ask)
    kept = [(refusal.command, refusal.arguments, refusal.reason, by) for refusal, by in desk.refusals]
    reason = "you are not on Ferry's allow list"
    assert kept == ([(command, arguments, reason, ask)] if command else [])


def test_an_empty_allow_list_means_nobody() -> None:
    reply = make_dispatcher(Tray(), COMMANDS, Policy()).answer(said("greet host01"))
    assert reply is not None
    assert reply.private
    assert text_of(reply).startswith("Ferry's allow list is empty: nobody may command it")


@pytest.mark.parametrize(("age_s", "refused"), [(-30, False), (0, False), (120, False), (121, True), (90_000, True)])
def test_a_command_that_arrives_late_is_not_carried_out(age_s: float, refused: bool) -> None:
    desk = Tray()
    reply = make_dispatcher(desk, COMMANDS).answer(said("offer", age_s=age_s))
    assert (reply is not None) is refused
    assert (desk.plans == []) is refused


def test_a_late_command_is_told_how_late_it_is() -> None:
    reply = answer("offer", age_s=600)
    assert text_of(reply).split("\n") == [
        "this reached Ferry 10 min after it was sent, and was not carried out",
        "Needed: a command that is at most 2 min old",
        "say it again if it is still wanted",
    ]
    assert reply.private
    assert text_of(answer("agree", kind="button", age_s=600)).endswith("press the button again")


# Bad news


def test_what_was_mistyped_is_only_shown_to_the_typist() -> None:
    reply = answer("greet host 01")
    assert reply.private
    assert text_of(reply).split("\n") == ["`01` was not expected after `host`", "usage: `greet <host>`"]
    assert answer("gret host01").private
    assert "did you mean `greet host01`?" in text_of(answer("gret host01"))


def test_a_refusal_has_three_parts_and_is_public() -> None:
    reply = answer("refuse")
    assert text_of(reply) == "`VM-01` is already on host02\nNeeded: another host\n`hosts` lists them"
    assert not reply.private
    assert reply.mark is Mark.WARNING


def test_a_refused_press_is_only_shown_to_who_pressed() -> None:
    assert answer("agree", kind="button").private


def test_a_host_that_fails_is_named_and_quoted() -> None:
    reply = answer("ask host")
    assert text_of(reply).split("\n") == [
        "Ferry does not reach host03 for reading its virtual machines: no answer within 30 s",
        "check that WinRM runs on `host03`",
        "What host03 holds and does is unknown until it answers; `hosts` asks every host again.",
    ]
    quote = next(part for part in reply.parts if isinstance(part, Quote))
    assert quote.text.startswith("WinRM <https://x> cannot complete")
    assert len(quote.text) <= 1501
    assert not reply.private
    assert reply.mark is Mark.BLOCKING


def test_a_bug_shows_an_incident_and_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = answer("break")
    incident = next(span.text for span in reply.title if isinstance(span, Code))
    assert "secret" not in text_of(reply)
    assert "`status` shows every operation as it is" in text_of(reply)
    (record,) = caplog.records
    assert f"incident {incident}" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize(
    ("text", "actor", "answered"),
    [
        ("lunch anybody?", ALICE, False),
        ("lunch\nanybody?", ALICE, False),
        ("lunch anybody?", MALLORY, False),
        ("gret host01", ALICE, True),
        ("greet host01", ALICE, True),
        ("greet host01", MALLORY, True),
    ],
)
def test_talk_in_a_bare_channel_is_left_alone_unless_it_comes_near_a_command(
    text: str, actor: UserId, answered: bool
) -> None:
    reply = make_dispatcher(Tray(), COMMANDS).answer(said(text, actor, kind="bare"))
    assert (reply is not None) == answered
