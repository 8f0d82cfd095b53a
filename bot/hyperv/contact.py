"""What went wrong between Ferry and a host, before the host's own words: unreachable, not trusted, refused, too late.

Not the errors that cmdlets report: those are in `bot.hyperv.faults`. Each failure says what was seen and what to
check; an exception's raw text is shown as the host's words only where a person can use it.

Fault codes: WinRM's, as pypsrp's recordings of Windows and its issue tracker show them (issues 21, 22, 41).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from requests_credssp.exceptions import AuthenticationException, NTStatusException
from spnego.exceptions import FeatureMissingError, SpnegoError

from bot.errors import Fault, HostError, HostUnreachable
from bot.settings import HostSettings

GONE = 2150858843  # no such shell or command
TIMED_OUT = 2150858793  # the operation's own time limit
DISCONNECTED = frozenset({2150859230, 2150859204})  # the host has marked the shell Disconnected
_NO_CONFIGURATION = 2150858811  # resource URI not in the catalogue
_QUOTA = frozenset({2150859173, 2150859174})  # shells of this user, users of this host
_ACCESS_DENIED = 5
NOT_TAKEN = frozenset({GONE, _NO_CONFIGURATION, _ACCESS_DENIED}) | DISCONNECTED | _QUOTA
"""Answers to a request that say that it was not taken."""


class OutOfTime(Exception):
    """The total time limit of a call has passed.

    Attributes:
        limit_s: the limit, where it is not the one in the host's settings.
    """

    def __init__(self, limit_s: float | None = None) -> None:
        super().__init__()
        self.limit_s = limit_s


class NoFreeSession(Exception):
    """All warm sessions of the host stayed busy for the whole time limit."""


class OutcomeUnknown(Exception):
    """The pipeline is over, but its final state was lost on the way."""


class LetGo(Exception):
    """Ferry is closing and stopped following; nothing was sent to the host."""


FAILURES = (
    OutOfTime,
    NoFreeSession,
    OutcomeUnknown,
    LetGo,
    requests.RequestException,
    WinRMError,
    SpnegoError,
    FeatureMissingError,
    AuthenticationException,
    NTStatusException,
    ET.ParseError,
)
"""Everything that a session may raise when contact with a host fails."""

_CREDENTIALS = (AuthenticationError, SpnegoError, FeatureMissingError, AuthenticationException, NTStatusException)


@dataclass(frozen=True)
class _Seen:
    cause: str
    hint: str
    fault: Fault = Fault.TRANSIENT
    refused: bool = False  # the host did answer, and said no
    words: str = ""
    code: str = ""


def explain(error: Exception, host: str, settings: HostSettings, doing: str, *, sent: bool = False) -> HostError:
    """What a person is told.

    Args:
        sent: whether an order had been sent when contact was lost; then the outcome is unknown, whatever the reason.
    """
    seen = _seen(error, settings)
    kind = HostError if seen.refused else HostUnreachable
    fault, hint = seen.fault, seen.hint
    if sent:
        fault, hint = Fault.UNKNOWN, f"Look at both hosts first: the work may be going on there. Then: {seen.hint}"
    return kind(host, doing, words=seen.words, code=seen.code, cause=seen.cause, hint=hint, fault=fault)


def _seen(error: Exception, settings: HostSettings) -> _Seen:
    place = f"{settings.address}:{settings.wsman_port}"
    test = f"Test-NetConnection {settings.address} -Port {settings.wsman_port}"
    reach = f"From where Ferry runs: `{test}`; on the host: `winrm enumerate winrm/config/listener`"
    if isinstance(error, OutOfTime):
        return _Seen(f"it gave no complete answer within {error.limit_s or settings.read_timeout_s:g} s", reach)
    if isinstance(error, NoFreeSession):
        return _Seen(
            f"all {settings.sessions} sessions to it stayed busy for {settings.read_timeout_s:g} s",
            "Ask again, or raise `sessions` for this host",
        )
    if isinstance(error, OutcomeUnknown):
        return _Seen("its last answer was lost", reach, Fault.UNKNOWN)
    if isinstance(error, LetGo):
        return _Seen("Ferry stopped following it", "The work goes on at the host; ask for its status", Fault.UNKNOWN)
    if isinstance(error, _CREDENTIALS):
        return _credentials(error, settings)
    if isinstance(error, WSManFaultError):
        return _fault(error, settings)
    if isinstance(error, WinRMTransportError):
        return _Seen(
            f"{place} answered with HTTP status {error.code}",
            "Check `address`, `port`, `tls` and `authentication` for this host",
            Fault.CONFIGURATION,
            code=str(error.code),
        )
    if isinstance(error, requests.RequestException):
        return _network(error, place, reach, settings)
    return _Seen(f"the answer of {place} could not be read", reach, words=str(error))


def _credentials(error: Exception, settings: HostSettings) -> _Seen:
    return _Seen(
        f"it did not accept the account {settings.username or 'of this process'} by {settings.authentication}",
        "Check `username`, `password` and `authentication` for this host, and that its WinRM service allows that kind",
        Fault.CONFIGURATION,
        words="" if isinstance(error, AuthenticationError) else str(error),
        code="401",
    )


def _fault(error: WSManFaultError, settings: HostSettings) -> _Seen:
    words, code = error.provider_fault or error.reason or "", str(error.code)
    if error.code == _NO_CONFIGURATION:
        return _Seen(
            f"it has no session configuration named {settings.configuration}",
            "On the host: Get-PSSessionConfiguration; then set `configuration` for this host",
            Fault.CONFIGURATION,
            refused=True,
            words=words,
            code=code,
        )
    if error.code == _ACCESS_DENIED:
        return _Seen(
            f"the account may not enter the session configuration {settings.configuration}",
            "On the host: Set-PSSessionConfiguration, or set `configuration` to the endpoint made for Ferry",
            Fault.CONFIGURATION,
            refused=True,
            words=words,
            code=code,
        )
    if error.code in _QUOTA:
        return _Seen(
            "it has no room for another remote session",
            "Lower `sessions` for this host, or on the host: Set-Item WSMan:\\localhost\\Shell\\MaxShellsPerUser",
            Fault.CAPACITY,
            refused=True,
            words=words,
            code=code,
        )
    if error.code == GONE:
        return _Seen("it closed the session", "Ask again", words=words, code=code)
    if error.code == TIMED_OUT:
        return _Seen("it did not answer in time", "Ask again", words=words, code=code)
    return _Seen(
        "its remote management refused the request",
        "Read the WinRM log on the host",
        words=words,
        code=code,
        refused=True,
    )


def _network(error: requests.RequestException, place: str, reach: str, settings: HostSettings) -> _Seen:
    for inner in _chain(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return _Seen(
                f"the certificate of {place} is not trusted: {inner.verify_message}",
                "Set `ca_bundle` for this host to the CA that signed it, and `address` to a name in the certificate",
                Fault.CONFIGURATION,
            )
        if isinstance(inner, ssl.SSLError):
            return _Seen(
                f"{place} does not speak TLS as expected",
                "Check `port` and `tls` for this host",
                Fault.CONFIGURATION,
                words=str(inner),
            )
        if isinstance(inner, socket.gaierror):
            passing = inner.errno == socket.EAI_AGAIN  # the name server did not answer
            return _Seen(
                f"the name {settings.address} does not resolve",
                "Check `address` for this host",
                Fault.TRANSIENT if passing else Fault.CONFIGURATION,
            )
        if isinstance(inner, ConnectionRefusedError):
            return _Seen(f"{place} refused the connection", reach)
    if isinstance(error, requests.ConnectTimeout):
        return _Seen(f"{place} did not answer within {settings.connect_timeout_s:g} s", reach)
    if isinstance(error, requests.Timeout):
        return _Seen(f"{place} stopped answering", reach)
    return _Seen(f"the connection to {place} was lost", reach)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything it wraps, in whatever way: cause, context, an argument, urllib3's reason."""
    waiting: list[object] = [error]
    seen: list[BaseException] = []
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in seen):
            seen.append(one)
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
