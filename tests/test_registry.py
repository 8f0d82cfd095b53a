"""Discovery, and which command a line means."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import commands
from bot.core.grammar import split
from bot.errors import UsageError
from bot.registry import NotACommand, Registry, discover, find, understand

REGISTRY = discover(commands)

COMMAND = """
from bot.command import Arguments, Context, Reply, command, say

class Nothing(Arguments):
    pass

@command("{name}", action="test", examples=("{name}",))
def {handler}(ask: Nothing, context: Context) -> Reply:
    '''Say something.'''
    return say("hello")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable, empty package called `spoken`."""
    folder = tmp_path / "spoken"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "spoken"]:
        del sys.modules[name]


def found(package: Path) -> Registry:
    return discover(importlib.import_module(package.name))


def test_a_file_that_is_added_is_a_command(package: Path) -> None:
    (package / "wave.py").write_text(COMMAND.format(name="wave twice", handler="wave"))
    (package / "bow.py").write_text(COMMAND.format(name="bow", handler="bow"))
    assert list(found(package)) == ["bow", "wave twice"]


def test_a_file_holds_exactly_one_command(package: Path) -> None:
    (package / "none.py").write_text("")
    with pytest.raises(ValueError, match=r"spoken\.none holds 0 commands"):
        found(package)
    (package / "none.py").write_text(COMMAND.format(name="a", handler="a") + COMMAND.format(name="b", handler="b"))
    del sys.modules["spoken.none"]
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match=r"spoken\.none holds 2 commands"):
        found(package)


def test_a_name_is_defined_once(package: Path) -> None:
    (package / "a.py").write_text(COMMAND.format(name="wave", handler="a"))
    (package / "b.py").write_text(COMMAND.format(name="wave", handler="b"))
    with pytest.raises(ValueError, match=r"spoken\.b defines 'wave', which another file defines too"):
        found(package)


def test_the_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        REGISTRY["help"] = REGISTRY["status"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [("help me", "help", "me"), ("MOVE Storage x", "move storage", "x"), ("status", "status", "")],
)
def test_the_leading_words_name_the_command(text: str, name: str, rest: str) -> None:
    command, words = find(REGISTRY, split(text))
    assert command.name == name
    assert words == split(rest)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "there is no command in this message", "`help` lists the commands"),
        ("xyzzy", "`xyzzy` is not a command", "`help` lists the commands"),
        ('"status"', "`status` is not a command", "did you mean `status`?"),
        ('"migrate VM-01 to host02"', "`migrate VM-01 to host02` is not a command", "did you mean `{}`?"),
        ("migrat VM-01 to host02", "`migrat` is not a command", "did you mean `migrate VM-01 to host02`?"),
        ("whre my vm", "`whre` is not a command", "did you mean `where`?\nusage: `where <vm>`"),
        (r"mvoe storage VM-01 D:\a", "`mvoe` is not a command", r"did you mean `move storage VM-01 D:\a`?"),
        (r"move VM-01 D:\a", "`move` is not a command", r"did you mean `move storage VM-01 D:\a`?"),
        (r'move "my vm" D:\a', "`move` is not a command", r'did you mean `move storage "my vm" D:\a`?'),
    ],
)
def test_an_unknown_command_is_answered_with_the_nearest(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        find(REGISTRY, split(text))
    assert raised.value.message == message
    assert raised.value.hint == hint.format("migrate VM-01 to host02")


def test_what_was_understood_is_data() -> None:
    understood = understand(REGISTRY, "<@UFERRY> Move  storage “my vm” to \\\\server01\\vms", "UFERRY")
    assert understood.text == 'Move  storage "my vm" to \\\\server01\\vms'
    assert understood.command == "move storage"
    assert understood.arguments is not None
    assert understood.arguments.model_dump() == {"vm": "my vm", "path": "\\\\server01\\vms"}
    assert understood.canonical == 'move storage "my vm" \\\\server01\\vms'
    assert understood.error is None


@pytest.mark.parametrize(
    ("text", "line", "name", "problem"),
    [
        ("a\nb", "", "", "a command is one line"),
        ("xyzzy", "xyzzy", "", "`xyzzy` is not a command"),
        ("where “", 'where "', "", "the quote that opens"),
        ("where", "where", "where", "`<vm>` is missing after `where`"),
    ],
)
def test_what_was_not_understood_is_data_too(text: str, line: str, name: str, problem: str) -> None:
    understood = understand(REGISTRY, text)
    assert (understood.text, understood.command) == (line, name)
    assert understood.arguments is None
    assert understood.error is not None
    assert understood.error.message.startswith(problem)


@pytest.mark.parametrize(
    ("text", "likely"),
    [
        ("lunch, anybody?", False),
        ("what is up", False),
        ("from host01", False),
        ("migrat VM-01 to host02", True),
        ("hots", True),
        ("mvoe storage VM-01 to D:\\VMs", True),
    ],
)
def test_where_people_talk_only_a_slip_of_the_finger_is_taken_for_a_command(text: str, likely: bool) -> None:
    error = understand(discover(commands), text).error
    assert isinstance(error, NotACommand)
    assert error.likely is likely
