"""Scheduling many migrations: their order, when the next may start, how long it takes, and how much time is left."""

from __future__ import annotations

from bot.core.schedule.course import Course, predict
from bot.core.schedule.remaining import Left, learn, time_left
from bot.core.schedule.simulation import Slot
from bot.core.schedule.starts import Starts, choose_starts
from bot.core.schedule.timetable import Advice, Blackout, Timetable, plan
from bot.core.schedule.trip import EXPECTED_PACE, Caps, Finished, Network, Running, Trip

__all__ = [
    "EXPECTED_PACE",
    "Advice",
    "Blackout",
    "Caps",
    "Course",
    "Finished",
    "Left",
    "Network",
    "Running",
    "Slot",
    "Starts",
    "Timetable",
    "Trip",
    "choose_starts",
    "learn",
    "plan",
    "predict",
    "time_left",
]
