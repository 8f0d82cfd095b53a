"""Sessions on a real endpoint: how few requests they make, how long they wait, what they survive, what they say."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree as ET

import pytest
import requests
from pydantic import SecretStr
from pypsrp.exceptions import WinRMError, WSManFaultError
from requests_credssp.exceptions import NTStatusException

from bot.errors import Fault, HostError, HostUnreachable
from bot.hyperv.answer import Answer
from bot.hyperv.cmdlets import GET_VM_HOST, GET_VM_PROCESSOR, GET_VM_SWITCH, GET_VOLUME, Statement
from bot.hyperv.contact import FAILURES, GONE, TIMED_OUT, NoFreeSession, OutcomeUnknown, OutOfTime, explain
from bot.hyperv.remote import RemoteHost
from bot.hyperv.warm import YOUNG_S, WarmSessions
from bot.lab.winrm import Authority, Command, Limits, Visible, WinRmServer
from bot.settings import Authentication, HostSettings

T = TypeVar("T")
USER, PASSWORD = "CONTOSO\\ferry", "pass word"
READ = (GET_VM_HOST(),)
WAIT = (GET_VOLUME(),)
LONG = GET_VM_SWITCH()


class Endpoint:
    """Cmdlets of a few lines: Get-VMHost ends at once, Get-Volume waits at the gate, Get-VMSwitch shows progress."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._gate = asyncio.Event()
        self.at_the_gate = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)

    def open_gate(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.set)

    async def run(self, command: Command, user: str, visible: Visible) -> None:
        pipeline: Any = command.pipeline
        names = [str(item.command_text) for item in pipeline.metadata.commands]
        if names == ["Get-VMProcessor"]:  # its end goes to somebody else
            pipeline.complete()
            await command.flush()
            command.outbox.take(65536)
            return
        if "Get-VMSwitch" in names:
            await self._percent(command, 10)
        if names != ["Get-VMHost"]:
            self.at_the_gate.release()
            await self._gate.wait()
        if "Get-VMSwitch" in names:
            for percent in range(20, 101, 10):
                await self._percent(command, percent)
                await asyncio.sleep(0.02)
        self.ended.release()

    async def _percent(self, command: Command, percent: int) -> None:
        command.pipeline.write_progress("Moving", 0, "", percent_complete=percent)
        await command.flush()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab")
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


class Lab:
    def __init__(self, loop: asyncio.AbstractEventLoop, cleanup: ExitStack) -> None:
        self._loop = loop
        self._cleanup = cleanup
        self.endpoint = Endpoint(loop)

    def call(self, what: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    def start(self, *, authority: Authority | None = None, **options: Any) -> WinRmServer:
        server = WinRmServer("HOST01", {USER: PASSWORD}, self.endpoint.run, **options)
        self.call(server.start(tls=authority.server if authority else None))
        self._cleanup.callback(lambda: self.call(server.stop()))
        return server

    def settings(self, server: WinRmServer, **options: Any) -> HostSettings:
        return HostSettings(
            **{
                "address": "127.0.0.1",
                "port": server.port,
                "tls": server.url.startswith("https"),
                "authentication": Authentication.NTLM,
                "username": USER,
                "password": SecretStr(PASSWORD),
                "read_timeout_s": 10,
                "connect_timeout_s": 2,
                **options,
            }
        )

    def warm(
        self, server: WinRmServer, idle_reset_s: float = 90.0, young_s: float = YOUNG_S, **options: Any
    ) -> WarmSessions:
        sessions = WarmSessions(self.settings(server, **options), idle_reset_s, young_s=young_s)
        self._cleanup.callback(sessions.close)
        return sessions

    def remote(self, server: WinRmServer, **options: Any) -> RemoteHost:
        remote = RemoteHost("host01", self.settings(server, **options), 90.0)
        self._cleanup.callback(remote.close)
        return remote


@pytest.fixture
def lab(loop: asyncio.AbstractEventLoop) -> Iterator[Lab]:
    with ExitStack() as cleanup:
        yield Lab(loop, cleanup)


@pytest.fixture
def server(lab: Lab) -> WinRmServer:
    return lab.start()


def everything(answer: Answer) -> Answer:
    return answer


class Follower:
    """One order that is followed on a thread of its own."""

    def __init__(self, remote: RemoteHost, statement: Statement = LONG) -> None:
        self.percents: list[int] = []
        self._pool = ThreadPoolExecutor(1)
        self._result = self._pool.submit(remote.order, "the move", statement, everything, progress=self.percents.append)

    def result(self) -> Answer:
        try:
            return self._result.result(20)
        finally:
            self._pool.shutdown()

    def error(self) -> HostError:
        with pytest.raises(HostError) as caught:
            self.result()
        return caught.value


def failure(remote: RemoteHost, statements: tuple[Statement, ...] = READ) -> HostError:
    with pytest.raises(HostError) as caught:
        remote.read("reading its settings", statements, everything)
    return caught.value


def taken_s(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


class TestReads:
    def test_a_warm_read_is_two_requests_and_one_to_clear_away(self, lab: Lab, server: WinRmServer) -> None:
        warm = lab.warm(server)
        warm.read(READ)
        before = server.stats
        assert warm.read(READ).completed
        assert (server.stats - before).actions == {"Command": 1, "Receive": 1, "Signal": 1}
        assert (server.stats - before).http_requests == 3

    def test_messages_are_encrypted_without_tls(self, lab: Lab, server: WinRmServer) -> None:
        lab.warm(server).read(READ)
        assert set(server.stats.content_types) == {"multipart/encrypted"}

    def test_pipelines_are_cleared_away_on_the_host(self, lab: Lab) -> None:
        server = lab.start(limits=Limits(commands_per_shell=3))
        warm = lab.warm(server)
        assert all(warm.read(READ).completed for _ in range(7))
        assert server.stats.actions["Create"] == 1

    def test_threads_share_no_more_sessions_than_the_settings_allow(self, lab: Lab, server: WinRmServer) -> None:
        warm = lab.warm(server, sessions=2)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: warm.read(READ), range(24)))
        assert all(answer.completed for answer in answers)
        assert server.stats.actions["Create"] <= 2

    def test_an_order_takes_no_session_from_the_reads(self, lab: Lab, server: WinRmServer) -> None:
        remote = lab.remote(server, sessions=1)
        followers = [Follower(remote) for _ in range(3)]
        for _ in followers:
            lab.endpoint.at_the_gate.acquire(timeout=5)
        assert remote.read("reading its settings", READ, everything).completed
        lab.endpoint.open_gate()
        assert all(follower.result().completed for follower in followers)

    def test_a_move_follows_its_comparison_in_one_session(self, lab: Lab, server: WinRmServer) -> None:
        remote = lab.remote(server)
        assert remote.order("the comparison", READ[0], everything).completed
        before = server.stats
        assert remote.order("the move", READ[0], everything).completed
        assert (server.stats - before).actions == {"Command": 1, "Receive": 1, "Signal": 1}

    @pytest.mark.parametrize("ages", [{"idle_reset_s": 0}, {"young_s": 0}])
    def test_an_order_never_takes_over_a_session_that_rested_or_is_old(
        self, lab: Lab, server: WinRmServer, ages: dict[str, float]
    ) -> None:
        warm = lab.warm(server, **ages)
        warm.read(READ)
        with warm.own() as session:
            assert session.run(READ, time.monotonic() + 5).completed
        assert server.stats.actions["Create"] == 2

    def test_an_order_to_a_host_that_forgot_the_session_is_known_not_to_have_begun(self, lab: Lab) -> None:
        server = lab.start()
        remote = lab.remote(server)
        remote.read("reading its settings", READ, everything)
        port = server.port
        lab.call(server.stop())
        lab.call(server.start(port))
        with pytest.raises(HostError) as caught:
            remote.order("the move", READ[0], everything)
        assert caught.value.fault is Fault.TRANSIENT
        assert remote.order("the move", READ[0], everything).completed

    def test_no_more_sessions_rest_than_the_settings_allow(self, lab: Lab, server: WinRmServer) -> None:
        remote = lab.remote(server, sessions=2)
        followers = [Follower(remote) for _ in range(3)]
        for _ in followers:
            lab.endpoint.at_the_gate.acquire(timeout=5)
        lab.endpoint.open_gate()
        assert all(follower.result().completed for follower in followers)
        assert (server.stats.actions["Create"], server.stats.actions["Delete"]) == (3, 1)

    def test_sessions_end_on_the_host_when_ferry_closes(self, lab: Lab, server: WinRmServer) -> None:
        warm = lab.warm(server)
        warm.read(READ)
        warm.close()
        assert server.stats.actions["Delete"] == 1


class TestTimeLimits:
    def test_a_host_that_works_too_long_is_given_up(self, lab: Lab, server: WinRmServer) -> None:
        remote = lab.remote(server, read_timeout_s=1.5)
        seconds = taken_s(lambda: failure(remote, WAIT))
        assert 1.4 < seconds < 3

    def test_a_host_that_is_frozen_is_given_up(self, lab: Lab, server: WinRmServer) -> None:
        server.delay_s = 60
        remote = lab.remote(server, read_timeout_s=1.5)
        seconds = taken_s(lambda: failure(remote))
        assert 1.4 < seconds < 4

    def test_a_busy_hosts_sessions_are_waited_for_no_longer_than_the_limit(self, lab: Lab, server: WinRmServer) -> None:
        remote = lab.remote(server, sessions=1, read_timeout_s=1.5)
        with ThreadPoolExecutor(3) as pool:
            seconds = taken_s(lambda: list(pool.map(lambda _: failure(remote, WAIT), range(3))))
        assert 1.4 < seconds < 3


class TestLostConnections:
    def test_a_socket_that_the_host_dropped_costs_a_handshake_not_a_session(
        self, lab: Lab, server: WinRmServer
    ) -> None:
        warm = lab.warm(server)
        warm.read(READ)
        server.drop()
        assert warm.read(READ).completed
        assert server.stats.actions["Create"] == 1

    def test_a_rested_session_authenticates_anew_before_it_is_lent(self, lab: Lab, server: WinRmServer) -> None:
        warm = lab.warm(server, idle_reset_s=0)
        warm.read(READ)
        before = server.stats
        assert warm.read(READ).completed
        used = server.stats - before
        assert used.actions == {"Get": 1, "Command": 1, "Receive": 1, "Signal": 1}
        assert used.unauthorized > 0

    def test_a_shell_that_the_host_marked_disconnected_is_reconnected(self, lab: Lab) -> None:
        server = lab.start(limits=Limits(auto_disconnect_s=0.2))
        warm = lab.warm(server, idle_reset_s=0)
        warm.read(READ)
        while not server.stats.actions["Reconnect"]:
            assert warm.read(READ).completed
            threading.Event().wait(0.3)
        assert server.stats.actions["Create"] == 1

    def test_a_host_that_restarted_gets_a_new_session_within_the_same_read(self, lab: Lab) -> None:
        server = lab.start()
        warm = lab.warm(server)
        warm.read(READ)
        port = server.port
        lab.call(server.stop())
        lab.call(server.start(port))
        assert warm.read(READ).completed
        assert server.stats.actions["Create"] == 2

    def test_no_progress_is_lost_with_lost_answers(self, lab: Lab, server: WinRmServer) -> None:
        follower = Follower(lab.remote(server))
        lab.endpoint.at_the_gate.acquire(timeout=5)
        server.lose(3)
        lab.endpoint.open_gate()
        assert follower.result().completed
        assert follower.percents == list(range(10, 101, 10))

    def test_a_move_is_followed_over_a_dropped_connection(self, lab: Lab, server: WinRmServer) -> None:
        follower = Follower(lab.remote(server))
        lab.endpoint.at_the_gate.acquire(timeout=5)
        server.drop()
        lab.endpoint.open_gate()
        assert follower.result().completed
        assert follower.percents == list(range(10, 101, 10))

    def test_a_move_whose_shell_was_marked_disconnected_is_followed_on(self, lab: Lab) -> None:
        server = lab.start(limits=Limits(auto_disconnect_s=0.2))
        follower = Follower(lab.remote(server))
        lab.endpoint.at_the_gate.acquire(timeout=5)
        server.unreachable()
        threading.Event().wait(1)  # the host's own clock, which nothing tells of
        server.unreachable(False)
        lab.endpoint.open_gate()
        assert follower.result().completed
        assert server.stats.actions["Reconnect"] == 1
        assert follower.percents == list(range(10, 101, 10))

    def test_a_host_that_stays_away_leaves_the_outcome_unknown(self, lab: Lab, server: WinRmServer) -> None:
        follower = Follower(lab.remote(server, read_timeout_s=1.5))
        lab.endpoint.at_the_gate.acquire(timeout=5)
        server.unreachable()
        error = follower.error()
        assert error.fault is Fault.UNKNOWN
        assert isinstance(error, HostUnreachable)
        assert "both hosts" in error.hint

    def test_a_host_that_was_never_reached_did_not_start_anything(self, lab: Lab, server: WinRmServer) -> None:
        server.unreachable()
        error = Follower(lab.remote(server)).error()
        assert error.fault is Fault.TRANSIENT
        assert "refused the connection" in error.cause

    def test_an_end_that_somebody_else_was_told_is_not_waited_for(self, lab: Lab, server: WinRmServer) -> None:
        error = Follower(lab.remote(server), GET_VM_PROCESSOR()).error()
        assert (error.fault, error.cause) == (Fault.UNKNOWN, "its last answer was lost")

    def test_closing_lets_go_and_the_host_goes_on(self, lab: Lab, server: WinRmServer) -> None:
        remote = lab.remote(server, read_timeout_s=2)
        follower = Follower(remote)
        lab.endpoint.at_the_gate.acquire(timeout=5)
        remote.close()
        error = follower.error()
        assert (error.fault, error.cause) == (Fault.UNKNOWN, "Ferry stopped following it")
        lab.endpoint.open_gate()
        assert lab.endpoint.ended.acquire(timeout=5)


class TestEnvironment:
    @pytest.mark.parametrize("tls", [False, True])
    def test_its_proxies_and_certificates_are_not_for_hosts(
        self, lab: Lab, authority: Authority, tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = lab.start(authority=authority if tls else None)
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            proxy.setblocking(False)
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
                monkeypatch.delenv(name.lower(), raising=False)
            for name in ("NO_PROXY", "no_proxy"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path).ca_file))
            trusted: dict[str, Any] = {"ca_bundle": authority.ca_file} if tls else {}
            warm = lab.warm(server, **trusted)
            assert warm.read(READ).completed
            server.drop()
            assert warm.read(READ).completed
            with pytest.raises(BlockingIOError):
                proxy.accept()

    def test_it_names_the_certificates_to_trust_where_the_settings_do_not(
        self, lab: Lab, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
        server = lab.start(authority=authority)
        warm = lab.warm(server)
        assert warm.read(READ).completed
        server.drop()
        assert warm.read(READ).completed


class TestAuthentication:
    @pytest.mark.parametrize(
        ("kind", "tls"),
        [
            (Authentication.NTLM, False),
            (Authentication.NTLM, True),
            (Authentication.NEGOTIATE, False),
            (Authentication.BASIC, False),
            (Authentication.BASIC, True),
            (Authentication.CREDSSP, False),
        ],
    )
    def test_every_kind(self, lab: Lab, authority: Authority, kind: Authentication, tls: bool) -> None:
        server = lab.start(authority=authority if tls else None)
        trusted: dict[str, Any] = {"ca_bundle": authority.ca_file} if tls else {}
        assert lab.warm(server, authentication=kind, **trusted).read(READ).completed

    def test_a_client_certificate(self, lab: Lab, authority: Authority) -> None:
        server = lab.start(authority=authority)
        certificate, key = authority.client_certificate(USER)
        warm = lab.warm(
            server,
            authentication=Authentication.CERTIFICATE,
            certificate=certificate,
            certificate_key=key,
            ca_bundle=authority.ca_file,
        )
        assert warm.read(READ).completed

    @pytest.mark.parametrize("kind", [Authentication.NTLM, Authentication.BASIC, Authentication.CREDSSP])
    def test_a_wrong_password(self, lab: Lab, server: WinRmServer, kind: Authentication) -> None:
        error = failure(lab.remote(server, authentication=kind, password=SecretStr("wrong")))
        assert isinstance(error, HostUnreachable)
        assert f"did not accept the account {USER} by {kind}" in error.cause
        assert error.fault is Fault.CONFIGURATION
        assert "wrong" not in error.message + error.hint + error.words

    def test_a_kind_that_the_host_does_not_offer(self, lab: Lab) -> None:
        server = lab.start(schemes=("Basic",))
        assert failure(lab.remote(server)).code == "401"


class TestWhatIsSaid:
    def test_a_certificate_that_nobody_vouches_for(self, lab: Lab, authority: Authority) -> None:
        error = failure(lab.remote(lab.start(authority=authority)))
        assert "certificate of 127.0.0.1" in error.cause
        assert "is not trusted" in error.cause
        assert "ca_bundle" in error.hint

    def test_a_certificate_for_another_name(self, lab: Lab, authority: Authority) -> None:
        server = lab.start(authority=authority)
        error = failure(lab.remote(server, address="127.1", ca_bundle=authority.ca_file))
        assert "certificate of 127.1" in error.cause

    def test_a_certificate_may_be_taken_unseen(self, lab: Lab, authority: Authority) -> None:
        assert lab.warm(lab.start(authority=authority), verify=False).read(READ).completed

    def test_a_certificate_is_checked_again_on_every_connection(
        self, lab: Lab, authority: Authority, tmp_path: Path
    ) -> None:
        server = lab.start(authority=authority)
        remote = lab.remote(server, ca_bundle=authority.ca_file)
        assert remote.read("reading its settings", READ, everything).completed
        port = server.port
        lab.call(server.stop())
        lab.call(server.start(port, tls=Authority(tmp_path).server))
        assert "is not trusted" in failure(remote).cause

    def test_tls_to_a_port_without_it(self, lab: Lab, server: WinRmServer) -> None:
        assert "does not speak TLS" in failure(lab.remote(server, tls=True)).cause

    def test_a_session_configuration_that_does_not_exist(self, lab: Lab, server: WinRmServer) -> None:
        error = failure(lab.remote(server, configuration="FerryJea"))
        assert not isinstance(error, HostUnreachable)
        assert error.cause == "it has no session configuration named FerryJea"
        assert error.fault is Fault.CONFIGURATION

    def test_a_host_without_room_for_another_session(self, lab: Lab) -> None:
        server = lab.start(limits=Limits(shells_per_user=1))
        lab.warm(server).read(READ)
        assert failure(lab.remote(server)).fault is Fault.CAPACITY

    def test_a_name_that_does_not_resolve(self, lab: Lab, server: WinRmServer) -> None:
        error = failure(lab.remote(server, address="host01.invalid"))
        assert error.cause == "the name host01.invalid does not resolve"

    def test_a_port_that_nobody_listens_on(self, lab: Lab, server: WinRmServer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        error = failure(lab.remote(server, port=port))
        assert error.cause == f"127.0.0.1:{port} refused the connection"
        assert f"-Port {port}" in error.hint

    def test_something_else_that_listens(self, lab: Lab) -> None:
        with ExitStack() as cleanup:
            listener = cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))

            def answer() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

            pool = cleanup.enter_context(ThreadPoolExecutor(1))
            pool.submit(answer)
            settings = HostSettings(
                address="127.0.0.1", port=listener.getsockname()[1], tls=False, username=USER, authentication="basic",
                password=SecretStr(PASSWORD), read_timeout_s=5,
            )  # fmt: skip
            error = failure(RemoteHost("host01", settings, 90.0))
        assert "HTTP status 404" in error.cause

    @pytest.mark.parametrize(
        ("error", "cause"),
        [
            (OutOfTime(), "it gave no complete answer within 30 s"),
            (OutOfTime(600), "it gave no complete answer within 600 s"),
            (NoFreeSession(), "all 3 sessions to it stayed busy for 30 s"),
            (OutcomeUnknown(), "its last answer was lost"),
            (ET.ParseError("no element found"), "the answer of host01:5986 could not be read"),
            (WinRMError("Received related id does not match"), "the answer of host01:5986 could not be read"),
            (WSManFaultError(5, "HOST01", "Access is denied.", None, None, None), "may not enter"),
            (WSManFaultError(GONE, "HOST01", "", None, None, None), "it closed the session"),
            (WSManFaultError(TIMED_OUT, "HOST01", "", None, None, None), "it did not answer in time"),
            (WSManFaultError(2, "HOST01", "no host process", None, None, None), "refused the request"),
            (NTStatusException(0xC000006D), "did not accept the account"),
            (requests.ReadTimeout(), "host01:5986 stopped answering"),
            (requests.ConnectTimeout(), "host01:5986 did not answer within 10 s"),
            (requests.ConnectionError("reset"), "the connection to host01:5986 was lost"),
        ],
    )
    def test_every_failure_has_words_and_after_an_order_none_is_sure(self, error: Exception, cause: str) -> None:
        settings = HostSettings(address="host01")
        told = explain(error, "host01", settings, "the move")
        assert isinstance(error, FAILURES)
        assert cause in told.cause
        assert told.hint
        assert explain(error, "host01", settings, "the move", sent=True).fault is Fault.UNKNOWN
