"""The hosts as commands see them: the estate kept fresh in the background, live reads of the hosts a command is about.

What is kept serves to find things by name and to say how long ago they were seen. Whatever is decided on is read live.
One slow or dead host never delays an answer about the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial

from bot.core.estate import Census, Cluster, Estate, Host, Role, Seen, Vm
from bot.core.freshness import NOT_YET
from bot.core.lookup import find_vms, pick_vm, resolve_host
from bot.core.membership import Membership, refuse_departed
from bot.core.names import VmId
from bot.core.readiness.model import Checkup, Reached, Target
from bot.core.roster import Roster
from bot.core.wording import render_word
from bot.errors import HostError, HostUnreachable, Refused
from bot.operations.checkups import Checkups
from bot.operations.watch import SILENT_S, Watch, attempt, failed, in_background, wait_for
from bot.ports import Clock, HostReader

PATIENCE_S = 10.0
CENSUS_S = 30.0
"""A host that asks for every disk of every VM may well take longer than one that only lists them (not measured)."""


def _ignore(_: Host, __: datetime) -> None:
    return None


class Inventory:
    """Implements `bot.command.Hosts`. Thread-safe.

    Host names that come in may be short or full; those that go out are the settings'.

    Args:
        refresh_s: seconds between two background looks at a host.
        patience_s: how long `refreshed` and `read_vms` wait for a host before they answer without it.
        census_s: the same for `read_all`.
        background: the hosts that are looked at without being asked for; None: all.

    Attributes:
        memberships: tells of the clusters that the settings name.
        on_room: called after every look that was answered, in a thread of that host's own, with the host and when the
            look began, for whoever records limits and room.
    """

    def __init__(
        self,
        reader: HostReader,
        clock: Clock,
        refresh_s: float,
        *,
        patience_s: float = PATIENCE_S,
        census_s: float = CENSUS_S,
        on_room: Callable[[Host, datetime], None] = _ignore,
        background: Collection[str] | None = None,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._refresh_s = refresh_s
        self._patience_s = patience_s
        self._census_s = census_s
        self._on_room = on_room
        self._checkups = Checkups(reader, clock, patience_s)
        self._watches = {host: Watch(host, reader, clock, self._tell) for host in reader.hosts()}
        self.background = tuple(self._watches if background is None else background)
        self.memberships: Callable[[], tuple[Membership, ...]] = tuple
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def set_hosts(self, hosts: Iterable[str], background: Collection[str]) -> None:
        """From now on these are the hosts. One that is new is looked at soon, one that is gone is seen no more."""
        known = self._watches
        self._watches = {host: known.get(host) or Watch(host, self._reader, self._clock, self._tell) for host in hosts}
        self.background = tuple(background)
        if self._thread is not None:
            self.look_soon(self._watches.keys() - known.keys())

    def start(self) -> None:
        """Look at all hosts now, and from then on at each every `refresh_s` seconds."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._refresh, name="ferry-inventory", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No further background look begins; one under way ends by its time limit and keeps nobody waiting."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _refresh(self) -> None:
        """All at once while nothing is known; then one after another, evenly over the time: a hundred hosts at once
        would keep this process busy for seconds, in which people wait for Ferry."""
        self.look_soon(self.background)
        while not self._stopping.is_set():
            hosts = self.background
            for host in hosts or ("",):
                if self._stopping.wait(self._refresh_s / max(1, len(hosts))):
                    return
                self.look_soon((host,))

    def look_soon(self, hosts: Iterable[str]) -> None:
        """Ask for a fresh look of these hosts, by the settings' names. Returns at once; `on_room` gets their room.

        A host that is not looked at in the background is passed over: others look after it, or the settings no longer
        name it, since an operation may be older than they are.
        """
        for watch in self._background(hosts):
            watch.ask()

    def ask_room_soon(self, hosts: Iterable[str]) -> None:
        """The same for their room alone: on a full host the list of its VMs is most of a look."""
        for watch in self._background(hosts):
            watch.ask_room()

    def _background(self, hosts: Iterable[str]) -> list[Watch]:
        watches = self._watches
        return [watches[host] for host in set(self.background).intersection(hosts) if host in watches]

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._watches)

    def estate(self) -> Estate:
        return Estate(hosts=tuple(watch.seen for watch in self._watches.values()))

    def refreshed(self) -> Estate:
        return Estate(hosts=self._looked(self._watches, self._silent()))

    def last_seen(self, host: str) -> Seen:
        return self._watches[self.name(host)].seen

    def read_vms(self, host: str) -> Seen:
        (seen,) = self._looked([self.name(host)])
        return seen

    def read_all(self, hosts: Iterable[str]) -> tuple[Census, ...]:
        names = tuple(dict.fromkeys(self.name(host) for host in hosts))
        began = self._clock.now()
        asked = {name: in_background(partial(self._take_census, name), f"ferry-census-{name}") for name in names}
        wait_for(asked, (), self._census_s)
        late = f"no answer within {self._census_s:g} s"
        return tuple(
            future.result() if future.done() else Census(host=name, at=began, failure=late)
            for name, future in asked.items()
        )

    def check(self, hosts: Iterable[str]) -> tuple[Checkup, ...]:
        names = tuple(dict.fromkeys(self.name(host) for host in hosts))
        return self._checkups.take(names, self._silent())

    def last_checked(self) -> tuple[Checkup, ...]:
        return tuple(self._checkups.last(seen) for seen in self.estate().hosts)

    def _silent(self) -> set[str]:
        """Hosts that gave no answer when they were last looked at."""
        return {seen.host for seen in self.estate().unknown if seen.failure != NOT_YET}

    def reach(self, source: str, targets: Iterable[Target]) -> tuple[Reached, ...]:
        return self._checkups.reach(self.name(source), tuple(targets))

    def _take_census(self, host: str) -> Census:
        began = self._clock.now()
        answer = attempt(lambda: self._reader.read_all(host), host)
        if isinstance(answer, str):
            return Census(host=host, at=began, failure=answer)
        info, vms = answer
        return Census(host=host, at=began, info=info, vms=vms)

    def read_host(self, host: str) -> Host:
        return self._reader.read_host(self.name(host))[0]

    def read_vm(self, host: str, vm: VmId) -> tuple[Host, Vm | None]:
        return self._reader.read_host(self.name(host), vm)

    def read_cluster(self, host: str, vm: VmId | None = None) -> tuple[Cluster, Role | None]:
        return self._reader.read_cluster(self.name(host), vm)

    def read_roster(self, host: str) -> Roster:
        """A dead node says nothing: then another host's cluster is asked that has a node of this name."""
        name = self.name(host)
        try:
            return self._reader.read_roster(name)
        except HostUnreachable:
            for other in self.estate().hosts:
                if other.host == name or other.info is None or not other.info.cluster:
                    continue
                answer = attempt(partial(self._reader.read_roster, other.host), other.host)
                if not isinstance(answer, str) and answer.cluster.node(name):
                    return answer
            raise
        except HostError:
            if self._reader.read_host(name)[0].cluster:
                raise
            raise Refused(
                f"{name} belongs to no failover cluster that it tells of",
                needed="a node of a failover cluster",
                hint="`cluster` shows those that Ferry knows; a node has to let Ferry's account see its cluster"
                " (`Grant-ClusterAccess`)",
            ) from None

    def read_pair(self, source: str, destination: str, vm: VmId) -> tuple[Host, Vm | None, Host]:
        here, there = self.name(source), self.name(destination)
        if here == there:
            host, found = self._reader.read_host(here, vm)
            return host, found, host
        other = in_background(lambda: self._reader.read_host(there), f"ferry-read-{there}")
        host, found = self._reader.read_host(here, vm)
        return host, found, other.result()[0]

    def locate(self, vm: str, destination: str = "") -> tuple[Host, Vm, Host]:
        """By what was last seen, if that names one VM and it is still there; else by looking at every host again."""
        towards = self.name(destination) if destination else ""
        known = find_vms(self.estate(), vm)
        if len(known) == 1:
            try:
                source, found, other = self.read_pair(known[0].host, towards or known[0].host, known[0].id)
            except HostUnreachable:
                if not known[0].clustered:
                    raise
                found = None  # its cluster may have taken it elsewhere: every host is asked
            if found is not None:
                return source, found, other
        picked = pick_vm(self.refreshed(), vm, self._clock.now())
        source, found, other = self.read_pair(picked.host, towards or picked.host, picked.id)
        if found is None:
            raise Refused(
                f"{picked.name} left {picked.host} while Ferry was looking at it",
                needed="a virtual machine that stays where it is for a moment",
                hint=f"`where {render_word(vm)}` looks again",
            )
        return source, found, other

    def _tell(self, host: Host, seen_at: datetime) -> None:
        if not self._stopping.is_set():
            self._on_room(host, seen_at)

    def name(self, said: str) -> str:
        """The settings' name of a host. Refused if they do not know it."""
        if said in self._watches:
            return said
        try:
            return resolve_host(self.hosts, self.estate(), said)
        except Refused:
            refuse_departed(self.memberships(), said, self._clock.now())
            raise

    def _looked(self, hosts: Iterable[str], silent: Collection[str] = ()) -> tuple[Seen, ...]:
        """Look at all of these at once; a host that takes longer than our patience is answered for without it."""
        asked = {host: self._watches[host].ask() for host in hosts}
        wait_for(asked, silent, self._patience_s)
        return tuple(
            future.result() if future.done() else self._late(host, SILENT_S if host in silent else self._patience_s)
            for host, future in asked.items()
        )

    def _late(self, host: str, patience_s: float) -> Seen:
        before = self._watches[host].seen
        again = f"; before that: {before.failure}" if host in self._silent() else ""
        return failed(before, self._clock, f"no answer within {patience_s:g} s{again}")
