"""The placer: drives the search of the core, and lets the worker solve what it asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from bot.core.placement import Model, Outcome, Placement, Problem, Solution, place
from bot.solver.process import SolverFailed, solve

log = logging.getLogger(__name__)

# No question gets less: a solver that is stopped while it still reads has answered nothing.
_LEAST_S = 1.0


class Placer:
    """Places VMs, by hand where that is enough and exactly where it is not."""

    def __init__(self, time_limit_s: float = 8.0, solve: Callable[[Model, float], Solution] = solve) -> None:
        """
        Args:
            time_limit_s: about how long one placement may take, workers' starts included. What is done by hand when it
                is over, at most two seconds of work, comes on top.
        """
        self._time_limit_s = time_limit_s
        self._solve = solve

    def place(self, problem: Problem, *, make_room: bool = False) -> Placement:
        """Blocks. What the solver did not decide, for want of time or because it failed, is said in the placement.

        The same problem gives the same placement, unless time runs out.

        Args:
            make_room: whether residents may be moved between targets if nothing else lets every guest in.
        """
        began = time.monotonic()
        search = place(problem, make_room=make_room)
        try:
            model = next(search)
            while True:
                left_s = self._time_limit_s - (time.monotonic() - began)
                model = search.send(self._decide(model, max(_LEAST_S, left_s * model.share)))
        except StopIteration as end:
            placement: Placement = end.value
        log.info(
            "placed guests=%d unplaced=%d extra=%d method=%s decided=%s duration_s=%.2f",
            *(len(placement.where), len(placement.unplaced), len(placement.extra)),
            *(placement.method, placement.decided, time.monotonic() - began),
        )
        return placement

    def _decide(self, model: Model, time_limit_s: float) -> Solution:
        try:
            return self._solve(model, time_limit_s)
        except SolverFailed as error:
            log.warning("solver_failed columns=%d rows=%d: %s", len(model.costs), len(model.rows), error)
            return Solution(Outcome.UNDECIDED, why=error.message)
