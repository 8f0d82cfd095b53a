"""The language of commands: a usage line is the grammar, and Slack's text becomes validated arguments.

Pure. Whatever the text, nothing but `UsageError` is raised. Backslash is never an escape character.

    normalise   a message as Slack and phones deliver it -> one clean line
    words       a clean line -> words; quotes group blanks and turn keywords into values
    pattern     a usage line -> elements, and words laid along them
    ending      when a change is to begin, which every command that plans one may say at its end
    usage       usage lines and a model of the arguments -> arguments, or what was not understood
    repair      what the person probably meant, offered only if it reads without a mistake
"""

from __future__ import annotations

from bot.core.grammar.ending import LATER, Ending, take_ending
from bot.core.grammar.normalise import normalise
from bot.core.grammar.repair import nearest
from bot.core.grammar.usage import Arguments, Usage
from bot.core.grammar.words import Word, join, quote, shown, split

__all__ = [
    "LATER",
    "Arguments",
    "Ending",
    "Usage",
    "Word",
    "join",
    "nearest",
    "normalise",
    "quote",
    "shown",
    "split",
    "take_ending",
]
