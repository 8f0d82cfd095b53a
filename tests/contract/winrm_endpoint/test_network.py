"""Connections that idle, break, lose answers or cannot be made; and what is not WSMan."""

from __future__ import annotations

import socket
import threading

import pytest
import requests
from pypsrp.exceptions import WinRMTransportError, WSManFaultError

from bot.lab.winrm import Limits, WinRmServer

from .client import (
    POWERSHELL,
    USERS,
    Lab,
    begin,
    invoke,
    percents,
    poll_to_end,
    poll_until,
    repeat_what_was_cut_off,
    reset_transport,
)
from .cmdlets import Cmdlets


def test_an_idle_connection_is_dropped_and_its_security_context_with_it(lab: Lab) -> None:
    server = lab.start(limits=Limits(idle_connection_s=0.5))
    pool = lab.open(server)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as idle:
        assert idle.recv(1) == b""  # this connection is younger than the pool's, so that one is gone as well
    with pytest.raises(WinRMTransportError) as raised:
        invoke(pool, "Get-User")
    assert raised.value.code == 400
    assert server.stats.undecipherable == 1
    reset_transport(pool.connection)
    assert invoke(pool, "Get-User") == ["admin"]


def test_a_dropped_connection_in_mid_receive(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    poll_until(shell, lambda: percents(shell) == [10])
    raised: list[Exception] = []
    polled = server.stats.actions["Receive"]

    def poll() -> None:
        try:
            shell.poll_invoke()
        except requests.ConnectionError as error:
            raised.append(error)

    poller = threading.Thread(target=poll)
    poller.start()
    while server.stats.actions["Receive"] == polled:
        poller.join(0.01)
    assert server.drop() == 1
    poller.join(10)
    assert raised
    reset_transport(pool.connection)
    cmdlets.open_gate()
    poll_to_end(shell)
    assert percents(shell) == [10, 100]


def test_a_lost_answer_is_given_again_to_the_same_message(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    repeat_what_was_cut_off(pool.connection)
    shell = begin(pool, "Move-Item")
    server.lose(1)
    poll_until(shell, lambda: bool(percents(shell)))
    server.lose(1)
    cmdlets.open_gate()
    poll_to_end(shell)
    assert percents(shell) == [10, 100]
    assert list(shell.output) == ["moved"]


def test_a_lost_answer_is_gone_for_another_message(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    assert cmdlets.waiting.wait(10)
    server.lose(1)
    with pytest.raises(requests.ConnectionError):
        shell.poll_invoke()
    reset_transport(pool.connection)
    cmdlets.open_gate()
    assert percents(poll_to_end(shell)) == [100]


def test_an_unreachable_host_refuses_and_comes_back_on_its_port(
    lab: Lab, server: WinRmServer, cmdlets: Cmdlets
) -> None:
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    assert cmdlets.waiting.wait(10)
    port = server.port
    server.unreachable()
    with pytest.raises(requests.ConnectionError):
        shell.poll_invoke()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    with socket.socket() as intruder, pytest.raises(OSError, match="in use"):
        intruder.bind(("127.0.0.1", port))
    cmdlets.open_gate()
    server.unreachable(False)
    assert server.port == port
    reset_transport(pool.connection)
    assert list(poll_to_end(shell).output) == ["moved"]


def test_unreachable_twice_and_back_twice_is_the_same_as_once(lab: Lab, server: WinRmServer) -> None:
    for unreachable in (True, True, False, False):
        server.unreachable(unreachable)
    assert invoke(lab.open(server), "Get-User") == ["admin"]


def test_a_delay_is_added_to_each_message(lab: Lab, server: WinRmServer) -> None:
    pool = lab.open(server)
    server.delay_s = 30
    with pytest.raises(requests.ReadTimeout):
        pool.connection.transport.send(b"<x/>", timeout=0.2)
    server.delay_s = 0
    reset_transport(pool.connection)
    assert invoke(pool, "Get-User") == ["admin"]


def test_faults_cannot_be_injected_into_a_server_that_is_not_there(cmdlets: Cmdlets) -> None:
    with pytest.raises(RuntimeError, match="HV01 is not started"):
        WinRmServer("HV01", USERS, cmdlets.run).drop()


ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'


@pytest.mark.parametrize("body", [ENTITY, "<x>", "<x/>", "no XML"])
def test_what_is_not_wsman_is_a_bad_request(server: WinRmServer, body: str) -> None:
    answer = requests.post(server.url, data=body, auth=("admin", "secret"), timeout=10)
    assert answer.status_code == 400


def test_nobody_gets_past_without_credentials(server: WinRmServer) -> None:
    answer = requests.post(server.url, data="<x/>", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Negotiate, Basic realm="WSMAN", CredSSP'


@pytest.mark.parametrize("header", ["Basic !", "Basic", "Negotiate !", "Negotiate AAAA", "CredSSP AAAA", "Digest x"])
def test_broken_credentials_are_refused(server: WinRmServer, header: str) -> None:
    answer = requests.post(server.url, data="<x/>", headers={"Authorization": header}, timeout=10)
    assert answer.status_code == 401


def test_there_is_nothing_but_wsman(server: WinRmServer) -> None:
    assert requests.get(server.url, timeout=10).status_code == 404
    assert requests.post(server.url + "/other", auth=("admin", "secret"), timeout=10).status_code == 404


def test_an_unknown_action_is_a_fault(lab: Lab, server: WinRmServer) -> None:
    with pytest.raises(WSManFaultError, match="not supported"):
        lab.connect(server).invoke("http://example.com/Explode", f"{POWERSHELL}/Microsoft.PowerShell", None)


def test_it_listens_on_loopback_only(server: WinRmServer) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", server.port), timeout=10)
