"""What is too little: the smallest addition to the hosts with which everyone would fit."""

from __future__ import annotations

from bot.core.placement.board import MIB
from bot.core.placement.exact import Seating
from bot.core.placement.excess import TOLERANCE, Excess
from bot.core.placement.model import Outcome, Solution
from bot.core.placement.problem import Lack, Shortage, Shortfall

_LEFT_OUT = 1000.0  # far above any addition: no resource helps a guest whose group is on every host it may go to


def read_shortfall(excess: Excess, *, smallest: bool) -> Shortfall:
    board = excess.board
    added = tuple(
        Shortage(target.name, lack, over * (1 if lack is Lack.PROCESSORS else MIB), of)
        for host, target in enumerate(board.targets)
        for (lack, of), over in zip(board.resources, excess.over(host), strict=True)
        if over > 0
    )
    return Shortfall(added, smallest)


def ask_for_less(excess: Excess) -> Seating:
    """Where should everyone go for the least excess? The solver begins where they are."""
    board = excess.board
    seating = Seating(board, (guest for guest, hosts in enumerate(board.allowed) if hosts), board.allowed)
    model = seating.model
    added = {
        (host, resource): model.amount(weight * seating.scale(resource))
        for host in range(len(board.targets))
        for resource, weight in enumerate(excess.weights)
    }
    for kind, guests in enumerate(seating.kinds):
        left_out = model.whole(len(guests), cost=_LEFT_OUT)
        model.count([*seating.of_kind[kind], left_out], least=len(guests), most=len(guests))
    seating.limit(added)
    if excess.all_seated:
        # Otherwise it would be a share of what leaving someone out costs.
        model.tolerance = TOLERANCE
        seating.begin(board.seats)
        for (host, resource), column in added.items():
            model.start[column] = excess.over(host)[resource] / seating.scale(resource)
    return seating


def take_less(excess: Excess, seating: Seating, solution: Solution) -> bool:
    """Seat everyone as the solver says, if groups are kept after all. Returns whether no less can do."""
    board = excess.board
    before = board.seats
    board.reseat([])
    for guest, host in seating.deal(solution):
        if board.clash(guest, host) is not None:
            board.reseat(before)
            return False
        board.put(guest, host)
    # A host that is over its limits already needs more than the model knows.
    model = seating.model
    amounts = (column for column, integral in enumerate(model.integral) if not integral)
    known = sum(model.costs[column] * solution.values[column] for column in amounts)
    return solution.outcome is Outcome.OPTIMAL and excess.total <= known * (1 + TOLERANCE)
