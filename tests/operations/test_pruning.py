"""What is forgotten after a while, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.lifecycle import Event
from bot.core.names import UserId
from bot.operations.outbox import workflow_id
from bot.operations.pruning import prune
from tests.operations.offers import make_ask, make_host

DAY = timedelta(days=1)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_answered_questions_and_ended_workflows_go_and_the_journal_stays(store, clock, propose, backend):
    old, open_ = make_ask(), make_ask()
    assert store.take(old)
    assert store.take(open_)
    store.answered(old.key)
    operation = propose()
    store.change(operation.id, Event.CONFIRM, by=UserId("U0BOB00000"))
    for name in ("host01", "host02"):
        store.set_room(make_host(name), clock.now())
    assert store.regrant(operation.id, 1)
    with store.database.writing() as connection:
        store.outbox.send(connection, operation.id, 7, "main")
    replaced, waiting, ended = (workflow_id(operation.id, attempt) for attempt in (1, 2, 7))
    store.outbox._client.cancel_workflow(ended)
    journal = store.journal()

    prune(store, min(clock.now(), datetime.now(UTC)) - DAY)
    assert not store.take(old)
    assert _workflows(store, replaced, ended, waiting) == {replaced, ended, waiting}

    prune(store, max(clock.now(), datetime.now(UTC)) + DAY)
    assert store.take(old), "it is still known"
    assert not store.take(open_), "a question without an answer was forgotten"
    assert _workflows(store, replaced, ended, waiting) == {waiting}
    assert store.journal() == journal
    assert store.find(operation.id) is not None


def _workflows(store, *ids):
    return {each.workflow_id for each in store.outbox._client.list_workflows(workflow_ids=list(ids))}
