"""What the person probably meant. Candidates only: whoever asks offers the first that reads without a mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from bot.core.grammar.words import Word

# Bounds for what is worth comparing: noise must not cost time.
_LONGEST_COMPARED = 60
_MOST_WORDS = 16


def nearest(text: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known text that looks most like this one, if any does: of the same letters first, as fingers swap two.

    Args:
        likeness: 1 is the same.
    """
    by_folded, said = {name.casefold(): name for name in known}, text[:_LONGEST_COMPARED].casefold()
    close = difflib.get_close_matches(said, list(by_folded), n=3, cutoff=likeness)
    same = [name for name in close if sorted(name) == sorted(said)]
    return by_folded[(same or close)[0]] if close else None


def repairs(
    words: tuple[Word, ...], at: int, keywords: tuple[str, ...], reserved: frozenset[str]
) -> Iterator[tuple[Word, ...]]:
    """Versions of the words with one mistake less, likelier first.

    Args:
        at: index of the word that does not fit.
        keywords: what could have come there.
        reserved: all keywords of the command, case-folded; none of them is taken for a part of a name.
    """
    if len(words) > _MOST_WORDS:
        return
    head, tail = words[:at], words[at:]
    if tail and (near := nearest(tail[0].text, keywords)):
        yield (*head, Word(near), *tail[1:])
    for length in range(2, len(words) + 1):  # a name or path with blanks that was not quoted
        for start in range(len(words) - length + 1):
            part = words[start : start + length]
            if not any(word.quoted or word.text.casefold() in reserved for word in part):
                yield (*words[:start], _as_one(part), *words[start + length :])
    for keyword in keywords:
        yield (*head, Word(keyword), *tail)


def _as_one(words: tuple[Word, ...]) -> Word:
    return Word(" ".join(word.text for word in words).replace('"', ""), quoted=True)
