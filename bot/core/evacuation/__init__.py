"""Emptying hosts, and bringing their VMs home."""

from __future__ import annotations

from bot.core.evacuation.plan import Evacuation, EvacuationKind, EvacuationPlan, Forecast, Leg, Load, Staying

__all__ = ["Evacuation", "EvacuationKind", "EvacuationPlan", "Forecast", "Leg", "Load", "Staying"]
