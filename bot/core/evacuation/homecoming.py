"""Brings home what an evacuation took away: what was read of hosts becomes a plan that a person is asked to confirm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core import placement
from bot.core.estate import Census, NodeState, Vm
from bot.core.evacuation import reasons
from bot.core.evacuation.filters import choose
from bot.core.evacuation.material import make_guest, make_target, plan_move, weigh_loads
from bot.core.evacuation.plan import EvacuationKind, EvacuationPlan, Leg, Staying
from bot.core.evacuation.planning import answering
from bot.core.evacuation.rules import Rules
from bot.core.evacuation.tied import bind_hard, render_broken
from bot.core.evacuation.timing import UNKNOWN, Known, time_legs
from bot.core.names import VmId
from bot.core.placement import plan_homecoming
from bot.core.roster import NONE, Rosters
from bot.core.ties import Tie
from bot.errors import Refused


@dataclass(frozen=True)
class Away:
    """A VM that was taken away from its home, and where to."""

    vm: VmId
    vm_name: str
    home: str
    at: str


def plan_return(
    command: str,
    hosts: tuple[str, ...],
    away: Mapping[str, Away],
    censuses: Sequence[Census],
    rules: Rules,
    known: Known = UNKNOWN,
    rosters: Rosters = NONE,
) -> EvacuationPlan:
    """
    Args:
        away: by VM id.
        censuses: of every host, asked just now.
        rosters: of the clusters that they are nodes of.

    Raises:
        Refused: a home gave no answer, or none of the VMs is where it was put.
    """
    seen = {census.host: census for census in censuses}
    _refuse_absent(hosts, away.values(), seen, rosters)
    work = _Return(away, seen, rules, rosters, known.ties)
    timed = time_legs(work.legs, seen, known)
    if not timed.legs and not work.staying:
        raise Refused(f"everything that left {', '.join(hosts)} is at home already", hint=f"`vms {hosts[0]}` lists it")
    return EvacuationPlan(
        kind=EvacuationKind.RETURN,
        command=command,
        action="host.evacuate",
        hosts=hosts,
        destinations=hosts,
        legs=timed.legs,
        staying=tuple(work.staying),
        loads=tuple(weigh_loads(timed.legs, seen)),
        forecast=timed.forecast,
        method="whoever fits at home moves first",
        notes=(*timed.notes, *render_broken(known.ties, censuses, timed.legs)),
        failure_budget=rules.failure_budget,
        network=known.network,
        caps=timed.caps,
    )


def _refuse_absent(hosts: Sequence[str], away: Iterable[Away], seen: Mapping[str, Census], rosters: Rosters) -> None:
    """A home has to answer; and a node that is paused takes no role until somebody resumes it."""
    for host in hosts:
        answering(seen[host])
    clustered = {vm.id for census in seen.values() for vm in census.vms if vm.clustered}
    homes = {one.home for one in away if one.vm in clustered}
    for host in hosts:
        roster, census = rosters.get(host), seen[host]
        node = roster.cluster.node(census.info.fqdn) if roster and census.info else None
        if roster is not None and node is not None and node.state == NodeState.PAUSED and host in homes:
            raise Refused(
                f"{host} is paused in {roster.cluster.name}, and takes no virtual machine of its",
                needed="a node that takes part in its cluster",
                hint=f"`resume {host}`, and then `return {host}`",
            )


class _Return:
    """One return being planned: who comes home and in which stage, and who stays and why."""

    def __init__(
        self,
        away: Mapping[str, Away],
        seen: Mapping[str, Census],
        rules: Rules,
        rosters: Rosters,
        ties: Sequence[Tie],
    ) -> None:
        self._rosters, self._ties = rosters, ties
        self._away, self._seen, self._rules = away, seen, rules
        self._infos = [census.info for census in seen.values() if census.info is not None]
        self._now = {vm.id: vm for census in seen.values() for vm in census.vms}
        self.staying: list[Staying] = []
        self.legs: list[Leg] = []
        self._plan([one for one in away.values() if self._is_there(one)])

    def _is_there(self, one: Away) -> bool:
        vm = self._now.get(one.vm)
        if vm is not None and vm.host == one.home:
            return False  # at home already
        if vm is None or vm.host != one.at:
            silent = [host for host, census in self._seen.items() if census.info is None]
            self.staying.append(reasons.elsewhere(one.vm, one.vm_name, vm.host if vm else "", one.at, silent))
            return False
        return True

    def _plan(self, there: Sequence[Away]) -> None:
        guests: list[placement.Away] = []
        for one in there:
            vm = self._now[one.vm]
            here = self._seen[vm.host].info
            assert here is not None
            others = [info for info in self._infos if info.name != vm.host]
            choice = choose(vm, here, others, self._rosters.get(vm.host))
            if (finding := choice.against.get(one.home)) is not None:
                self.staying.append(reasons.found(vm, finding))
            else:
                guests.append(placement.Away(make_guest(vm, choice.allowed, self._rules), one.home))
        known = frozenset(one.vm.id for one in guests)
        answered = [census for census in self._seen.values() if census.info is not None]
        free = [make_target(census, self._rules, known) for census in answered]
        vms, targets = bind_hard([one.vm for one in guests], free, self._ties, answered)
        away = [replace(one, vm=vm) for one, vm in zip(guests, vms, strict=True)]
        result = plan_homecoming(away, targets)
        for stage, shifts in enumerate(result.stages):
            self.legs += [self._leg(shift, stage) for shift in shifts]
        self.staying += [
            reasons.no_room_at_home(self._now[VmId(one.vm)], one.obstacles, decided=one.decided)
            for one in result.staying
        ]

    def _leg(self, shift: placement.Shift, stage: int) -> Leg:
        vm: Vm = self._now[VmId(shift.guest)]
        here, there = self._seen[shift.source].info, self._seen[shift.destination].info
        assert here is not None
        assert there is not None
        names = [other.name.casefold() for other in self._now.values()]
        unique = names.count(vm.name.casefold()) == 1
        moved, roster = vm.model_copy(update={"host": shift.source}), self._rosters.get(shift.source)
        plan = plan_move(moved, here, there, self._rules, roster, unique=unique)
        return Leg(
            plan=plan,
            stage=stage,
            rank=self._rules.rank(vm.name),
            makes_room=shift.destination != self._away[shift.guest].home,
        )
