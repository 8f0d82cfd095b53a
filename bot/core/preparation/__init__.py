"""Setting up a host for migrations: what is offered, what is stored, what is shown. No I/O."""

from bot.core.preparation.plan import KIND, Name, Preparation, PreparationPlan, Setting, find_changes, read_settings
from bot.core.preparation.planning import plan_back, plan_preparation

__all__ = [
    "KIND",
    "Name",
    "Preparation",
    "PreparationPlan",
    "Setting",
    "find_changes",
    "plan_back",
    "plan_preparation",
    "read_settings",
]
