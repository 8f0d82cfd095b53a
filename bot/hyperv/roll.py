"""The hosts at the other end of the line, by name: more may come, and nobody is ever forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.errors import HostUnreachable
from bot.hyperv.remote import RemoteHost
from bot.settings import HostSettings


def _nobody() -> None:
    """Knows of no further host."""


class Roll(dict[str, RemoteHost]):
    """Thread-safe as far as it is used: looked up, and added to.

    Attributes:
        on_stranger: called when a host is asked for that is not known; whoever knows of it may admit it.
    """

    def __init__(self, idle_reset_s: float) -> None:
        super().__init__()
        self._idle_reset_s = idle_reset_s
        self.on_stranger: Callable[[], None] = _nobody

    def admit(self, hosts: Mapping[str, HostSettings]) -> None:
        for name, settings in hosts.items():
            if name not in self:
                self.setdefault(name, RemoteHost(name, settings, self._idle_reset_s))

    def __missing__(self, name: str) -> RemoteHost:
        """A host that another process has learnt of may be new to this one: whoever knows of it is asked first."""
        self.on_stranger()
        if name in self:
            return self[name]
        raise HostUnreachable(
            name,
            "reaching it",
            cause="the settings name no such host, and none of their clusters has such a node",
            hint="Put it back into the settings, under [hosts], to look at it again",
        )
