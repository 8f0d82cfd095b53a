"""The exact solver: an adapter to HiGHS, which runs in a worker process and nowhere else.

    placer      drives the core's search, and has its questions answered
    process     one question, one worker, one time limit
    wire        what passes between the two
    __main__    the worker

A solver that is missing, fails or runs out of time makes a placement undecided, never wrong.
"""

from __future__ import annotations

from bot.solver.placer import Placer
from bot.solver.process import SolverFailed, solve

__all__ = ["Placer", "SolverFailed", "solve"]
