"""Tells that a freeze or lock has ended by itself: where it was asked for, and in the audit channel.

What people end they see in the answer; what time ends nobody asked for. Each place is told once, by the process that
holds the lease: what a former process may have posted is looked for first.
"""

from __future__ import annotations

import logging

from bot.core.holds.wording import render_ended
from bot.core.operation import Place
from bot.errors import ChatError
from bot.operations.store.hold_rows import HoldRows, Told
from bot.ports import Chat

log = logging.getLogger(__name__)


class HoldNotices:
    """
    Args:
        channel: the audit channel; empty: there is none.
    """

    def __init__(self, rows: HoldRows, chat: Chat, channel: str) -> None:
        self._rows = rows
        self._chat = chat
        self._channel = channel

    def due(self) -> tuple[Told, ...]:
        return self._rows.untold()

    def tell(self, told: Told) -> None:
        """Raises ChatError: it can be told later."""
        places = [told.place]
        if self._channel and self._channel != told.place.channel:
            places.append(Place(team="", channel=self._channel))
        for place in places:
            self._post(place, told)
        self._rows.keep_told(told.hold.number)

    def _post(self, place: Place, told: Told) -> None:
        key = f"h-{told.hold.number}/ended"
        try:
            if not self._chat.find(place, key, told.hold.at):
                self._chat.post(place, render_ended(told.hold, None), key=key)
        except ChatError as error:
            if not error.lasting:
                raise
            log.warning(
                "end_of_hold_not_posted hold=%s channel=%s code=%s", told.hold.number, place.channel, error.code
            )
