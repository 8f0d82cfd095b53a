"""The durable rows: operations, their journal, cards, the inbox and the hosts' room, in SQLite or PostgreSQL."""

from bot.operations.store.cards import CardDue, StepDue
from bot.operations.store.reader import Grant, Standing
from bot.operations.store.store import TRY_FAILED, Store

__all__ = ["TRY_FAILED", "CardDue", "Grant", "Standing", "StepDue", "Store"]
