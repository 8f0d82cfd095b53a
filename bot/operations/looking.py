"""Looks at the hosts of an operation for a person, and concludes one that needs attention if what they show tells.

It changes no host. An operation that is being carried out is the runner's: then the look only says what is there.
"""

from __future__ import annotations

import threading

from bot.core.host_change import HostPlan
from bot.core.lifecycle import Event, State
from bot.core.operation import Ask, Operation, Outcome
from bot.core.preparation import PreparationPlan
from bot.core.reconcile import Moved, NotMoved, Restarted, Whereabouts
from bot.core.reply import Line, Mark, Reply, Strong, Text, User, marked
from bot.operations.host_desk import Rules
from bot.operations.runner import endings
from bot.operations.runner.maintainer import MaintenanceRules
from bot.operations.runner.preparer import PreparationRules
from bot.operations.runner.timing import Timing
from bot.operations.runner.witness import Witness
from bot.operations.store import Store
from bot.operations.store.recalls import forget_job
from bot.ports import HostReader

# Two more looks before it is believed that nothing moved: a person waits for the answer.
PATIENCE = Timing(looks=3, second_looks=3)


class Looking:
    """Thread-safe."""

    def __init__(self, store: Store, reader: HostReader, timing: Timing = PATIENCE) -> None:
        self._store = store
        self._reader = reader
        self._timing = timing

    def rules_of(self, plan: HostPlan) -> Rules:
        """How what is planned for a host itself is compared with the host, and concluded."""
        if isinstance(plan, PreparationPlan):
            return PreparationRules(lambda host: self._reader.read_host(host)[0])
        return MaintenanceRules(self._reader)

    def look(self, operation: Operation, ask: Ask) -> Reply | None:
        """None: the operation has been concluded, and its card says how."""
        witness = Witness(self._reader, self._timing, threading.Event())
        age_s = (self._store.clock.now() - operation.requested_at).total_seconds()
        verdict = witness.settle(operation.plan.move, self._store.known_jobs(operation.id), age_s, doubtful=True)
        if operation.state is State.NEEDS_ATTENTION and (conclusion := _conclude(operation, verdict)):
            event, outcome = conclusion
            note: Line = (f"{outcome.summary}, seen when ", User(id=ask.actor), " looked again")
            if self._store.change(operation.id, event, by=ask.actor, outcome=outcome, note=note) is not None:
                return None
        if operation.recallable and witness.is_over(operation.job):
            forget_job(self._store, operation.id)
        return self._render(operation, witness.words, private=ask.kind == "button")

    def _render(self, operation: Operation, words: str, *, private: bool) -> Reply:
        now = self._store.find(operation.id) or operation
        lines: list[Line] = [(shown,) for shown in words.split("; ")]
        if now.state is State.NEEDS_ATTENTION:
            lines.append(marked(f"That does not tell how it ended. `look {now.id}` looks again"))
        return Reply(
            title=(Strong(text=f"{now.id} {_is(now)}"),),
            parts=(Text(lines=tuple(lines)),),
            mark=Mark.WARNING if now.state is State.NEEDS_ATTENTION else Mark.NONE,
            private=private,
        )


def _is(operation: Operation) -> str:
    return "still needs attention" if operation.state is State.NEEDS_ATTENTION else f"is {operation.state}"


def _conclude(operation: Operation, verdict: Whereabouts) -> tuple[Event, Outcome] | None:
    match verdict:
        case Moved():
            complete, outcome = endings.moved(operation, verdict)
            if not complete and (known := endings.moved_and_changed(operation, verdict)):
                complete, outcome = True, known
            return (Event.SUCCEED, _late(outcome)) if complete else None
        case NotMoved():
            event = Event.CANCEL if operation.cancel_asked else Event.FAIL
            return event, _late(endings.not_moved(operation, verdict, None))
        case Restarted():
            return Event.FAIL, _late(endings.restarted(operation, verdict))
        case _:
            return None


def _late(outcome: Outcome) -> Outcome:
    return outcome.model_copy(update={"late": True})
