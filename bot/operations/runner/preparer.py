"""Carries out one preparation of a host: looks, sets what is not yet so, looks again.

The host is the only witness of its settings: after a crash, a lost answer or a refusal it looks before it does anything
more, and what is set already is not set again. Nothing is sent before the row says that it may be.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.core.estate import Host
from bot.core.host_change import HostChange, HostPlan
from bot.core.lifecycle import Event, State
from bot.core.operation import Outcome
from bot.core.preparation import Preparation, PreparationPlan, Setting, find_changes, read_settings
from bot.core.preparation.plan import render
from bot.core.wording import render_list
from bot.errors import Fault, HostError, Refused
from bot.operations.runner.again import PASSING
from bot.operations.runner.host_runner import HostRunner
from bot.operations.runner.timing import backoff_s

_PASSING = PASSING | {Fault.CAPACITY}


class Preparer(HostRunner):
    """Carries out preparations."""

    def carry_out(self, preparation: Preparation) -> None:
        """From the state the row is in to its end.

        Raises:
            Stopped: the runner is to stop, or the row is no longer this attempt's.
        """
        for turn in range(1, self._timing.starts + 1):
            try:
                self._set(preparation)
            except HostError as error:
                if error.fault not in _PASSING or turn == self._timing.starts:
                    self._give_up(preparation, error)
                    return
                self._wait(backoff_s(self._timing.start_pause_s, self._timing.look_pause_most_s, turn))
            else:
                return

    def _set(self, preparation: Preparation) -> None:
        plan = preparation.plan
        host = self._look(plan.host)
        begun = self._state(preparation) is not State.GRANTED
        if differences := find_changes(plan, host, begun=begun):
            outcome = Outcome(
                summary="what was confirmed is no longer so; nothing more was set",
                cause=render_list(differences),
                remedy=plan.command,
            )
            self._change(preparation, Event.FAIL, outcome)
            return
        if refusal := self._find_refusal(preparation):
            summary = "nothing was set: it is no longer allowed"
            self._change(preparation, Event.FAIL, Outcome(summary=summary, cause=refusal, remedy=plan.command))
            return
        if self._hold(preparation):
            return
        if self._state(preparation) is not State.VERIFYING:
            self._change(preparation, Event.START, note=f"setting up {plan.host}")
            for one in missing(preparation, host):
                self._require(preparation)
                self._fleet.configure(plan.host, one.name, one.after)
            self._change(preparation, Event.VERIFY)
        event, outcome = conclude(preparation, self._look(plan.host))
        self._change(preparation, event, outcome)

    def _look(self, host: str) -> Host:
        return self._fleet.read_host(host)[0]

    def _give_up(self, preparation: Preparation, error: HostError) -> None:
        """The host's last word; one more look tells what is set, if it answers."""
        told = {"words": error.words, "cause": error.cause or error.message, "remedy": error.hint}
        try:
            host = self._look(preparation.plan.host)
        except HostError:
            summary = f"{preparation.plan.host} gives no answer: what is set there is not known"
            began = self._state(preparation) is not State.GRANTED
            event = Event.DOUBT if began else Event.FAIL
            summary = summary if began else f"{preparation.plan.host} gives no answer; nothing was set"
            self._change(preparation, event, Outcome(summary=summary, **told))
            return
        event, outcome = conclude(preparation, host)
        if event is Event.SUCCEED:
            if self._state(preparation) is not State.VERIFYING:
                self._change(preparation, Event.START)
                self._change(preparation, Event.VERIFY)
            self._change(preparation, event, outcome)
        else:
            self._change(preparation, Event.FAIL, outcome.model_copy(update=told))


def missing(preparation: Preparation, host: Host) -> tuple[Setting, ...]:
    """What is not yet as it should be, in the plan's order."""
    now = read_settings(host)
    return tuple(one for one in preparation.plan.settings if now.get(one.name) != one.after)


def conclude(preparation: Preparation, host: Host) -> tuple[Event, Outcome]:
    """What the host shows at the end."""
    if left := missing(preparation, host):
        now = read_settings(host)
        shown = render_list([render(one.name, now.get(one.name)) for one in left])
        return Event.FAIL, Outcome(
            summary=f"{host.name} still shows {shown}",
            cause="it took the order and does not show it, or somebody set it back",
            remedy=preparation.plan.command,
        )
    shown = render_list([render(one.name, one.after) for one in preparation.plan.settings], most=8)
    return Event.SUCCEED, Outcome(summary=f"{host.name} shows {shown}")


class PreparationRules:
    """Implements `host_desk.Rules`.

    Args:
        read: a host, asked now. Raises HostError.
    """

    def __init__(self, read: Callable[[str], Host]) -> None:
        self._read = read

    def find_changes(self, plan: HostPlan) -> tuple[str, ...]:
        assert isinstance(plan, PreparationPlan)
        return find_changes(plan, self._read(plan.host))

    def conclude(self, change: HostChange) -> tuple[Event, Outcome]:
        assert isinstance(change, Preparation)
        return conclude(change, self._read(change.plan.host))

    def refuse_late_cancel(self, change: HostChange) -> Refused | None:
        return Refused(
            f"it is too late to cancel {change.id}: {change.plan.host} is being set up",
            hint=f"`prepare {change.plan.host} back` undoes it",
        )
