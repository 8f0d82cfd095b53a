"""What was read of hosts becomes an evacuation that a person is asked to confirm.

    filters    which hosts each VM may go to at all
    placement  where they fit together, by whoever is given as `place`
    timetable  in which order, and how long it takes

A plan is made of what can move; what cannot is named with its reason and a remedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bot.core.estate import Census, Host, Vm
from bot.core.evacuation import reasons
from bot.core.evacuation.filters import Choice, choose
from bot.core.evacuation.material import make_guest, make_target, plan_move, weigh_loads
from bot.core.evacuation.plan import EvacuationKind, EvacuationPlan, Leg, Staying
from bot.core.evacuation.rules import Rules
from bot.core.evacuation.tied import once_moved, place_tied, render_broken
from bot.core.evacuation.timing import UNKNOWN, Known, Timed, time_legs
from bot.core.holds.touching import find_lock
from bot.core.placement import Guest, Method, Placement, Problem
from bot.core.roster import NONE, Rosters
from bot.core.wording import render_list
from bot.errors import Refused


class Place(Protocol):
    def __call__(self, problem: Problem, *, make_room: bool = False) -> Placement:
        """Find a placement. Args: make_room: whether residents may be moved between destinations."""


@dataclass(frozen=True)
class Wish:
    """What was asked for. `only`, where it is given, names the VMs by id; `but` leaves out by name."""

    command: str
    hosts: tuple[str, ...]
    but: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    make_room: bool = False
    retries: str = ""  # the evacuation whose failed moves these are


def plan_evacuation(
    wish: Wish, censuses: Sequence[Census], rules: Rules, place: Place, known: Known = UNKNOWN, rosters: Rosters = NONE
) -> EvacuationPlan:
    """
    Args:
        censuses: of the hosts to be emptied and of every possible destination, asked just now.
        known: of links, guests, and what ties them in their clusters.
        rosters: of the clusters that they are nodes of.

    Raises:
        Refused: a host that is to be emptied gave no answer, nothing is on it, or nobody could take anything.
    """
    seen = {census.host: census for census in censuses}
    sources = [answering(seen[host]) for host in wish.hosts]
    others = [census for census in censuses if census.host not in wish.hosts]
    destinations = _answering_ones(others)
    vms = [vm for census in sources for vm in census.vms if wish.only is None or vm.id in wish.only]
    _refuse_unknown_names(wish, vms)
    work = _Work(wish, seen, destinations, rules, rosters)
    for vm in vms:
        work.sort(vm)
    placement = place_tied(work.problem(), known.ties, censuses, partial(place, make_room=wish.make_room))
    timed = time_legs([*work.make_room(placement), *work.legs(placement)], seen, known)
    return EvacuationPlan(
        kind=EvacuationKind.EVACUATION,
        command=wish.command,
        action="host.evacuate",
        hosts=wish.hosts,
        destinations=tuple(census.host for census in destinations),
        legs=timed.legs,
        staying=(*work.staying, *work.unplaced(placement)),
        loads=tuple(weigh_loads(timed.legs, seen)),
        forecast=timed.forecast,
        method=_method(placement),
        notes=(*_notes(others, timed, placement), *render_broken(known.ties, censuses, timed.legs)),
        failure_budget=rules.failure_budget,
        network=known.network,
        caps=timed.caps,
        retries=wish.retries,
    )


def answering(census: Census) -> Census:
    """Raises Refused: it gave no answer."""
    if census.info is None:
        raise Refused(
            f"{census.host} gives no answer: {census.failure}; what it holds and does is unknown",
            needed=f"an answer of {census.host}: a host that is gone cannot be emptied",
            hint=f"if it is dead, its VMs are to be started elsewhere; `where` shows what is known of each; "
            f"`evacuate {census.host}` asks again",
        )
    return census


def _answering_ones(others: Sequence[Census]) -> list[Census]:
    if found := [census for census in others if census.info is not None]:
        return found
    silent = render_list([census.host for census in others])
    raise Refused(
        f"no host could take anything: {f'{silent} give no answer' if silent else 'there is no other host'}",
        needed="at least one other host that answers",
        hint="`hosts` shows which do",
    )


def _refuse_unknown_names(wish: Wish, vms: Sequence[Vm]) -> None:
    """A VM that was to be left out by a name that nobody has would be moved."""
    there = {vm.name.casefold() for vm in vms} | {vm.id for vm in vms}
    if wrong := [name for name in wish.but if name.casefold() not in there]:
        raise Refused(
            f"there is no {render_list(wrong, last='or')} on {render_list(wish.hosts)}",
            needed="names of VMs on the hosts that are emptied",
            hint=f"`vms {wish.hosts[0]}` lists them",
        )


class _Work:
    """One evacuation being planned: its VMs sorted into those that may go and those that stay."""

    def __init__(
        self, wish: Wish, seen: Mapping[str, Census], destinations: Sequence[Census], rules: Rules, rosters: Rosters
    ) -> None:
        self._rosters = rosters
        self._wish = wish
        self._seen = seen
        self._destinations = destinations
        self._hosts = [census.info for census in destinations if census.info is not None]
        self._rules = rules
        self._vms: dict[str, Vm] = {}
        self._guests: list[Guest] = []
        self._residents: list[Guest] = []
        self.staying: list[Staying] = []
        self._without_residents = rosters
        if wish.make_room:
            self._admit_residents(destinations)

    def _admit_residents(self, destinations: Sequence[Census]) -> None:
        """Those that may make way. Whom a cluster keeps apart from them strictly is kept apart by the placement."""
        movable = [
            (vm, census.info)
            for census in destinations
            if census.info is not None
            for vm in census.vms
            if not self._rules.stays(vm.name) and not find_lock(self._rules.locks, vm)
        ]
        nowhere = {vm.id: "" for vm, _ in movable}
        self._without_residents = {host: roster.placed(nowhere) for host, roster in self._rosters.items()}
        self._residents = [self._guest(vm, self._choose(vm, info).allowed - {info.name}) for vm, info in movable]

    def _choose(self, vm: Vm, source: Host) -> Choice:
        return choose(vm, source, self._hosts, self._without_residents.get(vm.host))

    def sort(self, vm: Vm) -> None:
        source = self._seen[vm.host].info
        assert source is not None
        if vm.name.casefold() in {name.casefold() for name in self._wish.but} or vm.id in self._wish.but:
            self.staying.append(reasons.left_out(vm))
        elif lock := find_lock(self._rules.locks, vm):
            self.staying.append(reasons.locked(vm, lock))
        elif tag := self._rules.stays(vm.name):
            self.staying.append(reasons.tagged(vm, tag))
        else:
            choice = self._choose(vm, source)
            if choice.allowed:
                self._guests.append(self._guest(vm, choice.allowed))
            else:
                self.staying.append(reasons.nowhere_allowed(vm, choice))

    def problem(self) -> Problem:
        known = frozenset(guest.id for guest in self._residents)
        targets = tuple(make_target(census, self._rules, known) for census in self._destinations)
        return Problem(tuple(self._guests), targets, tuple(self._residents))

    def _guest(self, vm: Vm, allowed: frozenset[str]) -> Guest:
        self._vms[vm.id] = vm
        return make_guest(vm, allowed, self._rules)

    def make_room(self, placement: Placement) -> list[Leg]:
        """Each in a stage of its own: it may need the room that the one before has made."""
        legs = []
        for stage, shift in enumerate(placement.extra):
            legs.append(self._leg(self._vms[shift.guest], shift.source, shift.destination, stage, makes_room=True))
            self._rosters = once_moved(self._rosters, legs[-1:])
        return legs

    def legs(self, placement: Placement) -> list[Leg]:
        stage = len(placement.extra)
        return [self._leg(self._vms[vm], self._vms[vm].host, to, stage) for vm, to in placement.where.items()]

    def _leg(self, vm: Vm, source: str, destination: str, stage: int, *, makes_room: bool = False) -> Leg:
        here, there = self._seen[source].info, self._seen[destination].info
        assert here is not None
        assert there is not None
        plan = plan_move(vm, here, there, self._rules, self._rosters.get(source), unique=self._is_unique(vm))
        return Leg(plan=plan, stage=stage, rank=self._rules.rank(vm.name), makes_room=makes_room)

    def _is_unique(self, vm: Vm) -> bool:
        names = [other.name.casefold() for census in self._seen.values() for other in census.vms]
        return names.count(vm.name.casefold()) == 1

    def unplaced(self, placement: Placement) -> list[Staying]:
        """There may be room in pieces that other VMs keep apart: then making room is worth a try."""
        problem = self.problem()
        room = sum(target.memory for target in problem.targets)
        scattered = not self._wish.make_room and sum(guest.memory for guest in problem.guests) <= room
        remedy = f"`{self._wish.command} make room` also moves VMs between the other hosts" if scattered else ""
        return [reasons.unplaced(self._vms[one.guest], one, placement.shortfall, remedy) for one in placement.unplaced]


def _method(placement: Placement) -> str:
    found = {Method.GREEDY: "first fit", Method.REPAIR: "repair", Method.EXACT: "exact solver"}[placement.method]
    return found if placement.decided else f"{found}, not proven"


def _notes(others: Sequence[Census], timed: Timed, placement: Placement) -> list[str]:
    silent = [census.host for census in others if census.info is None]
    notes = [f"not considered, because they give no answer: {render_list(silent)}"] if silent else []
    if placement.unplaced:
        proven = "proven: no other placement moves more" if placement.most else "not proven that no more could move"
        notes.append(proven + (f" ({placement.undecided})" if placement.undecided else ""))
    if placement.extra and placement.undecided:
        notes.append(f"not proven that fewer moves would not make room ({placement.undecided})")
    return [*notes, *timed.notes]
