"""A connection is reset, at every request of a migration in turn. Each time the VM moves, and was sent only once.

Messages are encrypted, as they are without TLS: a reset takes the security context with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.core.lifecycle import Event, State
from bot.core.operation import Operation
from bot.core.plan import Plan
from bot.hyperv.fleet import HyperVFleet
from bot.operations.runner import Runner
from bot.operations.runner.permission import Permit
from bot.operations.store import Store
from bot.settings import Authentication
from tests.operations.bench import QUICK, said
from tests.operations.moving_hosts import MovingHosts, changes_by, settings_of
from tests.operations.offers import BOB, OFFER, SetClock, make_ask, make_host

FAST = 1000.0  # simulated seconds in a real one
LEAST_REQUESTS = 10  # a migration that takes fewer is not what is meant here
HURRIED = replace(QUICK, look_pause_s=0.005, look_pause_most_s=0.02, start_pause_s=0.01, looks=8)


@pytest.fixture(scope="module")
def fleet(serving_hosts: MovingHosts) -> Iterator[HyperVFleet]:
    ports = {name: server.port for name, server in serving_hosts.servers.items()}
    ntlm = {"authentication": Authentication.NTLM}
    made = HyperVFleet({name: each.model_copy(update=ntlm) for name, each in settings_of(ports).items()})
    yield made
    made.close()


def migrate(fleet: HyperVFleet, store: Store, clock: SetClock, plan: Plan) -> Operation:
    offered = store.propose(plan, make_ask(), clock.now() + OFFER)
    store.change(offered.id, Event.CONFIRM, by=BOB)
    for name in fleet.hosts():
        store.set_room(make_host(name), clock.now())
    runner = Runner(store, fleet, clock, lambda plan: changes_by(fleet, plan), lambda _: Permit(), HURRIED)
    runner.run(offered.id, attempt=1)
    found = store.find(offered.id)
    assert found is not None
    return found


def test_a_connection_reset_at_any_request(lab: MovingHosts, fleet: HyperVFleet, store: Store, clock: SetClock) -> None:
    """At both hosts, the first request of each, then the second, and so on; every other one is carried out before."""
    for request in itertools.count(1):
        lab.reset()
        lab.clock.run(FAST)
        plan = lab.plan()
        for server in lab.servers.values():
            server.cut(request, carried_out=request % 2 == 0)
        ended = migrate(fleet, store, clock, plan)
        assert (request, ended.state, said(ended)) == (request, State.SUCCEEDED, "running on host02, gone from host01")
        assert (request, lab.sent(), lab.where(), lab.planned()) == (request, 1, ("host02",), 0)
        if all(server.cut_ahead for server in lab.servers.values()):
            break
    for server in lab.servers.values():
        server.cut(0, carried_out=False)
    assert request > LEAST_REQUESTS
