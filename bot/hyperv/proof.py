"""Why a host and Ferry did not take each other's word: certificates, and credentials. Part of `bot.hyperv.contact`.

Facts
1. OpenSSL's numbers of what is wrong with a certificate: x509_vfy.h (3.0).
2. A host answers 401 with the kinds of authentication that it offers (RFC 9110, 11.6.1) and, like every answer, with
   its clock (Date). pypsrp and requests-credssp keep the first in a text, requests keeps the answer itself.
3. pypsrp takes a 200 without the host's half of the handshake. Then there is no security context to encrypt the first
   message with, which pyspnego says in these two ways, of Kerberos and of NTLM.
"""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from pypsrp.exceptions import AuthenticationError
from spnego.exceptions import NoContextError, OperationNotAvailableError

from bot.errors import Fault
from bot.hyperv import kerberos
from bot.hyperv.seen import Seen, chain
from bot.settings import Authentication, HostSettings

CLOCKS_APART_S = 300
"""Kerberos's own tolerance (RFC 4120, 3.1.3: typically five minutes; the default in Active Directory)."""

_SCHEMES = {Authentication.BASIC: "Basic", Authentication.CREDSSP: "CredSSP"}
_OFFERED = re.compile(r"actual: '([^']*)'")
_RENEW = "Give the host's HTTPS listener a valid certificate: winrm enumerate winrm/config/listener"
_NAME = "Set `address` to a name in the certificate, or give the host's HTTPS listener one for this name"
_TRUST = "Set `ca_bundle` for this host to the certificate of the CA that signed it (PEM)"
_CERTIFICATES: dict[int, tuple[str, str]] = {
    9: ("is not valid yet", "Check the clocks of this machine and of the host"),
    10: ("has expired", _RENEW),
    18: ("is signed by itself only and is not trusted", _TRUST),
    19: ("is signed by a CA that this machine does not know, so it is not trusted", _TRUST),
    20: ("is signed by a CA that this machine does not know, so it is not trusted", _TRUST),
    21: ("is signed by a CA that this machine does not know, so it is not trusted", _TRUST),
    62: ("is for another name", _NAME),
    64: ("is for another address", _NAME),
}


def certificate(error: ssl.SSLCertVerificationError, place: str) -> Seen:
    """The host's own was not accepted."""
    known = _CERTIFICATES.get(error.verify_code)
    if known is None:
        return Seen(f"the certificate of {place} is not trusted: {error.verify_message}", _TRUST, Fault.CONFIGURATION)
    return Seen(f"the certificate of {place} {known[0]}", known[1], Fault.CONFIGURATION)


def client_certificate(settings: HostSettings, broken_off: str = "") -> Seen:
    """Ferry's own was not accepted.

    Args:
        broken_off: the place that broke the connection off without a word. That is how TLS 1.3 refuses a certificate of
            an unknown CA (the client has long finished its part, RFC 8446, 4.4.2), and how any connection is lost.
    """
    refused = f"it did not accept the client certificate {settings.certificate}"
    return Seen(
        f"{broken_off} broke the connection off, or {refused}" if broken_off else refused,
        "On the host: the CA that signed it has to be among the trusted roots, and Get-ChildItem "
        "WSMan:\\localhost\\ClientCertificate has to map it to an account",
        Fault.TRANSIENT if broken_off else Fault.CONFIGURATION,
        code="" if broken_off else "401",
    )


def credentials(error: Exception, settings: HostSettings) -> Seen:
    """The account was not accepted, or the way to prove it."""
    if seen := kerberos.explain(error, settings):
        return seen
    if settings.authentication is Authentication.CERTIFICATE:
        return client_certificate(settings)
    if isinstance(error, (NoContextError, OperationNotAvailableError)):  # fact 3
        place = f"{settings.address}:{settings.wsman_port}"
        return Seen(
            f"{place} let Ferry in without proving who it is, so nothing was sent to it",
            "Look at what answers there: the host itself, or a proxy, or something that pretends to be the host",
            Fault.CONFIGURATION,
        )
    scheme = _SCHEMES.get(settings.authentication, "Negotiate")
    offered = _offered(error)
    if offered and scheme.casefold() not in (one.casefold() for one in offered):
        return Seen(
            f"it offers {', '.join(offered)}, not {scheme}, which {settings.authentication} needs",
            "Set `authentication` for this host to one that it offers, or on the host: Set-Item "
            f"WSMan:\\localhost\\Service\\Auth\\{scheme} $true",
            Fault.CONFIGURATION,
            code="401",
        )
    if settings.authentication is Authentication.KERBEROS and isinstance(error, AuthenticationError):
        return _ticket(error, settings)
    return Seen(
        f"it did not accept the account {settings.username or 'of this process'} by {settings.authentication}",
        "Check `username`, `password` and `authentication` for this host, and that its WinRM service allows that kind",
        Fault.CONFIGURATION,
        words="" if isinstance(error, AuthenticationError) else str(error),
        code="401",
    )


def _ticket(error: Exception, settings: HostSettings) -> Seen:
    """The domain gave a ticket, and the host refused it. Where it is the clock, the host's own answer shows it."""
    refused = f"it did not accept the Kerberos ticket for {kerberos.principal(settings)}"
    apart_s = _clock_ahead_s(error)
    if apart_s is not None and abs(apart_s) >= CLOCKS_APART_S:
        where = "ahead of" if apart_s > 0 else "behind"
        return Seen(
            f"{refused}: its clock is {abs(apart_s) / 60:.0f} min {where} this machine's",
            "Set the clocks of this machine, of the host and of the domain controllers by one time source",
            Fault.CONFIGURATION,
            code="0X80090324",
        )
    return Seen(
        f"{refused}: that name belongs to another account, or the host's clock differs from the domain's",
        f"setspn -Q {kerberos.principal(settings)} has to show this host's computer account, and setspn -X no "
        "duplicate; on the host: w32tm /query /status",
        Fault.CONFIGURATION,
        code="0X80090322",
    )


def _offered(error: Exception) -> tuple[str, ...]:
    """The kinds of authentication in the host's answer; none if it is not known."""
    for one in chain(error):
        text = ""
        if isinstance(one, requests.HTTPError) and one.response is not None:
            text = one.response.headers.get("WWW-Authenticate", "")
        elif found := _OFFERED.search(str(one)):
            text = found[1]
        if text:
            return tuple(part.split()[0] for part in text.split(",") if part.split())
    return ()


def _clock_ahead_s(error: Exception) -> float | None:
    for one in chain(error):
        if isinstance(one, requests.HTTPError) and one.response is not None:
            return clock_ahead_s(one.response.headers.get("Date", ""))
    return None


def clock_ahead_s(date: str) -> float | None:
    """How far the clock of who sent this Date header is ahead of this machine's; None if there is none to read."""
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (then - datetime.now(UTC)).total_seconds() if then.tzinfo else None
