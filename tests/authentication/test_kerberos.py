"""Kerberos against a real MIT realm: who gets in, what is encrypted, what outlives a ticket, and what is said."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.core.plan import Level
from bot.errors import Fault, HostUnreachable, Refused
from bot.hyperv import kerberos
from bot.hyperv.fleet import HyperVFleet
from bot.hyperv.probe import examine_host
from bot.lab.winrm import Authority, WinRmServer
from bot.settings import HostSettings

from . import kdc
from .hosts import LONG, Hosts, enter, impostor, refusal
from .kdc import REALM, Kdc

FERRY, BRIEF, PASSWORD = f"ferry@{REALM}", f"brief@{REALM}", "pass word"
BRIEF_S = 2
MUST = "FERRY_TEST_KERBEROS"  # set where everything is installed, so that a skip would hide something


def missing() -> str:
    """Why these tests cannot run here; empty if they can."""
    programs = [program for program in kdc.PROGRAMS if not kdc.find(program)]
    if programs:
        return f"no MIT Kerberos here: {', '.join(programs)} (Debian: krb5-kdc, krb5-admin-server, krb5-user)"
    if not kerberos.installed():
        return "the optional extra is not installed: uv sync --extra kerberos"
    return "" if kdc.FAKETIME else "no library to set a KDC's clock wrong (Debian: libfaketime)"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Kdc:
    """The realm with its accounts; nobody answers for it yet."""
    if reason := missing():
        (pytest.fail if MUST in os.environ else pytest.skip)(reason)
    made = Kdc(tmp_path_factory.mktemp("kdc"))
    made.add("ferry", PASSWORD)
    made.add("brief", PASSWORD, maxlife=f"{BRIEF_S} seconds")
    for name in ("host/localhost", "HTTP/localhost", "host/elsewhere"):
        made.add(name)
    return made


@pytest.fixture
def realm(made: Kdc, monkeypatch: pytest.MonkeyPatch) -> Kdc:
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KRB5_KTNAME", str(made.keytab("host.keytab", "host/localhost", "HTTP/localhost")))
    return made


@pytest.fixture
def answering(realm: Kdc) -> Iterator[Kdc]:
    with realm.running():
        yield realm


@pytest.fixture
def server(hosts: Hosts) -> WinRmServer:
    return hosts.start(users=USERS)


USERS = {FERRY: PASSWORD, BRIEF: PASSWORD}
LOGON = {"authentication": "kerberos", "username": FERRY, "password": SecretStr(PASSWORD)}
TICKET = {"authentication": "kerberos", "username": "", "password": SecretStr("")}


class TestEntering:
    def test_with_a_password_and_every_message_is_encrypted(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer
    ) -> None:
        assert enter(hosts.remote(server, **LOGON))
        assert hosts.entered == [FERRY]
        assert set(server.stats.content_types) == {"multipart/encrypted"}

    def test_over_https_bound_to_its_certificate(self, hosts: Hosts, answering: Kdc, authority: Authority) -> None:
        server = hosts.start(authority.server, users=USERS)
        assert enter(hosts.remote(server, ca_bundle=authority.ca_file, **LOGON))
        assert hosts.entered == [FERRY]

    @pytest.mark.parametrize("username", [FERRY, ""])
    def test_with_a_keytab(self, hosts: Hosts, answering: Kdc, server: WinRmServer, username: str) -> None:
        keytab = answering.keytab("ferry.keytab", "ferry")
        assert enter(hosts.remote(server, authentication="kerberos", username=username, keytab=keytab, password=""))
        assert hosts.entered == [FERRY]

    def test_with_the_ticket_of_the_process(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KRB5CCNAME", answering.tickets("tickets", FERRY, PASSWORD, "1h"))
        assert enter(hosts.remote(server, **TICKET))
        assert hosts.entered == [FERRY]

    @pytest.mark.parametrize("service", ["host", "HTTP"])
    def test_the_service_says_which_name_a_ticket_is_for(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer, monkeypatch: pytest.MonkeyPatch, service: str
    ) -> None:
        """The host has the key of this name only."""
        monkeypatch.setenv("KRB5_KTNAME", str(answering.keytab(f"only-{service}.keytab", f"{service}/localhost")))
        assert enter(hosts.remote(server, service=service, **LOGON))
        other = "HTTP" if service == "host" else "host"
        assert refusal(hosts.remote(server, service=other, **LOGON)).code == "0X80090322"

    @pytest.mark.parametrize("offered", ["Negotiate", "Kerberos"])
    def test_whatever_the_host_calls_it(self, hosts: Hosts, answering: Kdc, offered: str) -> None:
        assert enter(hosts.remote(hosts.start(users=USERS, schemes=(offered,)), **LOGON))

    def test_negotiate_is_kerberos_where_it_can_be_and_ntlm_where_not(
        self, hosts: Hosts, realm: Kdc, server: WinRmServer
    ) -> None:
        remote = hosts.remote(server, **LOGON | {"authentication": "negotiate"})
        with realm.running():
            assert enter(remote)
        assert enter(hosts.remote(hosts.start(), authentication="negotiate")), "nobody answers for the realm now"


class TestTickets:
    def test_a_move_goes_on_when_its_ticket_expires(self, hosts: Hosts, answering: Kdc, server: WinRmServer) -> None:
        hosts.long_s = 2 * BRIEF_S
        seen: list[int] = []
        brief = hosts.remote(server, **LOGON | {"username": BRIEF})
        assert brief.order("a long move", LONG, lambda answer: answer.completed, progress=seen.append)
        assert seen == list(range(0, 101, 5)), "no progress is lost, none comes twice"
        assert hosts.entered == [BRIEF], "and it was ordered once"

    @pytest.mark.parametrize("renewed", [True, False], ids=["renewed beside Ferry", "not renewed"])
    def test_a_move_whose_ticket_is_the_processs(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer, monkeypatch: pytest.MonkeyPatch, renewed: bool
    ) -> None:
        monkeypatch.setenv("KRB5CCNAME", answering.tickets("moving", FERRY, PASSWORD, f"{BRIEF_S}s"))
        hosts.long_s = 2 * BRIEF_S

        def renew(percent: int) -> None:
            if percent == 20 and renewed:
                answering.tickets("moving", FERRY, PASSWORD, "1h")

        remote = hosts.remote(server, **TICKET)
        if renewed:
            assert remote.order("a long move", LONG, lambda answer: answer.completed, progress=renew)
            return
        with pytest.raises(HostUnreachable) as raised:
            remote.order("a long move", LONG, lambda answer: answer.completed, progress=renew)
        assert raised.value.cause == "the Kerberos ticket of the account of this process has expired"
        assert raised.value.fault is Fault.UNKNOWN, "the host goes on"
        assert "`kinit`" in raised.value.hint

    def test_a_warm_session_whose_ticket_has_expired_reads_on(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer
    ) -> None:
        brief = hosts.remote(server, **LOGON | {"username": BRIEF})
        assert enter(brief)
        time.sleep(BRIEF_S + 1)  # tickets count whole seconds
        assert enter(brief)
        assert set(hosts.entered) == {BRIEF}

    def test_a_ticket_of_the_process_that_has_expired(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KRB5CCNAME", answering.tickets("old", FERRY, PASSWORD, "1s"))
        time.sleep(2.1)
        error = refusal(hosts.remote(server, **TICKET))
        assert error.cause == "the Kerberos ticket of the account of this process has expired"
        assert "`kinit`" in error.hint
        monkeypatch.setenv("KRB5CCNAME", answering.tickets("old", FERRY, PASSWORD, "1h"))
        assert enter(hosts.remote(server, **TICKET)), "renewed beside Ferry"

    def test_no_ticket_at_all(self, hosts: Hosts, answering: Kdc, server: WinRmServer) -> None:
        error = refusal(hosts.remote(server, **TICKET))
        assert error.cause == "there is no Kerberos ticket of the account of this process"
        assert error.fault is Fault.CONFIGURATION


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        ("settings", "cause", "hint", "code"),
        [
            (
                {"password": SecretStr("wr0ng")},
                f"the password of the account {FERRY} is wrong",
                "`password`",
                "0X8009030C",
            ),
            (
                {"username": f"nobody@{REALM}"},
                f"the domain does not know the account nobody@{REALM}",
                "name@REALM, the realm in capitals",
                "0X8009030C",
            ),
            (
                {"username": "ferry@ELSEWHERE.TEST"},
                "no domain controller (KDC) answered for the account ferry@ELSEWHERE.TEST",
                "check krb5.conf, DNS (_kerberos._tcp) and TCP port 88",
                "0X80090311",
            ),
            (
                {"address": "127.0.0.1"},
                "the domain knows no service principal name host/127.0.0.1",
                "setspn -Q host/127.0.0.1",
                "0X80090303",
            ),
        ],
        ids=["a wrong password", "an unknown account", "an unknown realm", "no service principal name"],
    )
    def test_who_is_not_let_in(
        self,
        hosts: Hosts,
        answering: Kdc,
        server: WinRmServer,
        settings: dict[str, object],
        cause: str,
        hint: str,
        code: str,
    ) -> None:
        error = refusal(hosts.remote(server, **LOGON | settings))
        assert error.cause == cause
        assert hint in error.hint
        assert error.code == code
        assert isinstance(error, HostUnreachable)
        assert "wr0ng" not in f"{error.message}{error.hint}{error.words}"
        assert not hosts.entered

    def test_no_domain_controller_that_answers_is_passing(self, hosts: Hosts, realm: Kdc, server: WinRmServer) -> None:
        remote = hosts.remote(server, **LOGON)
        error = refusal(remote)
        assert error.cause == f"no domain controller (KDC) answered for the account {FERRY}"
        assert (error.code, error.fault) == ("0X80090311", Fault.TRANSIENT)
        with realm.running():
            assert enter(remote)

    def test_a_name_that_belongs_to_another_account(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KRB5_KTNAME", str(answering.keytab("other.keytab", "host/elsewhere")))
        error = refusal(hosts.remote(server, **LOGON))
        assert error.cause.startswith("it did not accept the Kerberos ticket for host/localhost: that name belongs to")
        assert "setspn -Q host/localhost" in error.hint
        assert (error.code, error.fault) == ("0X80090322", Fault.CONFIGURATION)

    def test_clocks_that_differ_beyond_tolerance(self, hosts: Hosts, realm: Kdc, server: WinRmServer) -> None:
        with realm.running(ahead_s=240):
            assert enter(hosts.remote(server, **LOGON)), "four minutes are borne"
        with realm.running(ahead_s=600):
            error = refusal(hosts.remote(server, **LOGON))
        assert "the host's clock differs from the domain's" in error.cause
        assert "w32tm" in error.hint

    def test_the_doctor_tells_a_realm_that_answers_from_one_that_does_not(
        self, hosts: Hosts, realm: Kdc, server: WinRmServer
    ) -> None:
        settings = hosts.remote(server, **LOGON).settings
        with realm.running():
            assert f"logged on as {FERRY} by kerberos" in [finding.text for finding in examine_host("host01", settings)]
        finding = list(examine_host("host01", settings))[-1]
        assert (finding.code, finding.level) == ("authentication", Level.BLOCKING)
        assert "no domain controller (KDC) answered" in finding.text

    def test_a_keytab_without_the_account(self, hosts: Hosts, answering: Kdc, server: WinRmServer) -> None:
        settings = {"authentication": "kerberos", "username": FERRY, "password": ""}
        keytab = answering.keytab("elsewhere.keytab", "host/elsewhere")
        error = refusal(hosts.remote(server, keytab=keytab, **settings))
        assert error.cause == f"the keytab holds no key of the account {FERRY}"
        error = refusal(hosts.remote(server, keytab=Path("/nowhere/ferry.keytab"), **settings))
        assert error.cause.endswith("the keytab /nowhere/ferry.keytab cannot be read")

    def test_an_impostor_that_lets_everybody_in_hears_nothing(
        self, hosts: Hosts, answering: Kdc, server: WinRmServer
    ) -> None:
        """It cannot give the proof that takes the host's key, so nothing is encrypted for it and nothing is sent."""
        with impostor() as (port, bodies):
            error = refusal(hosts.remote(server, **LOGON | {"port": port}))
        assert error.cause == f"localhost:{port} let Ferry in without proving who it is, so nothing was sent to it"
        assert len(bodies) >= 2
        assert set(bodies) == {b""}


@pytest.mark.skipif(kerberos.installed(), reason="the optional extra is installed here")
def test_where_the_extra_is_missing_ferry_says_what_to_install_before_it_starts() -> None:
    with pytest.raises(Refused, match="Kerberos is chosen for host01, and its libraries are not installed") as raised:
        HyperVFleet({"host01": HostSettings(address="host01", authentication="kerberos")})
    assert "uv sync --extra kerberos" in raised.value.hint
    assert "libkrb5-dev" in raised.value.hint
