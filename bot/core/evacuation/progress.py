"""How far an evacuation is, and how much time is left, by what its moves tell.

The work is weighed by the time that each move is expected to take, not by their number. The time that is left is the
plan's simulation again, of what waits and runs, with links and set-up as they have shown themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.evacuation.plan import Evacuation
from bot.core.evacuation.timing import trip_of
from bot.core.lifecycle import HOLDING, State
from bot.core.operation import Operation
from bot.core.schedule import Finished, Left, Network, Running, Trip, time_left


@dataclass(frozen=True)
class Progress:
    """
    Attributes:
        percent: of the work, 0 to 100; 100 only when everything has ended.
        left: None: not known.
        rate_bytes_s: what the moves in flight copy now, as far as their percentages tell.
    """

    percent: int
    elapsed_s: float
    left: Left | None
    rate_bytes_s: float


def measure(evacuation: Evacuation, now: datetime) -> Progress:
    whole = sum(move.plan.estimate.seconds for move in evacuation.moves) or 1.0
    done = sum(move.plan.estimate.seconds * _share(move) for move in evacuation.moves)
    elapsed_s = (now - evacuation.started_at).total_seconds() if evacuation.started_at else 0.0
    network = evacuation.plan.network
    return Progress(
        percent=min(99 if evacuation.open_moves else 100, int(100 * done / whole)),
        elapsed_s=max(0.0, elapsed_s),
        left=_left(evacuation, network, now) if network else None,
        rate_bytes_s=sum(_rate(move, now, network.setup_s if network else 0.0) for move in evacuation.moves),
    )


def _left(evacuation: Evacuation, network: Network, now: datetime) -> Left:
    legs = {leg.plan.digest: leg for leg in evacuation.plan.legs}
    trips = {move.id: trip_of(move.id, legs[move.plan.digest]) for move in evacuation.moves}
    return time_left(
        [trips[move.id] for move in evacuation.moves if move.state is State.QUEUED],
        [_running(move, trips[move.id], now) for move in evacuation.moves if move.state in HOLDING],
        [_finished(move, trips[move.id], now) for move in evacuation.moves if move.state is State.SUCCEEDED],
        network,
        evacuation.plan.caps,
    )


def _running(move: Operation, trip: Trip, now: datetime) -> Running:
    elapsed_s = max(0.0, (now - move.started_at).total_seconds()) if move.started_at else 0.0
    return Running(trip, elapsed_s, move.percent or None)


def _finished(move: Operation, trip: Trip, now: datetime) -> Finished:
    began, ended = move.started_at or now, move.ended_at or now
    return Finished(trip, max(0.0, (ended - began).total_seconds()), max(0.0, (now - ended).total_seconds()))


def _share(move: Operation) -> float:
    return 1.0 if move.ended else move.percent / 100


def _rate(move: Operation, now: datetime, setup_s: float) -> float:
    if move.state is not State.RUNNING or move.started_at is None:
        return 0.0
    copying_s = (now - move.started_at).total_seconds() - setup_s
    return move.plan.move.memory_bytes * move.percent / 100 / copying_s if copying_s > 1 else 0.0
