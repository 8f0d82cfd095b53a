"""What is on a host that was emptied and was in no plan: it came while the host was being emptied, or came back.

What a plan left behind, or could not move, is no news. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.estate import Seen
from bot.core.evacuation.plan import Evacuation
from bot.core.lifecycle import State
from bot.core.names import VmId
from bot.core.reply import Line, marked
from bot.core.wording import render_count, render_list

_MOST_NAMED = 8


def render_arrivals(chain: Sequence[Evacuation], seen: Sequence[Seen]) -> Line:
    """
    Args:
        chain: the evacuation, and those whose failed moves it retried.
        seen: its hosts, looked at after its end.
    """
    return marked(". ".join(_render(one, _expected(chain)) for one in seen))


def _render(one: Seen, expected: frozenset[VmId]) -> str:
    host = one.host
    if not one.known:
        return f"{host} gave no answer at the end ({one.failure}): whether anything came to it is unknown; `vms {host}`"
    if not one.vms:
        return f"{host} shows no virtual machine"
    came = [vm.name for vm in one.vms if vm.id not in expected]
    if not came:
        return f"nothing came to {host} meanwhile"
    them = "it" if len(came) == 1 else "them"
    names = render_list(came, _MOST_NAMED)
    return (
        f"{render_count(len(came), 'VM')} came to {host} meanwhile: {names}; `evacuate {host}` takes {them} away, too"
    )


def _expected(chain: Sequence[Evacuation]) -> frozenset[VmId]:
    """What may be there still, as the rows know it."""
    gone = {move.plan.move.vm for one in chain for move in one.moves if move.state is State.SUCCEEDED}
    return frozenset(_planned(chain)) - gone


def _planned(chain: Sequence[Evacuation]) -> Iterator[VmId]:
    for one in chain:
        yield from (staying.vm for staying in one.plan.staying)
        yield from (leg.plan.move.vm for leg in one.plan.legs)
