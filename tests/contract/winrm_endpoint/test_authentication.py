"""Who gets in, and whether what is said is encrypted."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError

from bot.lab.winrm import Authority, WinRmServer

from .client import Lab, invoke
from .cmdlets import Cmdlets


@pytest.mark.parametrize(
    ("authentication", "tls", "encryption", "encrypted"),
    [
        ("ntlm", False, "auto", True),
        ("negotiate", False, "always", True),
        ("credssp", False, "auto", True),
        ("basic", False, "never", False),
        ("ntlm", True, "auto", False),
        ("ntlm", True, "always", True),
        ("negotiate", True, "auto", False),
        ("credssp", True, "always", True),
        ("basic", True, "auto", False),
    ],
)
def test_each_works_and_messages_are_encrypted_where_they_must(
    lab: Lab, authority: Authority, authentication: str, tls: bool, encryption: str, encrypted: bool
) -> None:
    server = lab.start(authority=authority if tls else None)
    options = {"auth": authentication, "encryption": encryption, "cert_validation": str(authority.ca_file)}
    assert invoke(lab.open(server, **options), "Get-User") == ["admin"]
    kind = "multipart/encrypted" if encrypted else "application/soap+xml"
    assert set(server.stats.content_types) == {kind}
    assert server.stats.content_types[kind] >= 5


def test_a_long_message_is_encrypted_in_parts_by_credssp(lab: Lab, server: WinRmServer) -> None:
    text = "long " * 20_000
    assert invoke(lab.open(server, auth="credssp"), "Write-Text", Text=text) == [text]
    assert server.stats.content_types["multipart/x-multi-encrypted"] >= 1


@pytest.mark.parametrize("authentication", ["ntlm", "negotiate", "credssp", "basic"])
@pytest.mark.parametrize(
    ("given", "password", "known"),
    [("contoso\\FERRY", "pass word", "CONTOSO\\ferry"), ("Other@contoso.com", "x", "other@contoso.com")],
)
def test_domain_names_and_principal_names(
    lab: Lab, server: WinRmServer, authentication: str, given: str, password: str, known: str
) -> None:
    encryption = "never" if authentication == "basic" else "auto"
    pool = lab.open(server, auth=authentication, username=given, password=password, encryption=encryption)
    assert invoke(pool, "Get-User") == [known]


def test_a_client_certificate_logs_its_user_on(lab: Lab, authority: Authority) -> None:
    certificate, key = authority.client_certificate("admin")
    server = lab.start(authority=authority)
    options = {"auth": "certificate", "certificate_pem": str(certificate), "certificate_key_pem": str(key)}
    pool = lab.open(server, cert_validation=str(authority.ca_file), **options)
    assert invoke(pool, "Get-User") == ["admin"]


def test_a_client_certificate_of_an_unknown_user_is_refused(lab: Lab, authority: Authority) -> None:
    certificate, key = authority.client_certificate("nobody")
    server = lab.start(authority=authority)
    options = {"auth": "certificate", "certificate_pem": str(certificate), "certificate_key_pem": str(key)}
    with pytest.raises(AuthenticationError):
        lab.open(server, cert_validation=str(authority.ca_file), **options)


def test_a_client_certificate_of_another_authority_is_refused(lab: Lab, authority: Authority, tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).client_certificate("admin")
    server = lab.start(authority=authority)
    options = {"auth": "certificate", "certificate_pem": str(certificate), "certificate_key_pem": str(key)}
    with pytest.raises((requests.exceptions.SSLError, requests.ConnectionError)):
        lab.open(server, cert_validation=str(authority.ca_file), **options)


@pytest.mark.parametrize("authentication", ["ntlm", "negotiate", "basic"])
@pytest.mark.parametrize("credentials", [("admin", "wrong"), ("nobody", "secret"), ("CONTOSO\\admin", "secret")])
def test_a_wrong_password_or_user_is_refused(
    lab: Lab, server: WinRmServer, authentication: str, credentials: tuple[str, str]
) -> None:
    username, password = credentials
    encryption = "never" if authentication == "basic" else "auto"
    with pytest.raises(AuthenticationError):
        lab.open(server, auth=authentication, username=username, password=password, encryption=encryption)
    assert not server.stats.actions


def test_a_scheme_that_is_not_offered_is_refused(lab: Lab) -> None:
    server = lab.start(schemes=("Negotiate",))
    with pytest.raises(AuthenticationError):
        lab.open(server, auth="basic", encryption="never")
    assert invoke(lab.open(server), "Get-User") == ["admin"]


def test_ntlm_in_clear_is_refused(lab: Lab, server: WinRmServer) -> None:
    with pytest.raises(WinRMTransportError) as raised:
        lab.open(server, encryption="never")
    assert raised.value.code == 500
    assert not server.stats.actions


def test_a_certificate_that_is_not_trusted_is_refused_by_the_client(lab: Lab, authority: Authority) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        lab.open(lab.start(authority=authority))


def test_a_client_without_channel_bindings_is_refused(lab: Lab, authority: Authority) -> None:
    server = lab.start(authority=authority)
    with pytest.raises(AuthenticationError):
        lab.open(server, cert_validation=str(authority.ca_file), negotiate_send_cbt=False)


def test_servers_with_different_users_live_side_by_side(lab: Lab, cmdlets: Cmdlets) -> None:
    first = lab.start()
    second = WinRmServer("HV02", {"admin": "another"}, cmdlets.run)
    lab.call(second.start())
    try:
        assert invoke(lab.open(first), "Get-User") == ["admin"]
        assert invoke(lab.open(second, password="another"), "Get-User") == ["admin"]
        with pytest.raises(AuthenticationError):
            lab.open(second)
    finally:
        lab.call(second.stop())


def test_a_password_that_the_ntlm_file_cannot_hold_is_refused_at_once(cmdlets: Cmdlets) -> None:
    with pytest.raises(ValueError, match="colon"):
        WinRmServer("HV01", {"admin": "a:b"}, cmdlets.run)
