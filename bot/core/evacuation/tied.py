"""Brings what ties VMs in their clusters into a placement, which knows groups that keep apart and nothing else.

Hard ties are always in it. Wishes are tried first, all of them, then without those for one node, and are let go where
not every VM can be placed otherwise: no VM stays behind for a wish. VMs that wish for one node are placed as if they
were one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.estate import Census
from bot.core.evacuation.plan import Leg
from bot.core.placement import Guest, Placement, Problem, Target
from bot.core.roster import Rosters
from bot.core.ties import Tie
from bot.core.wording import render_list


def place_tied(
    problem: Problem, ties: Sequence[Tie], censuses: Sequence[Census], place: Callable[[Problem], Placement]
) -> Placement:
    """Args: censuses: of all hosts concerned, for where VMs are now."""
    live_on = _hosts(censuses)
    for kept in _ladder(ties):
        bound = _bind(problem, kept, live_on)
        placement = bound.unbind(place(bound.problem))
        if not placement.unplaced:
            return placement
    bound = _bind(problem, [tie for tie in ties if tie.hard], live_on)
    return bound.unbind(place(bound.problem))


def bind_hard(
    guests: Sequence[Guest], targets: Sequence[Target], ties: Sequence[Tie], censuses: Sequence[Census]
) -> tuple[tuple[Guest, ...], tuple[Target, ...]]:
    """Those that keep apart whom their cluster strictly does, for VMs whose place is no matter of wishes."""
    hard = [tie for tie in ties if tie.hard]
    bound = _bind(Problem(tuple(guests), tuple(targets)), hard, _hosts(censuses)).problem
    return bound.guests, bound.targets


def once_moved(rosters: Rosters, legs: Iterable[Leg]) -> Rosters:
    """The clusters with the VMs of these legs where they go."""
    owners = {leg.plan.move.vm: leg.plan.move.destination_fqdn for leg in legs}
    return {host: roster.placed(owners) for host, roster in rosters.items()} if owners else rosters


def _hosts(censuses: Sequence[Census]) -> dict[str, str]:
    """By VM id."""
    return {vm.id: census.host for census in censuses for vm in census.vms}


def _ladder(ties: Sequence[Tie]) -> list[list[Tie]]:
    """From all ties down to the last that are wishes; hard ties alone are not in it."""
    steps = [list(ties), [tie for tie in ties if tie.apart]]
    hard = [tie for tie in ties if tie.hard]
    return [step for number, step in enumerate(steps) if step != hard and step not in steps[:number]]


@dataclass(frozen=True)
class _Bound:
    """A problem whose ties are in it, and by the id of a guest that stands for several the ids of all of them."""

    problem: Problem
    members: Mapping[str, Sequence[str]]

    def unbind(self, placement: Placement) -> Placement:
        where = {vm: host for guest, host in placement.where.items() for vm in self.members.get(guest, (guest,))}
        return replace(placement, where=where)


def _bind(problem: Problem, ties: Sequence[Tie], live_on: Mapping[str, str]) -> _Bound:
    groups: dict[str, frozenset[str]] = {}
    for tie in ties:
        for member in tie.members if tie.apart else ():
            groups[member] = groups.get(member, frozenset()) | {tie.what}
    guests, residents = (tuple(_grouped(one, groups) for one in ones) for ones in (problem.guests, problem.residents))
    moving = {one.id for one in (*guests, *residents)}
    living: dict[str, frozenset[str]] = {}
    for member, its in groups.items():
        if member not in moving and member in live_on:
            living[live_on[member]] = living.get(live_on[member], frozenset()) | its
    targets = tuple(replace(one, groups=one.groups | living.get(one.name, frozenset())) for one in problem.targets)
    joined, members = _join(guests, [tie for tie in ties if not tie.apart and not tie.domains], live_on)
    return _Bound(Problem(joined, targets, residents), members)


def _grouped(guest: Guest, groups: Mapping[str, frozenset[str]]) -> Guest:
    return replace(guest, groups=guest.groups | groups.get(guest.id, frozenset()))


def _join(
    guests: Sequence[Guest], together: Sequence[Tie], live_on: Mapping[str, str]
) -> tuple[tuple[Guest, ...], dict[str, list[str]]]:
    """Those that wish for one node become one; where others of them live already, it is these nodes that they wish."""
    found = {guest.id: guest for guest in guests}
    members = {guest.id: [guest.id] for guest in guests}
    for tie in together:
        tied = [guest for guest in found.values() if tie.members.intersection(members[guest.id])]
        if not tied:
            continue
        first = tied[0]
        for other in tied[1:]:
            if both := _merge(first, other):
                first = found[first.id] = both
                del found[other.id]
                members[first.id] += members.pop(other.id)
        at_home = {live_on[member] for member in tie.members - members.keys() if member in live_on}
        if wished := first.allowed & at_home:
            found[first.id] = replace(first, allowed=wished)
    return tuple(found.values()), members


def _merge(one: Guest, other: Guest) -> Guest | None:
    """None: no host may take both."""
    allowed = one.allowed & other.allowed
    if not allowed or one.groups & other.groups:
        return None
    storage = {
        letter: one.storage.get(letter, 0) + other.storage.get(letter, 0) for letter in {*one.storage, *other.storage}
    }
    return replace(
        one,
        memory=one.memory + other.memory,
        processors=one.processors + other.processors,
        allowed=allowed,
        storage=storage,
        groups=one.groups | other.groups,
        rank=min(one.rank, other.rank),
    )


def render_broken(ties: Sequence[Tie], censuses: Sequence[Census], legs: Sequence[Leg]) -> Iterator[str]:
    """Wishes that are not kept once these moves are over, of VMs that move, and what cannot be judged."""
    names: dict[str, str] = {vm.id: vm.name for census in censuses for vm in census.vms}
    moved: dict[str, str] = {
        leg.plan.move.vm: leg.plan.move.destination for leg in sorted(legs, key=lambda leg: leg.stage)
    }
    ends_on = {**_hosts(censuses), **moved}
    for tie in ties:
        members = sorted((vm for vm in tie.members if vm in ends_on), key=lambda vm: names[vm])
        hosts: dict[str, list[str]] = {}
        for vm in members:
            hosts.setdefault(ends_on[vm], []).append(names[vm])
        touched = any(vm in moved for vm in members)
        if not touched:
            continue
        unseen = len(members) < len(tie.members)  # on hosts that were not asked, or gave no answer
        shared = [f"{render_list(vms)} on {host}" for host, vms in hosts.items() if len(vms) > 1]
        if tie.apart and shared:
            yield f"{tie.what} cannot be kept: {render_list(shared)}"
        elif tie.domains and (tie.apart or len(hosts) > 1 or unseen):
            yield f"{tie.what} speaks of fault domains, which Ferry does not read"
        elif not tie.apart and (len(hosts) > 1 or unseen):
            apart = [f"{render_list(vms)} on {host}" for host, vms in hosts.items()]
            apart += ["others elsewhere"] if unseen else []
            yield f"{tie.what} is not kept: {render_list(apart)}"
