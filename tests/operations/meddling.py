"""A fleet with somebody's hand in it: what two real hosts cannot be made to do at a chosen moment."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

from tests.operations.bench import Bench

Hook = Callable[..., Any]


class Meddling:
    """The real fleet, but for the calls that have a hook.

    A hook is called in place of the call it is named after, with the real call before its arguments: it does something
    before or after it, or raises a HostError instead.
    """

    def __init__(self, fleet: object, **hooks: Hook) -> None:
        self._fleet = fleet
        self._hooks = hooks

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._fleet, name)
        return partial(self._hooks[name], real) if name in self._hooks else real


def meddle(bench: Bench, **hooks: Hook) -> None:
    """Give runners that are made from now on such a fleet. The hosts and their own fleet stay what they are."""
    bench.lab = copy(bench.lab)
    bench.lab.fleet = Meddling(bench.lab.fleet, **hooks)  # type: ignore[assignment]  # same calls, another class
