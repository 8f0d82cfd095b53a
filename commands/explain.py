from collections.abc import Iterator

from bot.command import Arguments, Code, Context, Note, Part, Refused, Reply, Strong, Text, command, marked
from bot.core import faults


class Explain(Arguments):
    what: tuple[str, ...]


_FERRY = {
    "configuration": "Ferry does not repeat it: a person has to change something first.",
    "transient": "Ferry waits and tries again, three times at most, once both hosts show that nothing moves.",
    "capacity": "Ferry puts the move back in the queue and asks again later, three times at most.",
    "unknown": "Ferry cannot tell from it what became of a move: it looks at both hosts before anything else.",
    "bug": "Ferry does not repeat it: Ferry, or its endpoint on the host, is set up wrongly.",
}


@command(
    "explain <what>",
    action="host.read",
    examples=("explain 0x8009030E", "explain actively refused it", "explain ObjectInUse", "explain 21501"),
)
def explain(ask: Explain, _context: Context) -> Reply:
    """Tell what a host's error means, what to do about it, and what Ferry does.

    The error may be a code, an identifier, an event's number, or words that a host said in English. No host is asked.
    """
    said = " ".join(ask.what)
    found = faults.find(said)
    if not found:
        raise _unknown(said)
    return Reply(
        title=(Strong(text="What a host means by"), " ", Code(text=said[:200])),
        parts=tuple(part for known in found for part in _render(known)),
    )


def _render(known: faults.Known) -> Iterator[Part]:
    yield Text(
        lines=(
            (Strong(text=known.cause[0].upper() + known.cause[1:]),),
            (Strong(text="Remedy:"), " ", *marked(known.remedy)),
            (_FERRY[known.fault],),
        )
    )
    signs = [sign.replace("0X", "0x") for sign in (*known.hresults, *known.identifiers, *known.kinds)]
    events = ", ".join([*signs, *(str(number) for number in known.numbers)])
    yield Note(line=(f"{known.id} · {known.fault}" + (f" · {events}" if events else ""),))


def _unknown(said: str) -> Refused:
    near = faults.nearest(said)
    return Refused(
        f"Ferry's catalogue does not know `{said[:200]}`",
        needed="a code, an identifier, an event's number, or words of a host",
        hint=f"did you mean `explain {near}`?" if near else "read the event logs of both hosts around that time",
        private=True,
    )
