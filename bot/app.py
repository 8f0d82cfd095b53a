"""Builds the bot from its settings: the one place where adapters meet the core. Two calls, two bots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import commands
from bot.core.estate import Seen
from bot.core.plan import Plan
from bot.core.planner import Limits
from bot.core.policy import Policy
from bot.core.preflight import changes
from bot.dispatch import Dispatcher
from bot.hyperv.fleet import HyperVFleet
from bot.operations.announcer import Announcer
from bot.operations.desk import Desk
from bot.operations.engine import Engine
from bot.operations.intake import Intake
from bot.operations.inventory import Inventory
from bot.operations.runner import Runner, Timing
from bot.operations.store import Store
from bot.registry import discover
from bot.settings import Settings
from bot.slack.listeners import SlackFront
from bot.slack.poster import Poster


class SystemClock:
    """Implements `ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Bot:
    """Ferry, put together. Start once, stop once.

    Attributes:
        front: where people are heard; everything else is behind it.
    """

    store: Store
    fleet: HyperVFleet
    inventory: Inventory
    engine: Engine
    announcer: Announcer
    intake: Intake
    front: SlackFront

    def start(self) -> None:
        """Take up what a former run left, then listen.

        Raises:
            FerryError: the database is newer than this program or in use by another process, or Slack does not answer.
        """
        self.inventory.start()
        self.engine.start()
        self.announcer.start()
        self.intake.start()
        self.front.start(self.intake.take)

    def stop(self) -> None:
        """Within seconds. Running moves are left to their hosts; the next start attaches to them. Idempotent."""
        self.front.stop()
        self.intake.stop()
        self.engine.stop()
        self.inventory.stop()
        self.announcer.stop()
        self.fleet.close()
        self.store.close()


def build(settings: Settings, timing: Timing | None = None) -> Bot:
    """Make the object graph and bring the database up to date; nothing listens or runs yet. Tests hurry with `timing`.

    Raises:
        Refused: a Slack token is missing or not what it should be.
        ChatError: Slack does not accept the token, or cannot be reached.
        FerryError: the database is newer than this program.
    """
    clock = SystemClock()
    front = SlackFront(settings.slack)
    store = Store(settings.operations.database_url.get_secret_value(), clock)
    store.migrate()
    fleet = HyperVFleet(settings.hosts)
    inventory = Inventory(fleet, clock, settings.operations.refresh_s, on_seen=_record_room(store))
    limits = _limits(settings)
    recheck = _recheck(inventory, store, clock, limits)
    desk = Desk(store, clock, recheck, timedelta(minutes=settings.operations.offer_minutes))
    dispatcher = Dispatcher(
        discover(commands),
        Policy(allow=frozenset(settings.slack.allow)),
        inventory,
        store,
        desk,
        limits,
        clock,
        bot_user=front.bot_user,
        stale_after_s=settings.operations.stale_command_s,
    )
    chat = Poster(front.client)
    return Bot(
        store=store,
        fleet=fleet,
        inventory=inventory,
        engine=Engine(store, Runner(store, fleet, clock, recheck, timing), inventory.look_soon),
        announcer=Announcer(store, chat, clock, settings.operations.updates_per_minute),
        intake=Intake(store, dispatcher.answer, chat),
        front=front,
    )


def _limits(settings: Settings) -> Limits:
    links = {name: host.link_gbit_s for name, host in settings.hosts.items() if host.link_gbit_s}
    return Limits(memory_reserve_bytes=int(settings.operations.memory_reserve_gib * (1 << 30)), link_gbit_s=links)


def _record_room(store: Store) -> Callable[[Seen], None]:
    """Each look at a host tells the store how many migrations it allows and runs."""

    def record(seen: Seen) -> None:
        if seen.known and seen.info is not None:
            store.set_room(seen.info, seen.at)

    return record


def _recheck(
    inventory: Inventory, store: Store, clock: SystemClock, limits: Limits
) -> Callable[[Plan], tuple[str, ...]]:
    """What differs now, on both hosts, from what was approved. Asked at the click and again at the start.

    What was read tells admission, too, how much room there is at this moment.
    """

    def differences(plan: Plan) -> tuple[str, ...]:
        began = clock.now()
        source, vm, destination = inventory.read_pair(plan.move.source, plan.move.destination, plan.move.vm)
        for host in {each.name: each for each in (source, destination)}.values():
            store.set_room(host, began)
        return changes(plan, vm, source, destination, limits.memory_reserve_bytes)

    return differences
