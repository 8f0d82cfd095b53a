"""Forgets what nobody needs any more: questions that were answered, and workflows that have ended or were replaced.

None of it is evidence. The journal, its copy and the rows of operations are kept for ever.
"""

from __future__ import annotations

from datetime import datetime

from bot.operations.outbox import workflow_id
from bot.operations.store import Store
from bot.operations.store.inbox import forget_answered


def prune(store: Store, before: datetime) -> None:
    """
    Args:
        before: what ended later is kept. Days ago at least: chat delivers a message again after hours, and it is known
            by its row only.
    """
    store.outbox.forget_ended(before)
    # Read first: whatever is granted after that has a workflow that is new.
    current = {workflow_id(grant.operation, grant.attempt) for grant in store.grants()}
    store.outbox.forget_left(before, current)
    with store.database.writing() as connection:
        forget_answered(connection, before)
