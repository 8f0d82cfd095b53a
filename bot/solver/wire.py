"""What passes between Ferry and its worker, as JSON: a model and a time limit one way, a solution the other."""

from __future__ import annotations

import json

from bot.core.placement import Model, Outcome, Row, Solution


def write_question(model: Model, time_limit_s: float) -> str:
    return json.dumps(
        {
            "time_limit_s": time_limit_s,
            "tolerance": model.tolerance,
            "costs": model.costs,
            "ceilings": model.ceilings,
            "integral": model.integral,
            "rows": [(row.terms, row.least, row.most) for row in model.rows],
            "start": list(model.start.items()),
        }
    )


def read_question(text: str) -> tuple[Model, float]:
    """The model, and the time limit in seconds."""
    said = json.loads(text)
    model = Model(
        tolerance=said["tolerance"],
        costs=said["costs"],
        ceilings=said["ceilings"],
        integral=said["integral"],
        rows=[Row(tuple((column, value) for column, value in terms), *limits) for terms, *limits in said["rows"]],
        start=dict(said["start"]),
    )
    return model, said["time_limit_s"]


def write_solution(solution: Solution) -> str:
    return json.dumps({"outcome": solution.outcome, "values": solution.values, "why": solution.why})


def read_solution(text: str) -> Solution:
    """
    Raises:
        ValueError, KeyError, TypeError: it is no solution.
    """
    said = json.loads(text)
    return Solution(Outcome(said["outcome"]), tuple(map(float, said["values"])), str(said["why"]))
