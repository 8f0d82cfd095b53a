"""What went wrong between Ferry and a host, before the host's own words: unreachable, not trusted, refused, too late.

Not the errors that cmdlets report: those are in `bot.hyperv.faults`. Each failure says what was seen and what to
check; an exception's raw text is shown as the host's words only where a person can use it.

Fault codes: WinRM's, as pypsrp's recordings of Windows and its issue tracker show them (issues 21, 22, 41).
"""

from __future__ import annotations

import socket
import ssl
from xml.etree import ElementTree as ET

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from requests_credssp.exceptions import AuthenticationException, NTStatusException
from spnego.exceptions import FeatureMissingError, SpnegoError

from bot.errors import Fault, HostError, HostUnreachable
from bot.hyperv import kerberos, proof
from bot.hyperv.seen import FileTrouble, Seen, chain
from bot.settings import HostSettings

GONE = 2150858843  # no such shell or command
TIMED_OUT = 2150858793  # the operation's own time limit
DISCONNECTED = frozenset({2150859230, 2150859204})  # the host has marked the shell Disconnected
_NO_CONFIGURATION = 2150858811  # resource URI not in the catalogue
_QUOTA = frozenset({2150859173, 2150859174})  # shells of this user, users of this host
_ACCESS_DENIED = 5
FILES = "Check `ca_bundle`, `certificate`, `certificate_key` and `keytab` for this host"
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


FAILURES: tuple[type[Exception], ...] = (
    OutOfTime,
    NoFreeSession,
    OutcomeUnknown,
    LetGo,
    FileTrouble,
    requests.RequestException,
    WinRMError,
    SpnegoError,
    FeatureMissingError,
    AuthenticationException,
    NTStatusException,
    ET.ParseError,
    *kerberos.FAILURES,
)
"""Everything that a session may raise when contact with a host fails."""

_CREDENTIALS: tuple[type[Exception], ...] = (
    AuthenticationError,
    SpnegoError,
    FeatureMissingError,
    AuthenticationException,
    NTStatusException,
    *kerberos.FAILURES,
)


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


def _seen(error: Exception, settings: HostSettings) -> Seen:
    place = f"{settings.address}:{settings.wsman_port}"
    test = f"Test-NetConnection {settings.address} -Port {settings.wsman_port}"
    reach = f"From where Ferry runs: `{test}`; on the host: `winrm enumerate winrm/config/listener`"
    if isinstance(error, OutOfTime):
        return Seen(f"it gave no complete answer within {error.limit_s or settings.read_timeout_s:g} s", reach)
    if isinstance(error, NoFreeSession):
        return Seen(
            f"all {settings.sessions} sessions to it stayed busy for {settings.read_timeout_s:g} s",
            "Ask again, or raise `sessions` for this host",
        )
    if isinstance(error, OutcomeUnknown):
        return Seen("its last answer was lost", reach, Fault.UNKNOWN)
    if isinstance(error, LetGo):
        return Seen("Ferry stopped following it", "The work goes on at the host; ask for its status", Fault.UNKNOWN)
    if isinstance(error, FileTrouble):
        return Seen(f"a file for it cannot be used: {error}", FILES, Fault.CONFIGURATION)
    if isinstance(error, _CREDENTIALS):
        return proof.credentials(error, settings)
    if isinstance(error, WSManFaultError):
        return _fault(error, settings)
    if isinstance(error, WinRMTransportError):
        return Seen(
            f"{place} answered with HTTP status {error.code}",
            "Check `address`, `port`, `tls` and `authentication` for this host",
            Fault.CONFIGURATION,
            code=str(error.code),
        )
    if isinstance(error, requests.RequestException):
        return _network(error, place, reach, settings)
    return Seen(f"the answer of {place} could not be read", reach, words=str(error))


def _fault(error: WSManFaultError, settings: HostSettings) -> Seen:
    words, code = error.provider_fault or error.reason or "", str(error.code)
    if error.code == _NO_CONFIGURATION:
        return Seen(
            f"it has no session configuration named {settings.configuration}",
            "On the host: Get-PSSessionConfiguration; then set `configuration` for this host",
            Fault.CONFIGURATION,
            refused=True,
            words=words,
            code=code,
        )
    if error.code == _ACCESS_DENIED:
        return Seen(
            f"the account may not enter the session configuration {settings.configuration}",
            "On the host: Set-PSSessionConfiguration, or set `configuration` to the endpoint made for Ferry",
            Fault.CONFIGURATION,
            refused=True,
            words=words,
            code=code,
        )
    if error.code in _QUOTA:
        return Seen(
            "it has no room for another remote session",
            "Lower `sessions` for this host, or on the host: Set-Item WSMan:\\localhost\\Shell\\MaxShellsPerUser",
            Fault.CAPACITY,
            refused=True,
            words=words,
            code=code,
        )
    if error.code == GONE:
        return Seen("it closed the session", "Ask again", words=words, code=code)
    if error.code == TIMED_OUT:
        return Seen("it did not answer in time", "Ask again", words=words, code=code)
    return Seen(
        "its remote management refused the request",
        "Read the WinRM log on the host",
        words=words,
        code=code,
        refused=True,
    )


def _network(error: requests.RequestException, place: str, reach: str, settings: HostSettings) -> Seen:
    for inner in chain(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return proof.certificate(inner, place)
        if isinstance(inner, ssl.SSLEOFError) and settings.certificate is not None:
            return proof.client_certificate(settings, place)
        if isinstance(inner, ssl.SSLError):
            return Seen(
                f"{place} does not speak TLS as expected",
                "Check `port` and `tls` for this host",
                Fault.CONFIGURATION,
                words=str(inner),
            )
        if isinstance(inner, socket.gaierror):
            passing = inner.errno == socket.EAI_AGAIN  # the name server did not answer
            return Seen(
                f"the name {settings.address} does not resolve",
                "Check `address` for this host",
                Fault.TRANSIENT if passing else Fault.CONFIGURATION,
            )
        if isinstance(inner, ConnectionRefusedError):
            return Seen(f"{place} refused the connection", reach)
    if isinstance(error, requests.ConnectTimeout):
        return Seen(f"{place} did not answer within {settings.connect_timeout_s:g} s", reach)
    if isinstance(error, requests.Timeout):
        return Seen(f"{place} stopped answering", reach)
    if settings.certificate is not None:
        return proof.client_certificate(settings, place)
    return Seen(f"the connection to {place} was lost", reach)
