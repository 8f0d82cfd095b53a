"""Solving a model in a process of its own, with a time limit that holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from bot.core.placement import Model, Outcome, Solution
from bot.errors import FerryError
from bot.solver.wire import read_solution, write_question

WORKER = (sys.executable, "-m", "bot.solver")
# What Python and the solver's library may take to start, on top of the limit that the solver keeps by itself.
START_S = 3.0


class SolverFailed(FerryError):
    """The worker could not be started, ended without an answer, or gave one that is none."""


def solve(model: Model, time_limit_s: float, *, worker: Sequence[str] = WORKER, start_s: float = START_S) -> Solution:
    """The model's solution; UNDECIDED if time runs out, with the best values that were found, if any.

    Args:
        worker: the program to start, and its arguments.
        start_s: how long after the limit the worker is killed.

    Raises:
        SolverFailed: there is no answer.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the program is our own
            worker,
            input=write_question(model, time_limit_s),
            capture_output=True,
            encoding="utf-8",
            timeout=time_limit_s + start_s,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows, no console of its own
        )
    except subprocess.TimeoutExpired as late:  # `run` has killed the worker
        return Solution(Outcome.UNDECIDED, why=f"the exact solver was ended after {late.timeout:.3g} s")
    except OSError as error:
        raise SolverFailed(f"the exact solver could not be started: {error}") from error
    if done.returncode:
        words = done.stderr.strip().splitlines()[-1:]
        raise SolverFailed(": ".join([f"the exact solver ended with code {done.returncode}", *words]))
    return _read(done.stdout, len(model.costs))


def _read(answer: str, columns: int) -> Solution:
    try:
        solution = read_solution(answer)
    except (ValueError, KeyError, TypeError) as error:
        raise SolverFailed(f"the exact solver's answer cannot be read: {error!r}") from error
    if len(solution.values) not in (0, columns):
        raise SolverFailed(f"the exact solver's answer has {len(solution.values)} columns of {columns}")
    return solution
