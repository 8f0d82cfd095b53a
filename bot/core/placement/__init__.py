"""Placement: which VM goes where when hosts are emptied, why it cannot, and how VMs come home.

    problem     what is asked and answered
    search      the whole of it: by hand as far as that goes, then by questions to an exact solver
    board       the working state that all of these share
    greedy repair balance excess resettling reasons     by hand
    model exact room shortfall                          the questions, as integer programmes
    homecoming  stages of moves that bring VMs back

Pure: the search yields its questions, and whoever drives it has them solved.
"""

from __future__ import annotations

from bot.core.placement.homecoming import Away, Homecoming, Staying, plan_homecoming
from bot.core.placement.model import Model, Outcome, Row, Solution
from bot.core.placement.problem import (
    Guest,
    Lack,
    Method,
    Obstacle,
    Placement,
    Problem,
    Shift,
    Shortage,
    Shortfall,
    Target,
    Unplaced,
)
from bot.core.placement.search import Search, place

__all__ = [
    "Away",
    "Guest",
    "Homecoming",
    "Lack",
    "Method",
    "Model",
    "Obstacle",
    "Outcome",
    "Placement",
    "Problem",
    "Row",
    "Search",
    "Shift",
    "Shortage",
    "Shortfall",
    "Solution",
    "Staying",
    "Target",
    "Unplaced",
    "place",
    "plan_homecoming",
]
