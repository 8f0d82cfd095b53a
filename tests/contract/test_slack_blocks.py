"""Block Kit validation, as a table of the documented limits: the longest that passes, and what is said one beyond."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.kit.blocks import find_problems
from bot.slack.kit.messages import judge_message


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(label: str = "Go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), **more}


def actions(*elements: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def table(rows: int, cells: int, text: str = "x") -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text}] * cells] * rows}


def rich(*elements: Any) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def overflow(options: int) -> dict[str, Any]:
    return {"type": "overflow", "options": [{"text": plain("o"), "value": "v"}] * options}


CONFIRM = {"title": plain("t"), "text": mrkdwn("t"), "confirm": plain("y"), "deny": plain("n")}


@pytest.mark.parametrize(
    ("fits", "exceeds", "problem"),
    [
        ([section()] * 50, [section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        (
            [section("x" * 3000)],
            [section("x" * 3001)],
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        ([section("x")], [section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        (
            [section(fields=[mrkdwn("x" * 2000)] * 10)],
            [section(fields=[mrkdwn("x" * 2001)])],
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            [section(fields=[plain("x")] * 10)],
            [section(fields=[plain("x")] * 11)],
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            [{"type": "header", "text": plain("x" * 150)}],
            [{"type": "header", "text": plain("x" * 151)}],
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            [{"type": "context", "elements": [mrkdwn("x")] * 10}],
            [{"type": "context", "elements": [mrkdwn("x")] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            [actions(*[button()] * 25)],
            [actions(*[button()] * 26)],
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            [actions(button("x" * 75))],
            [actions(button("x" * 76))],
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            [actions(button(value="x" * 2000))],
            [actions(button(value="x" * 2001))],
            "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
        ),
        (
            [actions(button(action_id="x" * 255))],
            [actions(button(action_id="x" * 256))],
            "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
        ),
        (
            [actions(button(confirm=CONFIRM))],
            [actions(button(confirm=CONFIRM | {"confirm": plain("x" * 31)}))],
            "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/confirm/text]",
        ),
        (
            [actions(overflow(5))],
            [actions(overflow(6))],
            "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        (
            [section(block_id="x" * 255)],
            [section(block_id="x" * 256)],
            "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
        ),
        (
            [{"type": "markdown", "text": "x" * 12_000}],
            [{"type": "markdown", "text": "x" * 12_001}],
            "must be less than 12001 characters [json-pointer:/blocks/0/text]",
        ),
        ([table(100, 20)], [table(101, 1)], "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
        ([table(1, 20)], [table(1, 21)], "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
        (
            [table(100, 20, "x" * 5)],
            [table(100, 20, "x" * 6)],
            "tables must have less than 10001 characters in total [json-pointer:/blocks]",
        ),
        (
            [rich({"type": "text", "text": "x"})],
            [rich({"type": "text", "text": ""})],
            "must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]",
        ),
        (
            [section(block_id="a"), section(block_id="b")],
            [section(block_id="a"), section(block_id="a")],
            "`block_id` a already exists [json-pointer:/blocks]",
        ),
        (
            [actions(button(action_id="a")), actions(button(action_id="a"))],
            [actions(button(action_id="a"), button(action_id="a"))],
            "`action_id` a already exists [json-pointer:/blocks/0]",
        ),
    ],
)
def test_the_longest_passes_and_one_more_does_not(fits: Any, exceeds: Any, problem: str) -> None:
    assert find_problems(fits, "/blocks") == []
    assert problem in find_problems(exceeds, "/blocks")


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([{"type": "sectoin"}], "unsupported type: sectoin [json-pointer:/blocks/0]"),
        ([{"text": mrkdwn("x")}], "missing required field: type [json-pointer:/blocks/0]"),
        ([section(colour="red")], "unexpected field: colour [json-pointer:/blocks/0/colour]"),
        ([{"type": "section"}], "must provide text or fields [json-pointer:/blocks/0]"),
        ([{"type": "section", "text": "x"}], "[json-pointer:/blocks/0/text]"),
        ([{"type": "header", "text": mrkdwn("x")}], "[json-pointer:/blocks/0/text/type]"),
        ([actions(button(style="green"))], "[json-pointer:/blocks/0/elements/0/style]"),
        ([actions({"type": "button"})], "missing required field: text [json-pointer:/blocks/0/elements/0]"),
        ([{"type": "context", "elements": [button()]}], "unsupported type: button [json-pointer:/blocks/0/elements/0]"),
        ([section(accessory={"type": "image", "image_url": "https://x"})], "missing required field: alt_text"),
        ([rich({"type": "text", "text": "x", "style": {"big": True}})], "unexpected field: big"),
        ([{"type": "table", "rows": [[mrkdwn("x")]]}], "unsupported type: mrkdwn [json-pointer:/blocks/0/rows/0/0]"),
        ([actions({"type": "static_select"})], "exactly one of options and option_groups must be provided"),
    ],
)
def test_what_slack_does_not_know_is_refused(blocks: Any, problem: str) -> None:
    assert any(problem in found for found in find_problems(blocks, "/blocks"))


@pytest.mark.parametrize(
    ("text", "blocks", "code"),
    [
        ("x" * 4000, [], ""),
        ("x" * 4001, [], "msg_too_long"),
        ("", [], "no_text"),
        ("", [section()], ""),
        ("x", "section", "invalid_blocks_format"),
        ("x", ["section"], "invalid_blocks_format"),
        ("x", {"type": "section"}, "invalid_blocks_format"),
        ("x", [section("")], "invalid_blocks"),
        ("x", [section("x" * 2600)] * 5, ""),
        ("x", [*[section("x" * 2600)] * 5, section()], "msg_blocks_too_long"),
    ],
)
def test_a_message_is_judged_as_a_whole_by_slacks_own_errors(text: str, blocks: Any, code: str) -> None:
    objection = judge_message(text, blocks)
    assert (objection.code if objection else "") == code
