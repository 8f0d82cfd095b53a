"""Rules that every file in `commands/` obeys, without a test of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_origin

import pytest

import commands
from bot.command import Command
from bot.core.policy import Policy, simple
from bot.core.reply import Reply
from bot.registry import discover, understand
from tests.asking import ALICE, MALLORY, Tray, make_dispatcher, said, text_of

REGISTRY = discover(commands)
COMMANDS = tuple(REGISTRY.values())
EXAMPLES = [(each, text) for each in COMMANDS for text in each.examples]
FILES = sorted(path for path in Path(commands.__path__[0]).glob("*.py") if path.stem != "__init__")

every_command = pytest.mark.parametrize("each", COMMANDS, ids=lambda each: each.name)
every_example = pytest.mark.parametrize(("each", "text"), EXAMPLES, ids=[text for _, text in EXAMPLES])


def slots(each: Command) -> list[object]:
    """The types of its slots; a tuple takes all the words that are left."""
    return [field.annotation for field in each.arguments.model_fields.values()]


def answer(text: str) -> Reply:
    reply = make_dispatcher(Tray(), REGISTRY).answer(said(text))
    assert reply is not None
    return reply


def test_every_file_holds_one_command() -> None:
    assert len(REGISTRY) == len(FILES)


@every_command
def test_its_summary_is_one_short_sentence(each: Command) -> None:
    assert 10 <= len(each.summary) <= 100
    assert each.summary.endswith(".")
    assert each.summary[0].isupper()
    assert "please" not in each.help.casefold()
    assert "!" not in each.help


@every_command
def test_it_names_its_action_for_policy(each: Command) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z_]+)?", each.action)


@every_command
def test_it_is_written_in_small_letters(each: Command) -> None:
    assert re.fullmatch(r"[a-z]+( [a-z]+)*", each.name)
    assert all(line.startswith(each.name) for line in each.usage.lines)


@every_command
def test_it_has_examples_that_fill_every_slot(each: Command) -> None:
    assert each.examples
    assert len(set(each.examples)) == len(each.examples)
    given = [understand(REGISTRY, text).arguments for text in each.examples]
    for field in each.arguments.model_fields:
        assert any(getattr(arguments, field) for arguments in given), f"no example shows {field}"


@every_example
def test_an_example_is_understood_and_reads_the_same_when_written_again(each: Command, text: str) -> None:
    understood = understand(REGISTRY, text)
    assert understood.error is None
    assert understood.command == each.name
    again = understand(REGISTRY, understood.canonical)
    assert again.arguments == understood.arguments
    assert again.canonical == understood.canonical


@every_example
def test_an_example_is_understood_as_slack_and_phones_deliver_it(each: Command, text: str) -> None:
    curly = re.sub('"(.*?)"', "“\\1”", text).replace(" ", "\u00a0")
    for delivered in (f"<@UFERRY> {text}", f"`{text}`", f"```{text}```", f"*{text}*", curly, f"\u200b{text}\u200b"):
        assert understand(REGISTRY, delivered, "UFERRY").arguments == understand(REGISTRY, text).arguments


@pytest.mark.parametrize(
    "text", [text for each, text in EXAMPLES if not any(get_origin(t) is tuple for t in slots(each))]
)
def test_an_unknown_word_is_explained_to_the_typist_alone(text: str) -> None:
    reply = answer(f"{text} frobnicate frobnicate")  # one may be a value, like what to look for
    assert "frobnicate" in text_of(reply)
    assert reply.private


@every_command
def test_a_misspelt_verb_is_recognised(each: Command) -> None:
    wrong = each.name[0] + each.name[2] + each.name[1] + each.name[3:]
    if wrong == each.name:  # "look"
        wrong = each.name[:-2] + each.name[-1] + each.name[-2]
    reply = answer(each.examples[-1].replace(each.name, wrong, 1))
    assert f"did you mean `{each.name}" in text_of(reply)
    assert reply.private


@every_command
def test_policy_is_asked_before_its_arguments_are_read(each: Command) -> None:
    for policy in (Policy(), Policy(rules=simple([ALICE]))):
        desk = Tray()
        reply = make_dispatcher(desk, REGISTRY, policy).answer(said(f"{each.name} <<< frobnicate", MALLORY))
        assert reply is not None
        assert reply.private
        assert "allow list" in text_of(reply)
        assert "frobnicate" not in text_of(reply)
        assert not desk.plans
        assert not desk.signals


@every_command
def test_help_lists_it_and_shows_it_in_full(each: Command) -> None:
    listed = text_of(answer("help"))
    assert f"`{each.usage.lines[0]}`" in listed
    assert each.summary in listed
    full = text_of(answer(f"help {each.name.upper()}"))
    for text in (*each.usage.lines, *each.examples):
        assert f"`{text}`" in full


def test_help_on_something_unknown_says_so_to_the_asker_alone() -> None:
    reply = answer("help frobnicate")
    assert text_of(reply) == "`frobnicate` is not a command\n`help` lists the commands"
    assert reply.private
