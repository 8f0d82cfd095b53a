"""Kerberos from where Ferry runs: what it takes, what a session logs on with, and what its failures mean.

Facts
1. pyspnego 0.12 takes Kerberos from the system on Windows; elsewhere from gssapi and krb5, which compile against the
   system's Kerberos libraries and come with `pypsrp[kerberos]`.
2. A logon that fails comes as krb5's own error; a ticket that fails, and a security context that has ended, as
   gssapi's, mostly inside pyspnego's SpnegoError.
3. Errors of Kerberos are numbered from -1765328384: below 128 as in RFC 4120, 7.5.9, from there as in MIT's
   krb5_err.et (1.20). gssapi gives the same number as an unsigned one.
4. With MIT's libraries a security context ends with its ticket, in the middle of whatever it is used for. A new one
   asks the KDC for a new ticket, where there is a password or a keytab. The libraries wait for a KDC that takes
   connections and says nothing for 25 s (measured with 1.20), whatever Ferry's own time limits are.
5. Windows names the same failures by SSPI's HRESULTs (winerror.h), which is what people search for.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from spnego import KerberosKeytab
from spnego.exceptions import GSSError

from bot.errors import Fault, Refused
from bot.hyperv.seen import FileTrouble, Seen, chain
from bot.settings import Authentication, HostSettings

INSTALL = (
    "Debian and Ubuntu: apt install gcc python3-dev libkrb5-dev; Red Hat: dnf install gcc python3-devel krb5-devel. "
    "Then: uv sync --extra kerberos"
)
_BASE = -1765328384
_UNSIGNED = 2**32
_TICKET_EXPIRED = 32
_CONTEXT_EXPIRED = 12 << 16  # GSS_S_CONTEXT_EXPIRED (RFC 2744)


def _library() -> Any:
    """krb5, or None where it or gssapi is missing or does not find the system's libraries."""
    try:
        importlib.import_module("gssapi")
        return importlib.import_module("krb5")
    except (ImportError, OSError):
        return None


_KRB5 = None if os.name == "nt" else _library()


def installed() -> bool:
    return os.name == "nt" or _KRB5 is not None


FAILURES: tuple[type[Exception], ...] = () if _KRB5 is None else (_KRB5.Krb5Error, GSSError)
"""What the libraries may raise themselves (fact 2). Where gssapi is missing, GSSError stands for every exception."""


def demand(hosts: Mapping[str, HostSettings]) -> None:
    """Raises Refused if a host is to be entered by Kerberos, and its libraries are missing."""
    wanting = [name for name, host in hosts.items() if host.authentication is Authentication.KERBEROS]
    if wanting and not installed():
        raise Refused(
            f"Kerberos is chosen for {', '.join(wanting)}, and its libraries are not installed",
            needed="the optional extra kerberos, which compiles against the system's Kerberos libraries",
            hint=INSTALL,
        )


def logon(settings: HostSettings) -> Any:
    """What pypsrp hands to pyspnego as the user: a name, a keytab, or None for the process's own ticket.

    Raises:
        FileTrouble: the keytab cannot be read.
    """
    if settings.keytab is not None:
        if not os.access(settings.keytab, os.R_OK):
            raise FileTrouble(f"the keytab {settings.keytab} cannot be read")
        return KerberosKeytab(str(settings.keytab.absolute()), settings.username or None)
    return settings.username or None


def ended(error: BaseException) -> bool:
    """Whether a security context's ticket has expired (fact 4)."""
    return any(getattr(one, "maj_code", 0) == _CONTEXT_EXPIRED for one in chain(error))


def _number(error: BaseException) -> int | None:
    for one in chain(error):
        if not isinstance(one, FAILURES):
            continue
        code: int = getattr(one, "err_code", 0) or getattr(one, "min_code", 0)
        code -= _UNSIGNED if code > _UNSIGNED // 2 else 0
        if 0 < code - _BASE < 256:
            return code - _BASE
    return None


def explain(error: BaseException, settings: HostSettings) -> Seen | None:
    """None if it is no failure of Kerberos itself, or one that nobody knows."""
    number = _number(error)
    if ended(error):
        if settings.username:  # the next session fetches a ticket of its own
            return Seen("the Kerberos ticket of the session has expired", "Ask again", code="0X80090317")
        number = _TICKET_EXPIRED
    known = next((entry for entry in KNOWN if number in entry[0]), None)
    if known is None:
        return None
    _, cause, hint, fault, code = known
    secret = "keytab" if settings.keytab else "password"
    values = {"principal": principal(settings), "account": settings.username or "of this process", "secret": secret}
    return Seen(cause.format_map(values), hint.format_map(values), fault, code=code)


def principal(settings: HostSettings) -> str:
    """The name that a ticket is asked for."""
    return f"{settings.service}/{settings.address}"


_TICKET = "`kinit` for the account that Ferry runs as, or set `username` with a password or a `keytab`"
_CLOCKS = "Set the clocks of this machine, of the host and of the domain controllers by one time source"
_REACH = (
    "From where Ferry runs: check krb5.conf, DNS (_kerberos._tcp) and TCP port 88 to a domain controller. The system's "
    "Kerberos libraries wait up to 25 s for one that says nothing, whatever time limits Ferry has"
)
_SECRET = "Check `{secret}` for this host"  # noqa: S105 (no secret)

KNOWN: tuple[tuple[tuple[int, ...], str, str, Fault, str], ...] = (
    (
        (154, 156),
        "no domain controller (KDC) answered for the account {account}",
        _REACH,
        Fault.TRANSIENT,
        "0X80090311",
    ),
    (
        (6,),
        "the domain does not know the account {account}",
        "Write `username` as name@REALM, the realm in capitals",
        Fault.CONFIGURATION,
        "0X8009030C",
    ),
    ((24, 31), "the {secret} of the account {account} is wrong", _SECRET, Fault.CONFIGURATION, "0X8009030C"),
    ((18,), "the account {account} is disabled or locked", "Unlock it", Fault.CONFIGURATION, "0X8009030C"),
    ((23,), "the password of the account {account} has expired", "Set a new one", Fault.CONFIGURATION, "0X8009030C"),
    (
        (181,),
        "the keytab holds no key of the account {account}",
        "klist -k <keytab>, and write `username` as it is there",
        Fault.CONFIGURATION,
        "",
    ),
    (
        (7,),
        "the domain knows no service principal name {principal}",
        "Set `address` to the host's full name, or `service` to the other kind; in the domain: setspn -Q {principal}",
        Fault.CONFIGURATION,
        "0X80090303",
    ),
    (
        (_TICKET_EXPIRED,),
        "the Kerberos ticket of the account {account} has expired",
        _TICKET,
        Fault.CONFIGURATION,
        "0X80090317",
    ),
    ((141, 195), "there is no Kerberos ticket of the account {account}", _TICKET, Fault.CONFIGURATION, ""),
    ((33, 37), "this machine's clock differs too much from the domain's", _CLOCKS, Fault.CONFIGURATION, "0X80090324"),
    (
        (14,),
        "the domain and this machine share no kind of encryption",
        "Compare `permitted_enctypes` in krb5.conf with msDS-SupportedEncryptionTypes of the account and of the host",
        Fault.CONFIGURATION,
        "0X80090342",
    ),
)
"""Numbers, cause, hint, fault, and the HRESULT of fact 5, where it means the same in the catalogue."""
