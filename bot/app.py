"""Builds the bot from its settings: the one place where adapters meet the core. Two calls, two bots."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import commands
from bot.audit import AuditCopy
from bot.charts import draw_evacuation
from bot.core.evacuation import Evacuation
from bot.core.evacuation.gantt import make_picture
from bot.core.evacuation.timing import network_of
from bot.core.holds.touching import find_holds
from bot.core.holds.wording import render_briefly
from bot.core.membership import Membership
from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.plan import Plan
from bot.core.planner import Limits
from bot.core.policy import AnyPlan, Groups
from bot.core.preflight import changes
from bot.dispatch import Dispatcher
from bot.errors import Refused
from bot.forms import CommandForms
from bot.hyperv.fleet import HyperVFleet
from bot.operations.announcer import Announcer
from bot.operations.arrivals import tell_arrivals
from bot.operations.authority import Authority, Learn, learn_nothing, read_facts
from bot.operations.bookkeeper import Bookkeeper
from bot.operations.clock_watch import LOOK_S, ClockWatch
from bot.operations.configuration import read_links, read_patience, read_rules, read_timing
from bot.operations.desk import Desk
from bot.operations.engine import Engine
from bot.operations.evacuations import Evacuations
from bot.operations.herald import Herald
from bot.operations.homes import HomeKeeper
from bot.operations.intake import Intake
from bot.operations.inventory import Inventory
from bot.operations.journal import Journal
from bot.operations.looking import Looking
from bot.operations.memberships import Members, Memberships
from bot.operations.people import People
from bot.operations.policy import read_admitted, read_calendar, read_policy, require_sound
from bot.operations.presence import BEATS, DEAD_AFTER_S, Presence
from bot.operations.runner import Runner, Timing
from bot.operations.runner.permission import permission_by
from bot.operations.steward import Steward
from bot.operations.store import Store
from bot.operations.store.groups import GroupRows
from bot.operations.store.memberships import MembershipRows
from bot.operations.timekeeper import Timekeeper
from bot.operations.user_groups import UserGroups
from bot.ports import Clock, Forms
from bot.registry import discover
from bot.settings import HostSettings, Settings, hosts_with, name_of_node
from bot.slack.groups import SlackGroups, require_scopes
from bot.slack.home import HomeBoard
from bot.slack.listeners import SlackFront
from bot.slack.manifest import reads_of
from bot.slack.poster import Poster
from bot.solver import Placer


class SystemClock:
    """Implements `ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Role(StrEnum):
    """What a process does: people are heard and answered by a bot, moves are carried out by a worker."""

    BOT = "bot"
    WORKER = "worker"
    ALL = "all"


class Part(Protocol):
    """Something that runs until it is stopped; stopping is idempotent and takes seconds."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class Bot:
    """Ferry, put together for one role. Start once, stop once.

    Attributes:
        parts: in the order of their start; whoever hears people is the last.
        bot_user: who Ferry is in chat; empty for a worker.
    """

    store: Store
    presence: Presence
    fleet: HyperVFleet
    inventory: Inventory
    parts: tuple[Part, ...]
    bot_user: str

    def start(self) -> None:
        """Make sure to be the only one of its name, bring the database up to date, take up what was left, and listen.

        Raises:
            FerryError: the database is newer than this program or in use by another process, the clock is wrong, or
                Slack does not answer.
        """
        self.presence.enter()
        self.store.migrate()
        self.store.check_clock()
        self.presence.announce()
        for part in self.parts:
            part.start()

    def stop(self) -> None:
        """Within seconds. Running moves are left to their hosts; the next start attaches to them. Idempotent."""
        with ExitStack() as stopping:  # the last comes first, and whatever one raises, the others stop
            for stop in (self.store.close, self.fleet.close, self.presence.leave, *(part.stop for part in self.parts)):
                stopping.callback(stop)


def build(
    settings: Settings,
    timing: Timing | None = None,
    clock: Clock | None = None,
    *,
    role: Role = Role.ALL,
    site: str | None = None,
    dead_after_s: float = DEAD_AFTER_S,
) -> Bot:
    """Make the object graph; nothing listens or runs yet, and no database is touched.

    Tests hurry with `timing` and `dead_after_s`, and give the bot a clock that jumps.

    Args:
        site: whose hosts' moves are carried out here; None: every site's.
        dead_after_s: for how long another process may be silent before its work is taken over.

    Raises:
        Refused: the settings do not allow this role, or a Slack token is missing or not what it should be.
        ChatError: Slack does not accept the token, or cannot be reached.
    """
    require_sound(settings)
    sites = _sites(settings, role, site)
    name = settings.operations.process or f"{socket.gethostname()}/{role}/{site or '*'}"
    base = _base(settings, clock or SystemClock(), name, sites, dead_after_s)
    watched = None if role is not Role.WORKER else frozenset(sites)
    authority, bot_user = _authority(base, base.groups.read), ""
    first: list[Part] = []
    last: list[Part] = []
    if role is not Role.WORKER:
        front = SlackFront(settings.slack)
        bot_user = front.bot_user
        directory = _directory(base, front)
        authority = _authority(base, base.groups.read, directory.people.learn)
        first, last = [*directory], _ears(base, authority, front, directory)
    if role is not Role.BOT:
        last = [_engine(base, authority, timing or read_timing(settings), dead_after_s), *last]
    parts = (*first, *_memberships(base, watched), base.inventory, _steward(base, name), *last)
    return Bot(base.store, base.presence, base.fleet, base.inventory, parts, bot_user)


@dataclass(frozen=True)
class _Base:
    """What every role needs. Sites and links are those of all hosts so far, and grow with the clusters' nodes."""

    settings: Settings
    clock: Clock
    store: Store
    presence: Presence
    fleet: HyperVFleet
    inventory: Inventory
    limits: Limits
    sites: dict[str, str]
    links: dict[str, float]
    recheck: Callable[[Plan], tuple[str, ...]]
    groups: GroupRows


def _base(settings: Settings, clock: Clock, name: str, sites: Iterable[str], dead_after_s: float) -> _Base:
    at = {host: its.site for host, its in settings.hosts.items()}
    links = read_links(settings.hosts)
    reserve = int(settings.operations.memory_reserve_gib * (1 << 30))
    limits = Limits(memory_reserve_bytes=reserve, link_gbit_s=links)
    store = Store(settings.operations.database_url.get_secret_value(), clock, sites=at, network=network_of(limits))
    presence = Presence(store.database, name, sites=tuple(sites), dead_after_s=dead_after_s)
    fleet = HyperVFleet(settings.hosts, settings.clusters)
    inventory = Inventory(fleet, clock, settings.operations.refresh_s, on_room=store.set_room)
    recheck = _recheck(inventory, store, clock, limits)
    age = timedelta(minutes=settings.policy.groups_minutes)
    groups = GroupRows(store, read_policy(settings).groups, age, read_admitted(settings))
    return _Base(settings, clock, store, presence, fleet, inventory, limits, at, links, recheck, groups)


def _steward(base: _Base, name: str) -> Steward:
    clocks = (LOOK_S, ClockWatch(base.store, name, base.settings.slack.audit_channel).look)
    keep = timedelta(days=base.settings.operations.keep_days)
    return Steward(base.store, base.inventory.ask_room_soon, keep=keep, more=(clocks,))


def _memberships(base: _Base, watched: frozenset[str] | None) -> list[Part]:
    """Whatever keeps the hosts what they are now; nothing for a settings file that names hosts alone.

    Args:
        watched: sites whose hosts this process looks at without being asked; None: all.
    """
    settings, inventory = base.settings, base.inventory

    def look_after(hosts: Mapping[str, HostSettings]) -> None:
        seen = [name for name, host in hosts.items() if watched is None or host.site in watched]
        inventory.set_hosts(hosts, seen)

    def apply(members: Members) -> None:
        known = [one for one in members.values() if one.known]
        domains = {one.cluster: one.domain for one in known}
        ever = {one.cluster: (*one.nodes, *(left.node for left in one.left)) for one in known}
        admitted = hosts_with(settings, ever, domains)
        base.fleet.admit(admitted)
        base.sites.update({name: host.site for name, host in admitted.items()})
        base.links.update(read_links(admitted))
        base.store.links.known = network_of(base.limits)
        look_after(hosts_with(settings, {one.cluster: one.nodes for one in known}, domains))

    look_after(settings.hosts)
    if not settings.clusters:
        return []
    rows = MembershipRows(base.store.database)

    def ways(one: Membership) -> tuple[str, ...]:
        return tuple(name_of_node(settings, node) for node in one.nodes)

    refresh_s = settings.operations.refresh_s
    part = Memberships(settings.clusters, base.fleet, rows, base.clock, ways, apply, refresh_s)
    base.fleet.on_stranger(part.recall)
    inventory.memberships = part.members
    return [part]


def _engine(base: _Base, authority: Authority, timing: Timing, dead_after_s: float) -> Engine:
    permission = permission_by(authority, _authority(base, base.groups.read_last), base.store)
    runner = Runner(base.store, base.fleet, base.clock, base.recheck, permission, timing)
    ask = (base.inventory.look_soon, base.inventory.ask_room_soon)
    return Engine(base.store, runner, base.presence, *ask, sweep_s=dead_after_s / BEATS)


def _sites(settings: Settings, role: Role, site: str | None) -> tuple[str, ...]:
    """The sites whose operations a process of this role carries out; a bot carries out none."""
    known = tuple(dict.fromkeys(host.site for host in (*settings.hosts.values(), *settings.clusters.values())))
    if site is not None and site not in known:
        raise Refused(
            f"no host of the settings is on site {site}",
            needed=f"one of {', '.join(known)}",
            hint=f'site = "{site}" in [hosts.NAME] puts a host there',
        )
    chosen = known if site is None else (site,)
    several = settings.operations.database_url.get_secret_value().startswith("postgres")
    if not several and (role is not Role.ALL or chosen != known):
        raise Refused(
            f"role {role} for {', '.join(chosen)} leaves work to other processes, and a SQLite file is for one process",
            needed="PostgreSQL for several at once",
            hint="DATABASE_URL=postgresql://user:password@server/name, or `ferry run` alone",
        )
    return () if role is Role.BOT else chosen


@dataclass(frozen=True)
class Listening:
    """The ears, as a part."""

    front: SlackFront
    intake: Intake
    forms: Forms
    homes: HomeKeeper
    changed: Callable[[str], None]

    def start(self) -> None:
        self.front.start(self.intake.take, self.forms, self.homes.opened, self.changed)

    def stop(self) -> None:
        self.front.stop()


class _Directory(NamedTuple):
    """What Slack says of groups, people and channels. It begins before all else: whatever starts is judged by it."""

    groups: UserGroups
    people: People

    def changed(self, whom: str) -> None:
        self.groups.has_changed(whom)
        self.people.doubt(whom)


def _directory(base: _Base, front: SlackFront) -> _Directory:
    require_scopes(front.scopes, reads_of(base.settings).outside)
    rows, clock, check = base.groups, base.clock, partial(require_sound, base.settings)
    slack = SlackGroups(front.client, front.team)
    people = People(base.store, rows, slack, clock, base.settings.named, lambda marks: check(marks=marks))
    return _Directory(UserGroups(rows, slack, clock, rows.age, check), people)


def _ears(base: _Base, authority: Authority, front: SlackFront, directory: _Directory) -> list[Part]:
    """Whatever hears and answers people."""
    settings, store, clock = base.settings, base.store, base.clock
    chat = Poster(front.client)
    copy = AuditCopy(settings.operations.audit_file, Journal(store.database, clock))
    place = Placer(settings.evacuation.solver_s).place
    evacuations = Evacuations(base.inventory, store, read_rules(settings, base.limits), place)
    patience, looking = read_patience(settings), Looking(store, base.fleet)
    desk = Desk(store, clock, base.recheck, patience, authority, looking, evacuations.changes)
    registry = discover(commands)
    dispatcher = Dispatcher(
        registry,
        authority,
        base.inventory,
        store,
        copy,
        evacuations,
        desk,
        base.limits,
        clock,
        read_calendar(settings),
        bot_user=front.bot_user,
        stale_after_s=settings.operations.stale_command_s,
    )

    offering = _authority(base, base.groups.read_trusting)
    forms = CommandForms(registry, partial(_permits, offering), base.inventory.estate, read_calendar(settings))
    homes = HomeKeeper(store, HomeBoard(front.client), base.inventory.estate, offering, clock)
    limit = settings.slack.commands_per_minute
    intake = Intake(store, dispatcher.answer, chat, holder=base.presence.id, per_minute=limit)
    look = partial(tell_arrivals, store, base.inventory.read_vms)
    return [
        Announcer(store, chat, clock, settings.operations.updates_per_minute, base.presence.id, draw=_draw, look=look),
        Bookkeeper(store, chat, clock, copy.refresh, settings.slack.audit_channel, base.presence.id),
        _timekeeper(base, authority, dispatcher),
        Herald(store, chat, base.inventory.estate, clock, settings.slack.audit_channel, base.presence.id),
        intake,
        homes,
        Listening(front, intake, forms, homes, directory.changed),
    ]


def _permits(authority: Authority, actor: UserId, place: Place, action: str) -> bool:
    return authority.decide(actor, place.channel, action).allowed


def _timekeeper(base: _Base, authority: Authority, dispatcher: Dispatcher) -> Timekeeper:
    offer = read_patience(base.settings).offer
    grace = timedelta(minutes=base.settings.policy.missed_minutes)

    def find_hold(plan: AnyPlan) -> str:
        return "; ".join(map(render_briefly, find_holds(base.store.holds(), plan)))

    return Timekeeper(base.store, authority, dispatcher.plan_again, offer=offer, grace=grace, find_hold=find_hold)


def _authority(base: _Base, groups: Callable[[], Groups], learn: Learn = learn_nothing) -> Authority:
    settings = base.settings
    facts = read_facts(read_rules(settings, base.limits).tags_of, base.inventory.estate, base.store)
    return Authority(read_policy(settings), base.clock, facts, groups, ZoneInfo(settings.policy.time_zone), learn)


def _draw(evacuation: Evacuation) -> bytes:
    return draw_evacuation(make_picture(evacuation))


def _recheck(inventory: Inventory, store: Store, clock: Clock, limits: Limits) -> Callable[[Plan], tuple[str, ...]]:
    """What differs now, on both hosts, from what was approved. Asked at the click and again at the start.

    What was read tells admission, too, how much room there is at this moment.
    """

    def differences(plan: Plan) -> tuple[str, ...]:
        began = clock.now()
        source, vm, destination = inventory.read_pair(plan.move.source, plan.move.destination, plan.move.vm)
        for host in {each.name: each for each in (source, destination)}.values():
            store.set_room(host, began)
        cluster, role = None, None
        if vm is not None and vm.clustered and source.cluster:
            cluster, role = inventory.read_cluster(source.name, vm.id)
        return changes(plan, vm, source, destination, limits.memory_reserve_bytes, cluster, role)

    return differences
