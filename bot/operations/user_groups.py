"""Keeps what is known of Slack's user groups fresh: asks in the background, and at once when Slack says that one has
changed. It decides nothing; what grows old counts as not known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from bot.core.names import UserId
from bot.errors import ChatError, Refused
from bot.operations.store.groups import GroupRows
from bot.operations.ticker import Ticker
from bot.ports import NO_SUCH_GROUP, Clock, Directory

log = logging.getLogger(__name__)

_TICK_S = 2.0


class UserGroups:
    """A part of whoever hears Slack. Thread-safe.

    Args:
        age: how old what is known may be; each group is asked for three times as often.
        check: told of all members once, at the start; raises what is wrong with the policy by them.
    """

    def __init__(
        self,
        rows: GroupRows,
        directory: Directory,
        clock: Clock,
        age: timedelta,
        check: Callable[[Mapping[str, frozenset[UserId]]], None] = lambda _: None,
    ) -> None:
        self._rows = rows
        self._directory = directory
        self._clock = clock
        self._check = check
        self._changed: set[str] = set()
        duties = ((_TICK_S, self.refresh_changed), (age.total_seconds() / 3, self.refresh_all))
        self._ticker = Ticker("ferry-user-groups", duties)

    def start(self) -> None:
        """Ask for every group once before anybody is heard.

        Raises:
            Refused: the policy names a group that does not exist, or says something that its members cannot meet.
        """
        if not self._rows.groups:
            return
        for group in self._rows.groups:
            self._refresh(group, starting=True)
        if not (known := self._rows.read()).unknown:
            self._check(known.members)
        self._ticker.start()

    def stop(self) -> None:
        self._ticker.stop()

    def has_changed(self, group: str) -> None:
        """Slack says so; it is asked within seconds, in another thread."""
        if group in self._rows.groups:
            self._changed.add(group)

    def refresh_changed(self) -> None:
        """What is known of a group that has changed is wrong: if Slack does not tell, nobody is in it until it does."""
        for group in tuple(self._changed):
            self._changed.discard(group)
            if not self._refresh(group):
                self._rows.forget(group)
                self._changed.add(group)

    def refresh_all(self) -> None:
        for group in self._rows.groups:
            self._refresh(group)

    def _refresh(self, group: str, *, starting: bool = False) -> bool:
        """Whether Slack has told."""
        asked_at = self._clock.now()
        try:
            members = self._directory.members(group)
        except ChatError as error:
            log.warning("group_not_read group=%s code=%s", group, error.code)
            if error.code != NO_SUCH_GROUP:
                return False  # it grows old, and counts as not known then
            if starting:
                raise Refused(
                    f"there is no user group {group} in this workspace",
                    needed="ids of user groups that exist, in the rules and approvals of the settings",
                    hint="`ferry policy check` names the place",
                ) from error
            members = frozenset()
        self._rows.keep(group, members, asked_at)
        return True
