"""Plans evacuations and returns: asks the hosts, lets the core plan, and looks again at what was offered.

It changes nothing; plans go to the desk like those of single moves.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bot.core.estate import Census
from bot.core.evacuation import EvacuationKind, EvacuationPlan
from bot.core.evacuation.changes import find_changes
from bot.core.evacuation.ending import FAILED
from bot.core.evacuation.homecoming import Away, plan_return
from bot.core.evacuation.pausing import add_pauses
from bot.core.evacuation.planning import Place, Wish, plan_evacuation
from bot.core.evacuation.rules import Rules
from bot.core.evacuation.timing import Known
from bot.core.holds.model import Hold
from bot.core.holds.touching import locked_hosts
from bot.core.holds.wording import refuse_locked
from bot.core.lifecycle import State
from bot.core.maintenance import refuse_down
from bot.core.roster import Roster, Rosters
from bot.core.wording import render_list
from bot.errors import Refused
from bot.operations.inventory import Inventory
from bot.operations.store import Store
from bot.operations.watch import attempt

UNMOVED = FAILED | {State.CANCELLED}
"""States of a move after which its VM may be planned again."""


class Evacuations:
    """Implements `bot.command.Evacuations`. Thread-safe.

    Args:
        place: finds which VM goes where; may take seconds.
    """

    def __init__(self, inventory: Inventory, store: Store, rules: Rules, place: Place) -> None:
        self._inventory = inventory
        self._store = store
        self._rules = rules
        self._place = place

    def names(self, hosts: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._inventory.name(host) for host in hosts))

    def evacuate(
        self,
        command: str,
        hosts: tuple[str, ...],
        destinations: tuple[str, ...],
        *,
        but: tuple[str, ...] = (),
        make_room: bool = False,
    ) -> EvacuationPlan:
        if both := set(hosts) & set(destinations):
            raise Refused(
                f"{render_list(sorted(both))} cannot be emptied and take VMs at the same time",
                needed="destinations that are not evacuated themselves",
                hint=f"`evacuate {', '.join(hosts)}` lets Ferry choose among the others",
            )
        _refuse_locked(destinations, locked_hosts(self._store.holds()))
        wish = Wish(command=command, hosts=hosts, but=but, make_room=make_room)
        return self._plan(wish, destinations)

    def retry(self, evacuation_id: str) -> EvacuationPlan:
        before = self._store.find_evacuation(evacuation_id)
        if before is None:
            raise Refused(
                f"{evacuation_id} is no evacuation",
                needed="the id on an evacuation's card",
                hint="a single move is planned again by its own command; `status` lists what there is",
            )
        unmoved = frozenset(move.plan.move.vm for move in before.moves if move.ended and move.state in UNMOVED)
        if not unmoved:
            raise Refused(f"nothing of {evacuation_id} has failed", hint=f"`status {evacuation_id}` shows its state")
        hosts = before.plan.hosts
        if before.plan.kind is EvacuationKind.RETURN:
            return self.bring_home(f"return {', '.join(hosts)}", hosts)
        wish = Wish(command=f"retry {evacuation_id}", hosts=hosts, only=unmoved, retries=evacuation_id)
        return self._plan(wish, before.plan.destinations)

    def _plan(self, wish: Wish, destinations: Sequence[str]) -> EvacuationPlan:
        rules = replace(self._rules, locks=self._store.holds())
        locks = locked_hosts(rules.locks)
        _refuse_locked(wish.hosts, locks)
        censuses = self._read(wish.hosts, destinations, locks)
        self._refuse_dead(wish.hosts, censuses)
        rosters = self._rosters(censuses)
        plan = plan_evacuation(wish, censuses, rules, self._place, self._known(rosters), rosters)
        return add_pauses(_note(plan, locks.values()), censuses, rosters)

    def bring_home(self, command: str, hosts: tuple[str, ...]) -> EvacuationPlan:
        away: dict[str, Away] = {}
        for host in hosts:
            away |= self._away_from(host)
        if not away:
            raise Refused(
                f"no evacuation of {render_list(hosts)} is on record that took anything away",
                needed="a host that Ferry has evacuated",
                hint=f"`history {hosts[0]}` shows what was done with it",
            )
        rules = replace(self._rules, locks=self._store.holds())
        _refuse_locked(hosts, locked_hosts(rules.locks))
        censuses = self._read(hosts, ())
        rosters = self._rosters(censuses)
        return plan_return(command, hosts, away, censuses, rules, self._known(rosters), rosters)

    def changes(self, plan: EvacuationPlan) -> tuple[str, ...]:
        """What differs now from what was offered; empty: nothing that matters."""
        involved = dict.fromkeys(
            host for leg in plan.legs for host in (leg.plan.move.source, leg.plan.move.destination)
        )
        censuses = self._inventory.read_all(involved)
        return find_changes(plan, censuses, self._rules.limits.memory_reserve_bytes, self._rosters(censuses))

    def _read(self, hosts: Sequence[str], destinations: Sequence[str], but: Container[str] = ()) -> tuple[Census, ...]:
        """Hosts to be emptied, and those that may take something: the named ones, or all others, but these."""
        others = destinations or [seen.host for seen in self._inventory.estate().hosts]
        others = [host for host in others if host not in but]
        return self._inventory.read_all(dict.fromkeys((*hosts, *others)))

    def _rosters(self, censuses: Sequence[Census]) -> Rosters:
        """One look at each cluster; the VMs of one that cannot be read stay where they are."""
        found: dict[str, Roster] = {}
        read: dict[str, Roster | None] = {}
        for census in censuses:
            name = census.info.cluster if census.info else ""
            if not name:
                continue
            if name not in read:
                answer = attempt(partial(self._inventory.read_roster, census.host), census.host)
                read[name] = None if isinstance(answer, str) else answer
            if (roster := read[name]) is not None:
                found[census.host] = roster
        return found

    def _refuse_dead(self, hosts: Sequence[str], censuses: Sequence[Census]) -> None:
        """A node that is down has been emptied already, by its cluster."""
        silent = [census.host for census in censuses if census.host in hosts and census.info is None]
        for host in silent:
            answer = attempt(partial(self._inventory.read_roster, host), host)
            if not isinstance(answer, str):
                refuse_down(host, answer, self._inventory.estate())

    def _known(self, rosters: Rosters) -> Known:
        clusters = {roster.cluster.name: roster for roster in rosters.values()}
        return Known(*self._store.measured(), ties=tuple(tie for one in clusters.values() for tie in one.ties()))

    def _away_from(self, host: str) -> Mapping[str, Away]:
        """What the last evacuation of the host took away, with the retries of it, by VM id."""
        found: dict[str, Away] = {}
        wanted = ""
        for evacuation in self._store.evacuations_of(host):
            if wanted and evacuation.id != wanted:
                continue
            for move in evacuation.moves:
                about = move.plan.move
                if about.source == host and move.state is State.SUCCEEDED:
                    found.setdefault(about.vm, Away(about.vm, about.vm_name, host, about.destination))
            wanted = evacuation.plan.retries
            if not wanted and found:
                break
        return found


def _refuse_locked(hosts: Iterable[str], locks: Mapping[str, Hold]) -> None:
    for host in hosts:
        if host in locks:
            raise refuse_locked(locks[host])


def _note(plan: EvacuationPlan, locks: Iterable[Hold]) -> EvacuationPlan:
    """Locked hosts take nothing."""
    names = list(dict.fromkeys(lock.name for lock in locks))
    told = (f"not considered, because they are locked (`locks` shows by whom): {render_list(names)}",) if names else ()
    return plan.model_copy(update={"notes": (*told, *plan.notes)})
