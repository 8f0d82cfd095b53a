"""What a comparison leaves at the destination: a planned VM, which a move takes over and nobody else needs."""

from __future__ import annotations

import logging

from bot.errors import HostError
from bot.operations.runner.row import Row
from bot.ports import HostMover

log = logging.getLogger(__name__)


class Leftovers:
    """Of one attempt at a move. If they stay, the next move of the VM takes them over."""

    def __init__(self, row: Row, fleet: HostMover) -> None:
        self._row = row
        self._fleet = fleet

    def discard(self) -> None:
        """Remove them. A host that does not is told in the thread; raises Stopped if another attempt has the row."""
        move = self._row.operation.plan.move
        if not move.kind.compared:
            return
        self._row.require()  # another attempt may have compared since
        try:
            self._fleet.discard(move)
        except HostError as error:
            log.warning("discard_failed operation=%s host=%s code=%s", self._row.operation.id, error.host, error.code)
            self._row.say(f"{move.destination} may still hold a planned copy: {error.message}")

    def discard_former(self) -> None:
        """A former attempt may have compared, and have died before it cleared up."""
        if self._row.operation.attempt > 1:
            self.discard()
