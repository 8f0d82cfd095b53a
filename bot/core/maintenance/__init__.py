"""Maintenance of a failover cluster's nodes: draining and resuming them, as plans, rows, verdicts and cards. No I/O."""

from bot.core.maintenance.plan import How, Maintenance, MaintenancePlan, Passenger, Task
from bot.core.maintenance.planning import find_changes, plan_drain, plan_resumption, refuse_down

__all__ = [
    "How",
    "Maintenance",
    "MaintenancePlan",
    "Passenger",
    "Task",
    "find_changes",
    "plan_drain",
    "plan_resumption",
    "refuse_down",
]
