"""Replies as Slack messages: within every limit, and nothing of what others wrote can mention, link or format."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.card import render_card
from bot.core.evacuation.card import render_evacuation, render_failure
from bot.core.lifecycle import State
from bot.core.names import UserId
from bot.core.operation import Outcome
from bot.core.plan import Finding, Level, Plan
from bot.core.reply import (
    Bar,
    Button,
    Code,
    Line,
    Mark,
    Moment,
    Note,
    Quote,
    Reply,
    Span,
    Strong,
    Table,
    Text,
    User,
    say,
)
from bot.slack.blocks import Rendered, render
from bot.slack.kit.messages import LONGEST_UPDATE, judge_message
from bot.slack.mrkdwn import render_fence, render_line, size
from tests.core.rows import ALICE, STARTED, live_plan, make_operation
from tests.core.test_evacuation import census, evacuate, row, vm

RTL_NAME = "\u05e9\u05e8\u05ea-\u05e8\u05d0\u05e9\u05d9"  # Hebrew letters
OF_ONE_MOVE = [state for state in State if state is not State.UNDER_WAY]
HOSTILE = (
    "<!here>",
    "<!channel> <@U0ALICE000> <https://evil.example|host02>",
    "*x*",
    "_x_ ~x~ `x` ```x```",
    "&lt;!here&gt;",
    ":fire: :+1:",
    "> quoted",
    "x" * 100,
    RTL_NAME,
    "\u202egnp.exe\u202c",
    "a\nb\r\nc\u2028d\x00e",
    "👩‍👩‍👧 " * 20,
)


def texts(message: Rendered) -> list[str]:
    """Every mrkdwn text of the message, the fallback included."""
    shown = [message.text]
    for block in message.blocks:
        if block["type"] == "section":
            shown.append(block["text"]["text"])
        elif block["type"] == "context":
            shown += [element["text"] for element in block["elements"]]
    return shown


def tokens(message: Rendered) -> set[str]:
    """What Slack would read as mention, link or date."""
    return {token for text in texts(message) for token in re.findall(r"<([^<>]*)>", text)}


def check(message: Rendered) -> None:
    """Slack's limits and the rules of the module, whatever was rendered."""
    assert 1 <= size(message.text) <= LONGEST_UPDATE
    assert judge_message(message.text, message.blocks) is None
    for text in texts(message)[1:]:
        assert 1 <= size(text) <= 3000
    for text in texts(message):
        rest = re.sub(r"<(@[UW][A-Z0-9]+|!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^<>|]*)>", "", text)
        assert not set(rest) & set("<>"), "an angle bracket that Slack would read"
        assert re.sub(r"&(amp|lt|gt);", "", rest).count("&") == 0, "an entity was cut"
    for block in message.blocks:
        for part in [block.get("text"), *(block.get("elements", ()) if block["type"] == "context" else ())]:
            assert part is None or part["verbatim"] is True
    buttons = [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]
    assert len({button["action_id"] for button in buttons}) == len(buttons)


# Whatever a reply may hold

NASTY = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60), st.text("&<>`*_~:\\", max_size=40))
LONG = st.one_of(NASTY, st.builds(lambda text, count: (text or "&") * count, NASTY, st.integers(1, 400)))
SPANS: st.SearchStrategy[Span] = st.one_of(
    LONG,
    st.builds(Code, text=LONG),
    st.builds(Strong, text=LONG),
    st.builds(User, id=st.one_of(st.just(ALICE), NASTY.map(UserId))),
    st.builds(Moment, at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
)
LINES: st.SearchStrategy[Line] = st.lists(SPANS, max_size=5).map(tuple)
PARTS = st.one_of(
    st.builds(Text, lines=st.lists(LINES, max_size=4).map(tuple), mark=st.sampled_from(Mark)),
    st.builds(Quote, text=LONG),
    st.builds(Bar, percent=st.integers(-5, 150), line=LINES),
    st.builds(Note, line=LINES),
    st.integers(1, 4).flatmap(
        lambda columns: st.builds(
            Table,
            columns=st.tuples(*[NASTY] * columns),
            rows=st.lists(st.tuples(*[NASTY] * columns), max_size=20).map(tuple),
        )
    ),
)
BUTTONS = st.builds(Button, label=LONG, sends=LONG.filter(bool), style=st.sampled_from(["", "primary", "danger"]))
REPLIES = st.builds(
    Reply,
    title=LINES,
    badge=LONG,
    parts=st.lists(PARTS, max_size=8).map(tuple),
    buttons=st.lists(BUTTONS, max_size=4).map(tuple),
    mark=st.sampled_from(Mark),
)


@settings(deadline=None)  # a busy machine is no failure
@given(REPLIES)
def test_whatever_a_reply_holds_slack_takes_the_message(reply: Reply) -> None:
    check(render(reply))


@settings(deadline=None)  # a busy machine is no failure
@given(LINES, st.integers(1, 300))
def test_a_line_never_exceeds_its_room(line: Line, longest: int) -> None:
    assert size(render_line(line, longest)) <= longest


@settings(deadline=None)  # a busy machine is no failure
@given(LONG, st.integers(20, 500))
def test_a_fence_never_exceeds_its_room_and_nothing_closes_it_early(text: str, longest: int) -> None:
    fence = render_fence(text, longest)
    assert size(fence) <= longest
    assert fence.startswith("```\n")
    assert fence.endswith("\n```")
    assert "`" not in fence[3:-3]


# Text of others stays text


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("state", OF_ONE_MOVE)
def test_a_hostile_name_does_nothing_in_any_card(name: str, state: State) -> None:
    plan = live_plan(name=name)
    message = render(render_card(make_operation(state, plan), STARTED + timedelta(seconds=5)))
    check(message)
    assert all(token.startswith(("@U0ALICE000", "@U0BOB00000", "!date^")) for token in tokens(message))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_does_nothing_in_the_cards_of_evacuations(name: str) -> None:
    """Names of VMs that move, that stay, and that failed."""
    offered = evacuate(census("host01", vm(1, name=name), vm(2, name=f"{name}2", clustered=True)), census("host02"))
    failed = Outcome(summary=f"{name} is still on host01", words=f"no {name}", cause=f"{name} broke")
    for state, moves in ((State.PROPOSED, ()), (State.UNDER_WAY, (State.RUNNING,)), (State.FAILED, (State.FAILED,))):
        shown = row(state, moves, plan=offered)
        children = tuple(
            move.model_copy(update={"plan": offered.legs[0].plan, "outcome": failed}) for move in shown.moves
        )
        card = render_evacuation(shown.model_copy(update={"moves": children, "outcome": failed}), STARTED)
        for message in (render(card), *(render(Reply(title=line)) for one in children for line in render_failure(one))):
            check(message)
            assert all(token.startswith(("@U0ALICE000", "@U0BOB00000", "!date^")) for token in tokens(message))


def test_formatting_characters_of_a_name_are_kept_literal() -> None:
    assert render_line(("VM ", "*x* _y_ ~z~ a_b host_01 :fire: 14:35:10"), 200) == (
        "VM *\u200bx* _\u200by_ ~\u200bz~ a_b host_01 :\u200bfire: 14:35:10"
    )
    assert render_line(("> not a quote",), 200) == "\u200b&gt; not a quote"


def test_right_to_left_names_do_not_turn_their_neighbours_around() -> None:
    assert render_line((RTL_NAME, " to host02"), 200) == f"\u2068{RTL_NAME}\u2069 to host02"
    assert render_line((Code(text=f"\u202e{RTL_NAME}"),), 200) == f"`\u2068{RTL_NAME}\u2069`"


def test_code_is_safe_against_back_ticks_blanks_and_line_ends() -> None:
    assert render_line((Code(text="D:\\VMs\\a\nb"),), 200) == "`D:\\VMs\\a b`"
    assert render_line((Code(text="a`b<c"),), 200) == "a`b&lt;c"
    assert render_line((Code(text=" \u200b "),), 200) == ""


def test_back_ticks_in_plain_text_make_code_and_nothing_else() -> None:
    assert render_line(("type `help <command> _x_` or *x*",), 200) == "type `help &lt;command&gt; _x_` or *\u200bx*"


@pytest.mark.parametrize(
    ("span", "longest", "shown"),
    [
        ("a&b&c", 9, "a&amp;b…"),  # never half an entity
        (Code(text="abcdef"), 6, "`abc…`"),
        (Strong(text="abcdef"), 6, "*abc…*"),
        (User(id=ALICE), 8, "…"),
        (Code(text="abc"), 2, "…"),
    ],
)
def test_what_is_cut_stays_well_formed(span: Span, longest: int, shown: str) -> None:
    assert render_line((span,), longest) == shown


# How it looks


def test_people_and_times_are_the_only_tokens() -> None:
    moment = Moment(at=datetime(2026, 11, 23, 14, 35, tzinfo=UTC))
    message = render(say("asked by ", User(id=ALICE), " ", moment))
    assert tokens(message) == {"@U0ALICE000", "!date^1795444500^{date_short_pretty} at {time}|2026-11-23 14:35 UTC"}


def test_a_proposal_as_slack_gets_it() -> None:
    message = render(render_card(make_operation(State.PROPOSED), STARTED))
    kinds = [block["type"] for block in message.blocks]
    assert kinds == ["section", "context", "section", "section", "section", "section", "context", "actions"]
    assert message.blocks[0]["text"]["text"] == "*Move VM-01 from host01 to host02?*"
    assert message.blocks[1]["elements"][0]["text"] == "m-12 · proposed"
    assert message.blocks[4]["text"]["text"] == "⚠️ 1 checkpoint travels along"
    confirm, cancel = message.blocks[-1]["elements"]
    assert (confirm["value"], confirm["style"]) == ("confirm m-12", "primary")
    assert (cancel["value"], cancel.get("style")) == ("cancel m-12", None)
    assert message.text.startswith(
        "*Move VM-01 from host01 to host02?*\nm-12 · proposed\nLive migration · 8.0 GB memory"
    )
    assert message.text.endswith("Confirm: type `confirm m-12`\nCancel: type `cancel m-12`")


def test_a_running_card_draws_its_bar() -> None:
    message = render(render_card(make_operation(State.RUNNING, percent=47), STARTED + timedelta(seconds=5)))
    assert message.blocks[2]["text"]["text"] == "▓▓▓▓▓▓▓░░░░░░░░  47 %   5 s gone, about 6 s left"
    assert "47 % 5 s gone, about 6 s left" in message.text.splitlines()


def test_the_end_is_marked_and_a_hosts_own_words_stand_in_a_fence() -> None:
    words = "Virtual machine migration operation failed at migration source.\n\n<b>`code`</b>"
    outcome = Outcome(summary="VM-01 is still on host01", words=words)
    message = render(render_card(make_operation(State.FAILED, outcome=outcome), STARTED))
    assert message.blocks[0]["text"]["text"] == "❌ *The move of VM-01 to host02 did not succeed*"
    fence = "```\nVirtual machine migration operation failed at migration source.\n\n&lt;b&gt;'code'&lt;/b&gt;\n```"
    assert fence in texts(message)
    assert fence in message.text


def test_a_table_is_aligned_also_with_wide_letters_and_repeats_its_head() -> None:
    table = Table(columns=("VM", "host"), rows=(("VM-01", "host01"), ("仮想", "host02")))
    assert (
        texts(render(Reply(title=("VMs",), parts=(table,))))[2] == "```\nVM     host\nVM-01  host01\n仮想   host02\n```"
    )
    many = Table(columns=("VM", "host"), rows=tuple((f"VM-{index:03}", "<host>") for index in range(300)))
    message = render(Reply(title=("VMs",), parts=(many,)))
    check(message)
    sections = [text for text in texts(message)[1:] if text.startswith("```")]
    assert len(sections) > 1
    assert all(section.startswith("```\nVM      host\n") for section in sections)
    assert sum(section.count("VM-") for section in sections) == 300


def test_what_does_not_fit_into_a_message_says_so() -> None:
    lines = tuple((f"{index} " + "x" * 200,) for index in range(200))
    message = render(Reply(title=("long",), parts=(Text(lines=lines),), buttons=(Button(label="Go", sends="help"),)))
    check(message)
    assert texts(message)[-1] == "… the rest does not fit into one message"
    assert message.blocks[-1]["type"] == "actions"
    notes = tuple(Note(line=(str(index),)) for index in range(80))
    message = render(Reply(title=("many",), parts=notes, buttons=(Button(label="Go", sends="help"),)))
    check(message)
    assert len(message.blocks) == 50
    assert texts(message)[-1] == "… the rest does not fit into one message"


def test_a_button_that_cannot_carry_its_whole_command_is_left_out() -> None:
    message = render(
        Reply(title=("x",), buttons=(Button(label="Long", sends="x" * 2001), Button(label="Go", sends="y" * 2000)))
    )
    assert [element["value"] for element in message.blocks[-1]["elements"]] == ["y" * 2000]


def largest_plan() -> Plan:
    """Every text at a length that a host could send."""
    plan = live_plan(name="V" * 100)
    findings = tuple(
        Finding(level=level, code=f"code-{index}", text="<&>" * 300, needed="&" * 500, hint="<" * 500)
        for level in Level
        for index in range(30)
    )
    return plan.model_copy(update={"findings": findings, "facts": ("\\\\server\\share\\" + "&" * 3000,) * 40})


@pytest.mark.parametrize("state", OF_ONE_MOVE)
def test_the_longest_possible_plan_stays_within_slacks_limits(state: State) -> None:
    outcome = Outcome(summary="&" * 9000, words="<" * 9000, cause=">" * 9000, remedy="`" * 9000)
    changes: dict[str, Any] = {"outcome": outcome, "waiting": "&" * 9000}
    message = render(render_card(make_operation(state, largest_plan(), **changes), STARTED + timedelta(seconds=5)))
    check(message)
