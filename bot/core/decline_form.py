"""The form that asks why something is declined. What was filled in becomes `decline m-12 because …`."""

from __future__ import annotations

from bot.core.form import Field, Filled, Form, Values
from bot.core.grammar import split
from bot.errors import UsageError

COMMAND = "decline"
LONGEST_REASON = 300


def make_decline(operation: str) -> Form:
    return Form(
        command=f"{COMMAND} {operation}",
        about="Everybody who sees the card reads the reason, and the journal keeps it.",
        fields=(Field(name="reason", label="Why not", kind="text", optional=True),),
        submit="Decline",
        instead=f"help {COMMAND}",  # by itself the command would be carried out, and nobody could say why not
    )


def fill_decline(operation: str, values: Values) -> Filled:
    reason = _reason(values)
    try:
        split(reason)
    except UsageError as error:
        return Filled(problems={"reason": error.message.replace("`", "")})
    if len(reason) > LONGEST_REASON:
        return Filled(problems={"reason": f"at most {LONGEST_REASON} characters"})
    command = f"{COMMAND} {operation}"
    return Filled(command=f"{command} because {reason}" if reason else command)


def _reason(values: Values) -> str:
    """What follows the word `because`, which people also write themselves."""
    words = " ".join(values.get("reason", ())).split()
    while words and words[0].casefold() == "because":
        del words[0]
    return " ".join(words)
