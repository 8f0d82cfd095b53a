"""Who gets in without Kerberos, by Ferry's own client and real TLS; and what is said where nobody does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.errors import Fault, HostUnreachable
from bot.lab.winrm import Authority
from bot.lab.winrm.certificates import ServerTls
from bot.settings import HostSettings

from .hosts import PASSWORD, USER, Hosts, enter, impostor, refusal

DAY = timedelta(days=1)


@pytest.mark.parametrize("kind", ["ntlm", "negotiate", "credssp", "basic"])
def test_each_kind_enters_over_https_with_a_private_ca(hosts: Hosts, authority: Authority, kind: str) -> None:
    server = hosts.start(authority.server)
    assert enter(hosts.remote(server, authentication=kind, ca_bundle=authority.ca_file))
    assert hosts.entered == [USER]
    assert set(server.stats.content_types) == {"application/soap+xml"}, "TLS has encrypted it already"


@pytest.mark.parametrize("kind", ["ntlm", "negotiate", "credssp"])
def test_over_plain_http_every_message_is_encrypted(hosts: Hosts, kind: str) -> None:
    server = hosts.start()
    assert enter(hosts.remote(server, authentication=kind))
    assert hosts.entered == [USER]
    assert set(server.stats.content_types) == {"multipart/encrypted"}


def test_a_client_certificate_enters_as_the_account_that_it_is_mapped_to(hosts: Hosts, authority: Authority) -> None:
    assert enter(hosts.remote(hosts.start(authority.server), **_client(authority, USER, trusts=authority)))
    assert hosts.entered == [USER]


Made = Callable[[Authority], ServerTls]

REFUSED: dict[str, tuple[Made, str, str]] = {
    "expired": (
        lambda ca: ca.server_for("localhost", since=-9 * DAY, until=-DAY),
        "has expired",
        "winrm enumerate winrm/config/listener",
    ),
    "not yet valid": (
        lambda ca: ca.server_for("localhost", since=DAY, until=9 * DAY),
        "is not valid yet",
        "clocks of this machine and of the host",
    ),
    "for another name": (
        lambda ca: ca.server_for("host02.contoso.com"),
        "is for another name",
        "Set `address` to a name in the certificate",
    ),
}


@pytest.mark.parametrize(("made", "cause", "hint"), REFUSED.values(), ids=REFUSED)
def test_a_certificate_that_is_wrong_is_refused_before_a_password_leaves(
    hosts: Hosts, authority: Authority, made: Made, cause: str, hint: str
) -> None:
    server = hosts.start(made(authority))
    error = refusal(hosts.remote(server, authentication="basic", ca_bundle=authority.ca_file))
    assert error.cause == f"the certificate of localhost:{server.port} {cause}"
    assert hint in error.hint
    assert error.fault is Fault.CONFIGURATION
    assert isinstance(error, HostUnreachable)
    assert server.stats.http_requests == 0


def test_a_certificate_for_another_address_is_refused(hosts: Hosts, authority: Authority) -> None:
    server = hosts.start(authority.server_for("localhost"))
    error = refusal(hosts.remote(server, address="127.0.0.1", ca_bundle=authority.ca_file))
    assert error.cause == f"the certificate of 127.0.0.1:{server.port} is for another address"


def test_a_ca_that_nobody_named_is_refused(hosts: Hosts, authority: Authority, tmp_path: Path) -> None:
    server = hosts.start(Authority(tmp_path).server)
    for trusted in ({}, {"ca_bundle": authority.ca_file}):
        error = refusal(hosts.remote(server, **trusted))
        assert "is signed by a CA that this machine does not know" in error.cause
        assert "Set `ca_bundle`" in error.hint
        assert server.stats.http_requests == 0


@pytest.mark.parametrize("kind", ["ntlm", "negotiate", "credssp", "basic"])
def test_a_wrong_password_is_told_apart_and_never_shown(hosts: Hosts, authority: Authority, kind: str) -> None:
    server = hosts.start(authority.server)
    wrong = {"authentication": kind, "password": SecretStr("wr0ng"), "ca_bundle": authority.ca_file}
    error = refusal(hosts.remote(server, **wrong))
    assert error.cause == f"it did not accept the account {USER} by {kind}"
    assert "`password`" in error.hint
    assert error.fault is Fault.CONFIGURATION
    assert "wr0ng" not in f"{error.message}{error.hint}{error.words}"
    assert not hosts.entered


@pytest.mark.parametrize(
    ("kind", "offered", "cause"),
    [
        ("basic", ("Negotiate", "CredSSP"), "it offers Negotiate, CredSSP, not Basic, which basic needs"),
        ("credssp", ("Negotiate",), "it offers Negotiate, not CredSSP, which credssp needs"),
        ("ntlm", ("Basic",), "it offers Basic, not Negotiate, which ntlm needs"),
        ("negotiate", ("Basic", "CredSSP"), "it offers Basic, CredSSP, not Negotiate, which negotiate needs"),
    ],
)
def test_a_kind_that_the_host_does_not_offer(
    hosts: Hosts, authority: Authority, kind: str, offered: tuple[str, ...], cause: str
) -> None:
    server = hosts.start(authority.server, schemes=offered)
    error = refusal(hosts.remote(server, authentication=kind, ca_bundle=authority.ca_file))
    assert error.cause == cause
    assert "WSMan:\\localhost\\Service\\Auth\\" in error.hint


def test_basic_over_plain_http_is_refused_before_anything_starts() -> None:
    with pytest.raises(ValidationError, match="sends the password in clear: it needs tls = true"):
        HostSettings(address="host01.contoso.com", tls=False, authentication="basic")


def test_a_client_certificate_of_an_account_that_the_host_does_not_know(hosts: Hosts, authority: Authority) -> None:
    error = refusal(hosts.remote(hosts.start(authority.server), **_client(authority, "nobody", trusts=authority)))
    assert error.cause.startswith("it did not accept the client certificate ")
    assert "WSMan:\\localhost\\ClientCertificate" in error.hint


def test_a_client_certificate_of_a_ca_that_the_host_does_not_trust(
    hosts: Hosts, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path)
    error = refusal(hosts.remote(hosts.start(authority.server), **_client(stranger, USER, trusts=authority)))
    assert "broke the connection off, or it did not accept the client certificate" in error.cause
    assert "trusted roots" in error.hint


@pytest.mark.parametrize("setting", ["ca_bundle", "certificate", "certificate_key"])
def test_a_file_that_is_not_there(hosts: Hosts, authority: Authority, setting: str) -> None:
    options = _client(authority, USER, trusts=authority) | {setting: Path("/nowhere/file.pem")}
    error = refusal(hosts.remote(hosts.start(authority.server), **options))
    assert "/nowhere/file.pem" in error.cause
    assert f"`{setting}`" in error.hint
    assert error.fault is Fault.CONFIGURATION


@pytest.mark.parametrize("kind", ["ntlm", "negotiate"])
def test_an_impostor_that_lets_everybody_in_hears_nothing(hosts: Hosts, kind: str) -> None:
    with impostor() as (port, bodies):
        error = refusal(hosts.remote(hosts.start(), authentication=kind, port=port))
    assert error.cause == f"localhost:{port} let Ferry in without proving who it is, so nothing was sent to it"
    assert set(bodies) == {b""}


def test_plain_http_to_a_port_that_speaks_tls(hosts: Hosts, authority: Authority) -> None:
    error = refusal(hosts.remote(hosts.start(authority.server), tls=False))
    assert "was lost" in error.cause
    assert PASSWORD not in error.message


def _client(signer: Authority, user: str, *, trusts: Authority) -> dict[str, Any]:
    certificate, key = signer.client_certificate(user)
    return {
        "authentication": "certificate",
        "certificate": certificate,
        "certificate_key": key,
        "ca_bundle": trusts.ca_file,
    }
