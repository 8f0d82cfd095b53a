"""Usage lines and a model of the arguments: words in, validated arguments out, and back again.

Slot `<vm>` fills field `vm`; group `[with storage …]` sets the boolean field `with_storage`, if the model has it. The
field's type says what a slot takes and why it refuses a value. A line that does not fit its model is a bug, found when
the command is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import get_args, get_origin

from pydantic import ValidationError

from bot.core.estate import Frozen
from bot.core.grammar.pattern import Elements, Group, Keyword, Laid, Slot, Stuck, lay, leading_keywords, read_line, walk
from bot.core.grammar.repair import nearest, repairs
from bot.core.grammar.words import COMMA, Word, items, join, placeholder, plain, quote, shown
from bot.core.names import TakesList, TakesMention, is_person
from bot.errors import UsageError

# Longer ones cannot be compared by eye with what was typed.
_LONGEST_SUGGESTION = 300


class Arguments(Frozen):
    """Base of every command's arguments: field names are the slots and groups of its usage lines."""


@dataclass(frozen=True)
class Usage:
    """How a command is written.

    Attributes:
        name: the words that every line begins with, like "move storage".
        lines: as people read them, the most usual first.
    """

    name: str
    lines: tuple[str, ...]
    arguments: type[Arguments]
    patterns: tuple[Elements, ...]  # one for each line, without the name
    greedy: frozenset[str]  # slots that take all the words that are left
    lists: frozenset[str]  # slots that take several names, separated by commas

    @classmethod
    def parse(cls, usages: tuple[str, ...], arguments: type[Arguments]) -> Usage:
        """
        Raises:
            ValueError: the lines contradict each other or the model.
        """
        lines = [read_line(usage) for usage in usages]
        columns = zip(*map(leading_keywords, lines), strict=False)
        name = [words[0] for words in takewhile(lambda words: len(set(words)) == 1, columns)]
        if not name:
            raise ValueError(f"usage lines {usages!r} must begin with the same words")
        patterns = tuple(line[len(name) :] for line in lines)
        fields = arguments.model_fields.items()
        several = {field: info for field, info in fields if get_origin(info.annotation) is tuple}
        lists = frozenset(field for field, info in several.items() if TakesList() in info.metadata)
        greedy = frozenset(several) - lists
        for usage, pattern in zip(usages, patterns, strict=True):
            _check_fit(usage, pattern, arguments, greedy)
        return cls(" ".join(name), usages, arguments, patterns, greedy, lists)

    def read(self, words: tuple[Word, ...], ending: str = "") -> Arguments:
        """The arguments that these words, after the name, stand for.

        Args:
            ending: what followed them, for the command that may have been meant.

        Raises:
            UsageError: with what was not understood and the usage lines.
        """
        stuck: list[Stuck] = []
        refused: list[UsageError] = []  # words that fit a line, with a value that its slot does not take
        for pattern in self.patterns:
            result = lay(pattern, words, self.greedy, self.lists)
            if isinstance(result, Stuck):
                stuck.append(result)
                continue
            try:
                return self._build(result)
            except UsageError as error:
                refused.append(error)
        if refused:
            raise UsageError("; ".join(dict.fromkeys(error.message for error in refused)), hint=self.help())
        furthest = max(result.at for result in stuck)
        expected = tuple(rest for result in stuck if result.at == furthest for rest in result.expected)
        raise self._not_understood(words, furthest, expected, ending)

    def write(self, arguments: Arguments) -> str:
        """The canonical command: reading it gives these arguments again."""
        given = arguments.model_dump(exclude_defaults=True)
        for pattern in self.patterns:
            written, used = _write(pattern, arguments, _keywords(pattern), self.lists)
            if used >= given.keys():
                return " ".join((self.name, *written))
        raise ValueError(f"no usage line of {self.name!r} can say {sorted(given)}")

    def help(self) -> str:
        """The usage lines, for the hint of an error."""
        return "\n".join(f"usage: `{line}`" for line in self.lines)

    def _build(self, laid: Laid) -> Arguments:
        fields = self.arguments.model_fields
        values: dict[str, object] = {flag: True for flag in laid.groups if flag in fields}
        for field, taken in laid.values.items():
            words = items(taken) if field in self.lists else taken
            for word in words:
                self._refuse_stand_ins(field, word)
            several = field in self.greedy | self.lists
            values[field] = tuple(word.text for word in words) if several else words[0].text
        try:
            return self.arguments.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            # A validator's own ValueError; pydantic's messages for the rest.
            reason = str(first.get("ctx", {}).get("error", first["msg"]))
            raise UsageError(
                f"{shown(str(first['input']))} cannot be `<{first['loc'][0]}>`: {reason}", hint=self.help()
            ) from None

    def _refuse_stand_ins(self, field: str, word: Word) -> None:
        taker = self.arguments.model_fields[field]  # pydantic keeps what stands outermost apart from the annotation
        if is_person(word.text) and any(map(_takes_mention, (taker.annotation, *taker.metadata))):
            return
        if any(mark in word.text for mark in ("<@", "<#", "<!")):
            saw = "is a mention"
        elif not word.quoted and placeholder(word.text):
            saw = "is a placeholder"
        else:
            return
        raise UsageError(f"{shown(word.text)} {saw}; the name itself is needed for `<{field}>`", hint=self.help())

    def _not_understood(
        self, words: tuple[Word, ...], at: int, expected: tuple[Elements, ...], ending: str
    ) -> UsageError:
        before = shown(words[at - 1].text if at else self.name)
        keywords = tuple(rest[0].text for rest in expected if rest and isinstance(rest[0], Keyword))
        slot = next((rest for rest in expected if rest and isinstance(rest[0], Slot)), None)
        options = " or ".join(f"`{keyword}`" for keyword in keywords)
        if at == len(words):
            missing = slot or next(rest for rest in expected if rest)
            needed = " ".join(str(element) for element in missing if not isinstance(element, Group))
            problem = f"`{needed}` is missing after {before}"
        elif slot:
            problem = f"{shown(words[at].text)} came after {before}, where `{slot[0]}` was needed"
        elif () in expected or not keywords:
            problem = f"{shown(words[at].text)} was not expected after {before}"
            problem += f"; only {options} may follow" if keywords else ""
        else:
            problem = f"{shown(words[at].text)} came after {before}, where {options} was needed"
        hint = "\n".join(filter(None, (self._suggest(words, at, keywords, slot, ending), self.help())))
        return UsageError(problem, hint=hint)

    def _suggest(
        self, words: tuple[Word, ...], at: int, keywords: tuple[str, ...], slot: Elements | None, ending: str
    ) -> str:
        reserved = frozenset[str]().union(*map(_keywords, self.patterns))
        for candidate in repairs(words, at, keywords, reserved):
            command = " ".join(filter(None, (self.name, join(candidate), ending)))
            if len(command) <= _LONGEST_SUGGESTION and self._reads(candidate):
                return f"did you mean {shown(command, _LONGEST_SUGGESTION)}?"
        if at < len(words) and (near := nearest(words[at].text, keywords)):
            return f"did you mean {shown(near)}?"
        if at < len(words) and slot:
            return f"a name that is also a word of the command goes in quotes: {shown(quote(words[at].text))}"
        return ""

    def _reads(self, words: tuple[Word, ...]) -> bool:
        for pattern in self.patterns:
            if isinstance(laid := lay(pattern, words, self.greedy, self.lists), Laid):
                try:
                    self._build(laid)
                except UsageError:
                    continue
                return True
        return False


def _write(
    elements: Elements, arguments: Arguments, keywords: frozenset[str], lists: frozenset[str]
) -> tuple[list[str], set[str]]:
    """The elements with values in them, and the fields they told."""
    written: list[str] = []
    used: set[str] = set()
    for element in elements:
        if isinstance(element, Keyword):
            written.append(element.text)
        elif isinstance(element, Slot):
            value = getattr(arguments, element.field)
            texts = value if isinstance(value, tuple) else (str(value),)
            listed = element.field in lists
            words = [_spell(text, keywords, listed=listed) for text in texts]
            written += [f"{word}{COMMA}" for word in words[:-1]] + words[-1:] if listed else words
            used.add(element.field)
        elif _present(element, arguments):
            inner, told = _write(element.elements, arguments, keywords, lists)
            written += inner
            used |= told | {element.flag}
    return written, used


def _spell(text: str, keywords: frozenset[str], *, listed: bool) -> str:
    """A value as it is typed: in quotes, where it would be read as something else."""
    separates = listed and (COMMA in text or text.casefold() == "and")
    return text if plain(text) and text.casefold() not in keywords and not separates else quote(text)


def _present(group: Group, arguments: Arguments) -> bool:
    if group.flag in type(arguments).model_fields:
        return bool(getattr(arguments, group.flag))
    slots = [element.field for element in group.elements if isinstance(element, Slot)]
    return bool(slots) and all(getattr(arguments, field) not in (None, ()) for field in slots)


def _takes_mention(annotation: object) -> bool:
    return isinstance(annotation, TakesMention) or any(map(_takes_mention, get_args(annotation)))


def _keywords(pattern: Elements) -> frozenset[str]:
    return frozenset(element.text.casefold() for element in walk(pattern) if isinstance(element, Keyword))


def _check_fit(usage: str, pattern: Elements, arguments: type[Arguments], greedy: frozenset[str]) -> None:
    fields = arguments.model_fields
    slots = [element.field for element in walk(pattern) if isinstance(element, Slot)]
    groups = {element.flag for element in walk(pattern) if isinstance(element, Group)}
    if unknown := set(slots) - fields.keys():
        raise ValueError(f"usage line {usage!r}: {arguments.__name__} has no field {sorted(unknown)}")
    if len(set(slots)) < len(slots) or greedy & set(slots[:-1]):
        raise ValueError(f"usage line {usage!r}: each slot stands once, and one that takes all words stands last")
    always = {element.field for element in pattern if isinstance(element, Slot)}
    if unsaid := {field for field, info in fields.items() if info.is_required()} - always:
        raise ValueError(f"usage line {usage!r} can be written without the required {sorted(unsaid)}")
    flags = {field for field, info in fields.items() if info.annotation is bool}
    if wrong := flags & set(slots) | (groups & fields.keys()) - flags:
        raise ValueError(f"usage line {usage!r}: groups set booleans, slots set all else; not so for {sorted(wrong)}")
