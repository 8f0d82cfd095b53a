"""The worker: one question on standard input, solutions on standard output, a line each. The only user of HiGHS.

Every better solution is told as soon as it is found, undecided as it is then; the last line is the answer. Whoever ends
the worker at the limit keeps what was told.

Facts (HiGHS 1.15.1, measured on placements of 60 VMs on 15 hosts, with 400 residents):

1. Presolve costs more than it gains once VMs that are alike are one column: making room took 2 s without it, and up
   to 10 s with it.
2. The time limit is looked at between steps, and a long step passes it: whoever started the worker has to end it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable

_BEGAN = time.monotonic()  # before the libraries, whose loading counts against the limit

import highspy  # noqa: E402
import numpy as np  # noqa: E402

from bot.core.placement import Model, Outcome, Solution  # noqa: E402
from bot.solver.wire import read_question, write_solution  # noqa: E402

# Of the limit: what it may take to tell the last solution.
_TELLING_S = 0.2


def solve(model: Model, time_limit_s: float, tell: Callable[[Solution], None] | None = None) -> Solution:
    """Args: tell: is told every better solution, while the solver looks for the next."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("presolve", "off")
    solver.setOptionValue("time_limit", time_limit_s)
    solver.setOptionValue("mip_rel_gap", model.tolerance)
    solver.passModel(_to_programme(model))
    if model.start:
        start = highspy.HighsSolution()
        start.col_value = np.array([model.start.get(column, 0.0) for column in range(len(model.costs))])
        solver.setSolution(start)
    if tell is not None:
        solver.cbMipImprovingSolution.subscribe(lambda found: tell(_undecided(found.data_out.mip_solution)))
    solver.run()
    return _read(solver)


def _undecided(values: Iterable[float]) -> Solution:
    return Solution(Outcome.UNDECIDED, tuple(map(float, values)), why="the exact solver ran out of time")


def _to_programme(model: Model) -> highspy.HighsLp:
    infinite = highspy.kHighsInf
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = len(model.costs), len(model.rows)
    programme.col_cost_ = np.array(model.costs, dtype=np.double)
    programme.col_lower_ = np.zeros(len(model.costs))
    programme.col_upper_ = np.array([infinite if most is None else most for most in model.ceilings], dtype=np.double)
    programme.row_lower_ = np.array([-infinite if row.least is None else row.least for row in model.rows])
    programme.row_upper_ = np.array([infinite if row.most is None else row.most for row in model.rows])
    kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
    programme.integrality_ = [kinds[whole] for whole in model.integral]
    matrix = programme.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.start_ = np.cumsum([0, *(len(row.terms) for row in model.rows)], dtype=np.int32)
    matrix.index_ = np.array([column for row in model.rows for column, _ in row.terms], dtype=np.int32)
    matrix.value_ = np.array([value for row in model.rows for _, value in row.terms], dtype=np.double)
    return programme


def _read(solver: highspy.Highs) -> Solution:
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Solution(Outcome.INFEASIBLE)
    found = solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = tuple(map(float, solver.getSolution().col_value)) if found else ()
    if status == highspy.HighsModelStatus.kOptimal:
        return Solution(Outcome.OPTIMAL, values)
    if status == highspy.HighsModelStatus.kTimeLimit:
        return Solution(Outcome.UNDECIDED, values, why="the exact solver ran out of time")
    return Solution(Outcome.UNDECIDED, values, why=f"the exact solver ended: {solver.modelStatusToString(status)}")


def _tell(solution: Solution) -> None:
    sys.stdout.write(f"{write_solution(solution)}\n")
    sys.stdout.flush()


def main() -> None:
    model, time_limit_s = read_question(sys.stdin.read())
    left_s = time_limit_s - (time.monotonic() - _BEGAN) - _TELLING_S
    _tell(solve(model, max(0.0, left_s), _tell))


if __name__ == "__main__":
    main()
