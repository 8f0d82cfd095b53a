"""The durable rows: operations, their journal, cards, the inbox and the hosts' room, in SQLite or PostgreSQL."""

from bot.operations.store.cards import CardDue, StepDue
from bot.operations.store.store import Store

__all__ = ["CardDue", "StepDue", "Store"]
