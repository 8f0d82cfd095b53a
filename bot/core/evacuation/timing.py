"""When each move of an evacuation is expected to begin and to end, and what limits cost.

The rule by which moves really start decides, too, how the plan's simulation goes; the order of the plan is the one in
which that rule does best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.estate import IN_MEMORY, Census
from bot.core.estimate import ASSUMED_LINK_GBIT_S, usable_bytes_s
from bot.core.evacuation.measuring import Measured
from bot.core.evacuation.plan import Forecast, Leg
from bot.core.plan import MoveKind
from bot.core.planner import Limits
from bot.core.schedule import Caps, Network, Timetable, Trip, plan
from bot.core.storage import known_bytes, travelling
from bot.core.ties import Tie
from bot.core.wording import render_about, render_count, render_duration, render_list, render_rate


def network_of(limits: Limits) -> Network:
    """What the settings say of links; 10 GbE where they say nothing."""
    links = {host: usable_bytes_s(gbit_s) for host, gbit_s in limits.link_gbit_s.items()}
    return Network(links=links, default_bytes_s=usable_bytes_s(ASSUMED_LINK_GBIT_S))


ASSUMED_NETWORK = network_of(Limits())

# Whether of storage -> what is limited, and the parameter of Set-VMHost that says how many at a time.
_LIMITS = {
    False: ("live migration", "MaximumVirtualMachineMigrations"),
    True: ("storage migration", "MaximumStorageMigrations"),
}


@dataclass(frozen=True)
class Known:
    """What carries migrations, what earlier ones told of guests, and what ties these: members by VM id."""

    network: Network = ASSUMED_NETWORK
    measured: Measured = field(default_factory=Measured)
    ties: tuple[Tie, ...] = ()


UNKNOWN = Known()


@dataclass(frozen=True)
class Timed:
    """Legs in their order with their times; `notes` say what a configured limit costs."""

    legs: tuple[Leg, ...]
    forecast: Forecast
    caps: Caps
    notes: tuple[str, ...] = ()


def time_legs(legs: Sequence[Leg], seen: Mapping[str, Census], known: Known) -> Timed:
    """The order in which they are to start, and what that is expected to take."""
    caps = Caps(
        live={host: one.info.live_limit for host, one in seen.items() if one.info},
        storage={host: one.info.storage_limit for host, one in seen.items() if one.info},
    )
    knowing = [leg.model_copy(update={"dirty_bytes_s": known.measured.dirty.get(leg.plan.move.vm)}) for leg in legs]
    timetable = plan([trip_of(str(number), leg) for number, leg in enumerate(knowing)], known.network, caps)
    timed = tuple(_in_their_turn(knowing, timetable))
    return Timed(timed, _forecast(timetable, timed, known), caps, tuple(_advise(timetable, seen)))


def trip_of(name: str, leg: Leg) -> Trip:
    """A leg as the schedule knows it."""
    move = leg.plan.move
    return Trip(
        id=name,
        source=move.source,
        destination=move.destination,
        memory_bytes=move.memory_bytes if move.state in IN_MEMORY else 0,
        storage_bytes=known_bytes(travelling(move.disks)) if move.kind.carries_storage else 0,
        dirty_bytes_s=leg.dirty_bytes_s,
        rank=leg.rank,
        stage=leg.stage,
        live=move.kind is not MoveKind.STORAGE,
        storage=move.kind.carries_storage,
    )


def _in_their_turn(legs: Sequence[Leg], timetable: Timetable) -> Iterator[Leg]:
    slots = {slot.trip.id: slot for slot in timetable.slots}
    blackouts = {one.trip: one for one in timetable.blackouts}
    for name in timetable.order:
        slot, blackout = slots.get(name), blackouts.get(name)
        yield legs[int(name)].model_copy(
            update={
                "begins_s": slot.starts_s if slot else 0.0,
                "ends_s": slot.ends_s if slot else 0.0,
                "blackout_s": blackout.seconds if blackout else 0.0,
                "converges": blackout.converges if blackout else True,
            }
        )


def _forecast(timetable: Timetable, legs: Sequence[Leg], known: Known) -> Forecast:
    hosts = sorted({host for leg in legs for host in (leg.plan.move.source, leg.plan.move.destination)})
    assumed = [host for host in hosts if host not in known.network.links]
    measured = [host for host in hosts if host in known.measured.links]
    slowest = min((known.measured.links.get(host, known.network.link(host)) for host in hosts), default=0.0)
    basis = [f"links of {render_rate(slowest)} and more"]
    if measured:
        basis.append(f"measured for {render_list(measured)}")
    if assumed:
        basis.append(f"assumed for {render_list(assumed)}")
    unknown = sum(leg.dirty_bytes_s is None for leg in legs)
    if unknown:
        basis.append(f"how fast {unknown} of {len(legs)} guests write is not known yet")
    return Forecast(
        seconds=timetable.foretold_s, low_s=timetable.low_s, high_s=timetable.high_s, basis=", ".join(basis)
    )


def _advise(timetable: Timetable, seen: Mapping[str, Census]) -> Iterator[str]:
    """Data for a person: Ferry never sets a limit."""
    for one in timetable.advice:
        then_s = timetable.seconds - one.seconds_saved
        faster = f"{render_about(then_s)} instead of {render_duration(timetable.seconds)}"
        if one.host:
            kind, parameter = _LIMITS[one.storage]
            info, remedy = seen[one.host].info, f"`Set-VMHost -{parameter} {one.better}` on it"
            if info is not None and info.cluster and not one.storage:
                remedy = f"`(Get-Cluster).MaximumParallelMigrations = {one.better}` on a node of {info.cluster}"
            allowed = render_count(one.limit, kind)
            yield f"{one.host} allows {allowed} at a time; {one.better} would make it {faster}: {remedy}"
        else:
            yield f"the limit of {one.limit} migrations at a time makes it longer; {one.better} would make it {faster}"
