"""One order to move a VM: from the last look at its row, right before it leaves, to its host's answer."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.reconcile import Moved, NotMoved, Whereabouts
from bot.errors import HostError
from bot.operations.runner.endings import Stop
from bot.operations.runner.following import Following, Gone
from bot.operations.runner.row import Row
from bot.operations.runner.timing import Timing
from bot.operations.watch import in_background
from bot.ports import HostMover


class Unwanted(Exception):
    """A cancel came before the order had left: it is not sent."""


class Held(Exception):
    """A pause of its evacuation, a freeze or a lock came before the order had left: it is not sent now."""


class Order:
    """Used once, after the journal has announced it.

    Args:
        following: of this order, from its beginning.
        settle: looks at both hosts.
    """

    def __init__(
        self,
        row: Row,
        fleet: HostMover,
        timing: Timing,
        following: Following,
        settle: Callable[[], Whereabouts],
    ) -> None:
        self._row = row
        self._fleet = fleet
        self._timing = timing
        self._following = following
        self._settle = settle

    def send(self) -> HostError | None:
        """Send it and follow the move. The error it ended with; None: where the VM is tells the rest.

        Raises:
            Unwanted, Held: it was not sent.
            Stopped: the runner is to stop, or the row is no longer this attempt's.
            Overdue: its time is over; the move goes on.
        """
        operation, latest = self._row.operation, [0]
        self._following.sent, self._following.stop = False, Stop.TOO_LATE

        def keep(percent: int) -> None:
            latest[0] = percent

        sent = in_background(
            lambda: self._fleet.move(operation.plan.move, keep, self._let_go), f"ferry-move-{operation.id}"
        )
        while not sent.done():
            try:
                sent.exception(timeout=self._timing.tick_s)
            except TimeoutError:
                if self._over(latest[0]):
                    return None
        self._following.report(latest[0])
        error = sent.exception()
        if error is not None and not isinstance(error, HostError):
            raise error
        return error

    def _let_go(self) -> None:
        """The last look at the row, by the thread that sends: it may have stood still, a cancel or pause have come."""
        if self._row.require().cancel_asked:
            raise Unwanted
        if self._row.held():
            raise Held
        self._following.sent = True

    def _over(self, percent: int) -> bool:
        """One tick of a move that was sent. True: it has ended, although its host's answer has not come through."""
        try:
            self._following.tick(percent)
        except Gone:
            verdict = self._settle()
            return isinstance(verdict, Moved) or (isinstance(verdict, NotMoved) and verdict.job is not None)
        return False
