"""Solving a model in a process of its own, with a time limit that holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from bot.core.placement import Model, Outcome, Solution
from bot.errors import FerryError
from bot.solver.wire import read_solution, write_question

WORKER = (sys.executable, "-m", "bot.solver")
# Beyond the limit, which the solver keeps by itself as well as it can; its start is within it.
GRACE_S = 0.3


class SolverFailed(FerryError):
    """The worker could not be started, ended without an answer, or gave one that is none."""


def solve(model: Model, time_limit_s: float, *, worker: Sequence[str] = WORKER) -> Solution:
    """The model's solution; UNDECIDED if time runs out, with the best values that were found, if any.

    Args:
        time_limit_s: for all of it, the worker's start too; then the worker is ended, and what it has told counts.
        worker: the program to start, and its arguments.

    Raises:
        SolverFailed: there is no answer.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the program is our own
            worker,
            input=write_question(model, time_limit_s),
            capture_output=True,
            encoding="utf-8",
            timeout=time_limit_s + GRACE_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows, no console of its own
        )
    except subprocess.TimeoutExpired as late:  # `run` has killed the worker
        why = f"the exact solver was ended after {late.timeout:.3g} s"
        return _read_what_was_told(late.stdout, len(model.costs), why)
    except OSError as error:
        raise SolverFailed(f"the exact solver could not be started: {error}") from error
    if done.returncode:
        words = done.stderr.strip().splitlines()[-1:]
        raise SolverFailed(": ".join([f"the exact solver ended with code {done.returncode}", *words]))
    return _read(done.stdout.strip().rpartition("\n")[2], len(model.costs))


def _read_what_was_told(output: bytes | str | None, columns: int, why: str) -> Solution:
    """The last whole line of a worker that was ended: the best that it had found. Nothing is proven by it."""
    text = output.decode() if isinstance(output, bytes) else output or ""
    lines = text.rpartition("\n")[0].splitlines()
    values = _read(lines[-1], columns).values if lines else ()
    return Solution(Outcome.UNDECIDED, values, why=why)


def _read(answer: str, columns: int) -> Solution:
    try:
        solution = read_solution(answer)
    except (ValueError, KeyError, TypeError) as error:
        raise SolverFailed(f"the exact solver's answer cannot be read: {error!r}") from error
    if len(solution.values) not in (0, columns):
        raise SolverFailed(f"the exact solver's answer has {len(solution.values)} columns of {columns}")
    return solution
