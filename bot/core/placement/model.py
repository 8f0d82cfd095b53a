"""What an exact solver is asked, and what it answers: a mixed integer linear programme as plain data.

The core writes models and reads solutions; it does not know the solver.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Row:
    """least <= sum of value * column over the terms <= most; None is no limit."""

    terms: tuple[tuple[int, float], ...]
    least: float | None
    most: float | None


@dataclass(slots=True)
class Model:
    """Minimise the sum of costs * columns, each column between 0 and its ceiling (None: no limit).

    Attributes:
        tolerance: how far from the best a solution may be and still count as optimal, from 0 to 1.
        integral: by column, whether it takes whole numbers only.
        start: a solution to begin with, by column; columns that it does not name are 0. Empty for none.
        share: how much of the time that is left it may use, from 0 to 1.
    """

    share: float = 1.0
    tolerance: float = 0.0
    costs: list[float] = field(default_factory=list)
    ceilings: list[float | None] = field(default_factory=list)
    integral: list[bool] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    start: dict[int, float] = field(default_factory=dict)

    def whole(self, most: int, cost: float = 0.0) -> int:
        """A new column: a whole number from 0."""
        return self._column(cost, float(most), whole=True)

    def amount(self, cost: float) -> int:
        """A new column: any number from 0."""
        return self._column(cost, None, whole=False)

    def _column(self, cost: float, ceiling: float | None, *, whole: bool) -> int:
        self.costs.append(cost)
        self.ceilings.append(ceiling)
        self.integral.append(whole)
        return len(self.costs) - 1

    def row(self, terms: Iterable[tuple[int, float]], *, least: float | None = None, most: float | None = None) -> None:
        self.rows.append(Row(tuple(terms), least, most))

    def count(self, columns: Iterable[int], *, least: float | None = None, most: float | None = None) -> None:
        """How many these are together."""
        self.row(((column, 1.0) for column in columns), least=least, most=most)


class Outcome(StrEnum):
    OPTIMAL = "optimal"  # values are a solution, proven the best
    INFEASIBLE = "infeasible"  # proven: there is none
    UNDECIDED = "undecided"  # values are the best found so far, or empty


@dataclass(frozen=True, slots=True)
class Solution:
    """
    Attributes:
        values: by column; empty without a solution.
        why: what kept the solver from deciding.
    """

    outcome: Outcome
    values: tuple[float, ...] = ()
    why: str = ""

    def number(self, column: int) -> int:
        """The value of a column of whole numbers."""
        return round(self.values[column])
