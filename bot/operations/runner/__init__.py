"""Carries out one move: observe, attach or start, follow, verify."""

from bot.operations.runner.runner import Runner
from bot.operations.runner.timing import Timing

__all__ = ["Runner", "Timing"]
