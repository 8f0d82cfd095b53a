"""The commands there are, and which of them a line of chat means: a mapping, made at start-up and passed around."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType

from bot.command import Command
from bot.core.grammar import Arguments, Word, join, nearest, normalise, shown, split
from bot.errors import UsageError

Registry = Mapping[str, Command]
"""Name, like "move storage", to command."""


_SLIP = 0.8
"""How like a name is that was mistyped."""


class NotACommand(UsageError):
    """The line begins like no command.

    Attributes:
        near: what may have been meant, as a question; empty if nothing comes near.
        likely: whether a command was meant, even where people talk to each other: they say "what" and "from" there.
    """

    def __init__(self, message: str, near: str, *, likely: bool) -> None:
        super().__init__(message, hint=near or "`help` lists the commands")
        self.near = near
        self.likely = likely


def discover(package: ModuleType) -> Registry:
    """The command of every module in the package.

    Raises:
        ValueError: a module holds no command or several, or two have the same name.
    """
    found: dict[str, Command] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        here = [value for value in vars(module).values() if isinstance(value, Command)]
        if len(here) != 1:
            raise ValueError(f"{module.__name__} holds {len(here)} commands; a file of commands holds one")
        if here[0].name in found:
            raise ValueError(f"{module.__name__} defines {here[0].name!r}, which another file defines too")
        found[here[0].name] = here[0]
    return MappingProxyType(found)


def find(registry: Registry, words: tuple[Word, ...]) -> tuple[Command, tuple[Word, ...]]:
    """The command with the longest name that the words begin with, and the words after it.

    Raises:
        UsageError: none, with the nearest one.
    """
    if not words:
        raise UsageError("there is no command in this message", hint="`help` lists the commands")
    for command in sorted(registry.values(), key=lambda each: -len(_name(each))):
        name = _name(command)
        if len(words) >= len(name) and all(word.says(part) for word, part in zip(words, name, strict=False)):
            return command, words[len(name) :]
    near = next(_suggestions(registry, words), "")
    raise NotACommand(f"{shown(words[0].text)} is not a command", near, likely=_is_likely(registry, words))


@dataclass(frozen=True)
class Understood:
    """How a line of chat was read, as far as it could be.

    Attributes:
        text: the line after normalisation; empty if that was refused.
        command: name of the command; empty if none was recognised.
        canonical: the command as Ferry would write it.
        error: what was not understood; None if everything was.
    """

    text: str = ""
    command: str = ""
    arguments: Arguments | None = None
    canonical: str = ""
    error: UsageError | None = None


def understand(registry: Registry, text: str, bot_user: str = "") -> Understood:
    """Read a line and do nothing: no policy is asked, no handler called."""
    line = name = ""
    try:
        line = normalise(text, bot_user)
        command, words = find(registry, split(line))
        name = command.name
        arguments, ending = command.read(words)
    except UsageError as error:
        return Understood(line, name, error=error)
    return Understood(line, name, arguments, command.write(arguments, ending))


def _name(command: Command) -> list[str]:
    return command.name.split(" ")


def _is_likely(registry: Registry, words: tuple[Word, ...]) -> bool:
    """Whether they begin with a command's name but for a slip of the finger."""
    said = [word.text for word in words]
    return any(nearest(" ".join(said[: len(_name(each))]), [each.name], _SLIP) for each in registry.values())


def _suggestions(registry: Registry, words: tuple[Word, ...]) -> Iterator[str]:
    if len(words) == 1 and words[0].quoted:  # the whole command in quotes
        words = tuple(map(Word, words[0].text.split()))
    begun = [name for name, command in registry.items() if words and words[0].says(_name(command)[0])]
    for length in sorted({len(_name(command)) for command in registry.values()}, reverse=True):
        said = " ".join(word.text for word in words[:length])
        if near := nearest(said, [name for name, command in registry.items() if len(_name(command)) == length]):
            yield _did_you_mean(registry[near], words[length:])
    if begun:
        yield _did_you_mean(registry[begun[0]], words[1:])


def _did_you_mean(command: Command, rest: tuple[Word, ...]) -> str:
    """With all that followed, if that reads well; with the usage line otherwise."""
    try:
        command.read(rest)
    except UsageError:
        return f"did you mean {shown(command.name)}?\n{command.usage.help()}"
    return f"did you mean {shown(' '.join(filter(None, (command.name, join(rest)))), 300)}?"
