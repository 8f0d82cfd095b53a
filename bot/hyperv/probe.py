"""What stands between Ferry and one host, step by step, each with what was seen: for `ferry doctor`.

Reads only. A step that fails ends the examination: the next one could only repeat it. The certificate is checked
against what sessions trust; where it is refused, it is fetched once more unchecked, to tell what it says.

Facts
1. WinRM answers an empty POST without Authorization with 401, the kinds of authentication that it offers, and a Date
   (RFC 9110, 6.6.1).
2. requests trusts what REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE name, else certifi's list (requests 2.32, sessions.py).
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import requests
from cryptography import x509
from pypsrp.exceptions import WinRMTransportError
from urllib3.util.ssl_ import create_urllib3_context

from bot.core.membership import Told
from bot.core.plan import Finding, Level
from bot.core.wording import render_duration
from bot.errors import HostError, HostUnreachable
from bot.hyperv import cluster_probe, contact, kerberos, pipelines, proof, views
from bot.hyperv.answer import Answer
from bot.hyperv.cmdlets import CMDLETS, NODE_MODULE, Cmdlet
from bot.hyperv.remote import RemoteHost
from bot.hyperv.warm import IDLE_RESET_S
from bot.settings import Authentication, HostSettings

SOON = timedelta(days=21)
CLOCK_WARNING_S = 60
_PATH = "/wsman"
_LISTENER = "WinRM that listens on this port, and firewalls that let Ferry through"


Shown = Mapping[str, frozenset[str]]
"""What the endpoint shows: cmdlets and the parameters of each, in lower case."""


class _Stopped(Exception):
    """A step failed and has been told."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def examine_host(name: str, settings: HostSettings) -> Iterator[Finding]:
    """In the order of the steps: name, port, tls, clock, authentication, endpoint, cmdlets, reading, cluster.

    Never raises.
    """
    try:
        yield from _way(settings)
        yield from _session(name, settings)
    except _Stopped as stopped:
        yield stopped.finding


def examine_cluster(name: str, settings: HostSettings, learn: Callable[[Told], None]) -> Iterator[Finding]:
    """The same for a cluster at its own address, as far as its nodes; `learn` gets these. Never raises."""
    try:
        yield from _way(settings)
        yield from _cluster_session(name, settings, learn)
    except _Stopped as stopped:
        yield stopped.finding


def _fine(code: str, text: str) -> Finding:
    return Finding(level=Level.FINE, code=code, text=text)


def _failed(code: str, error: Exception, settings: HostSettings, needed: str) -> _Stopped:
    seen = contact.explain(error, settings.address, settings, "")
    return _Stopped(Finding(level=Level.BLOCKING, code=code, text=seen.cause, needed=needed, hint=seen.hint))


# The way there, without a logon


def _way(settings: HostSettings) -> Iterator[Finding]:
    yield _name(settings)
    with closing(_connect(settings)) as plain:
        yield _fine("port", f"port {settings.wsman_port} takes connections")
        try:
            connection = _secure(settings, plain) if settings.tls else plain
        except (OSError, ValueError) as error:
            raise _refused_certificate(error, settings) from error
        with closing(connection):
            yield _tls(settings, connection)
            yield from _answer(settings, connection)


def _name(settings: HostSettings) -> Finding:
    try:
        found = socket.getaddrinfo(settings.address, settings.wsman_port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _failed("name", requests.ConnectionError(error), settings, "a name that resolves here") from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    same = addresses == [settings.address]
    return _fine("name", f"{settings.address}{'' if same else ' resolves to ' + ', '.join(addresses)}")


def _connect(settings: HostSettings) -> socket.socket:
    try:
        return socket.create_connection((settings.address, settings.wsman_port), settings.connect_timeout_s)
    except TimeoutError as error:
        failure: Exception = requests.ConnectTimeout(error)
        raise _failed("port", failure, settings, _LISTENER) from error
    except OSError as error:
        failure = requests.ConnectionError(error)
        raise _failed("port", failure, settings, _LISTENER) from error


def _secure(settings: HostSettings, plain: socket.socket) -> ssl.SSLSocket:
    return _trust(settings).wrap_socket(plain, server_hostname=settings.address)


def _trust(settings: HostSettings) -> ssl.SSLContext:
    """What a session's own connection trusts."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if settings.verify else ssl.CERT_NONE)
    if settings.verify:
        environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        trusted = settings.ca_bundle or Path(environment or requests.utils.DEFAULT_CA_BUNDLE_PATH)
        folder = trusted.is_dir()
        context.load_verify_locations(cafile=None if folder else trusted, capath=trusted if folder else None)
    return context


def _refused_certificate(error: Exception, settings: HostSettings) -> _Stopped:
    """With what the certificate says, where there is one."""
    needed = f"a certificate that is valid for {settings.address}, of a CA that this machine or `ca_bundle` trusts"
    if isinstance(error, FileNotFoundError):
        text = f"the file {settings.ca_bundle} cannot be read"
        return _Stopped(Finding(level=Level.BLOCKING, code="tls", text=text, needed=needed, hint=contact.FILES))
    stopped = _failed("tls", requests.exceptions.SSLError(error), settings, needed)
    if isinstance(error, ssl.SSLCertVerificationError) and (shown := _unchecked(settings)):
        finding = stopped.finding
        return _Stopped(finding.model_copy(update={"text": f"{finding.text}; it says {_says(shown)}"}))
    return stopped


def _unchecked(settings: HostSettings) -> x509.Certificate | None:
    context = create_urllib3_context(cert_reqs=ssl.CERT_NONE)
    place = (settings.address, settings.wsman_port)
    try:
        with (
            socket.create_connection(place, settings.connect_timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=settings.address) as secure,
        ):
            return _shown(secure)
    except OSError:
        return None


def _shown(connection: ssl.SSLSocket) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
    except ValueError:
        return None


def _says(certificate: x509.Certificate) -> str:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [str(one.value) for one in alternatives]
    except (x509.ExtensionNotFound, ValueError):
        names = [certificate.subject.rfc4514_string()]
    valid = f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
    return f"{', '.join(names)}, valid {valid}, signed by {certificate.issuer.rfc4514_string()}"


def _tls(settings: HostSettings, connection: socket.socket) -> Finding:
    if not isinstance(connection, ssl.SSLSocket):
        if settings.authentication is Authentication.BASIC:
            return Finding(level=Level.WARNING, code="tls", text="no TLS: the password and all else goes in clear")
        return _fine("tls", f"no TLS: {settings.authentication} encrypts the messages")
    certificate = _shown(connection)
    says = f"{connection.version()}, the certificate says {_says(certificate)}" if certificate else "TLS"
    if not settings.verify:
        text = f"{says}; it is not checked"
        return Finding(level=Level.WARNING, code="tls", text=text, needed="verify = true", hint="Set `ca_bundle`")
    if certificate and certificate.not_valid_after_utc - datetime.now(UTC) < SOON:
        return Finding(
            level=Level.WARNING, code="tls", text=f"{says}; it expires soon", hint="Renew it on the host before that"
        )
    return _fine("tls", says)


def _answer(settings: HostSettings, connection: socket.socket) -> Iterator[Finding]:
    """What the listener says to somebody who has not logged on: above all, what time it is there."""
    asking = HTTPConnection(settings.address, settings.wsman_port)
    asking.sock = connection
    try:
        asking.request("POST", _PATH, body=b"", headers={"User-Agent": "Ferry"})
        answer = asking.getresponse()
    except (OSError, HTTPException) as error:
        raise _failed("port", requests.ConnectionError(error), settings, _LISTENER) from error
    if answer.status != HTTPStatus.UNAUTHORIZED:
        raise _failed("port", WinRMTransportError("http", answer.status, ""), settings, _LISTENER)
    ahead_s = proof.clock_ahead_s(answer.headers.get("Date", ""))
    if ahead_s is not None:
        yield clock("the host", ahead_s, strict=settings.authentication is Authentication.KERBEROS)


def clock(whose: str, ahead_s: float, *, strict: bool = False) -> Finding:
    """How another clock agrees with this machine's. `strict`: beyond Kerberos's tolerance nothing works."""
    apart_s = abs(ahead_s)
    if apart_s < CLOCK_WARNING_S:
        return _fine("clock", f"the clock of {whose} agrees to within {max(1, round(apart_s))} s")
    where = "ahead of" if ahead_s > 0 else "behind"
    return Finding(
        level=Level.BLOCKING if strict and apart_s >= proof.CLOCKS_APART_S else Level.WARNING,
        code="clock",
        text=f"the clock of {whose} is {render_duration(apart_s)} {where} this machine's",
        needed="less than a minute",
        hint="Set both by one time source",
    )


# Inside


def _session(name: str, settings: HostSettings) -> Iterator[Finding]:
    with closing(RemoteHost(name, settings, IDLE_RESET_S)) as remote:
        shown = yield from _enter(settings, remote)
        yield _cmdlets(settings, shown)
        yield _reading(name, remote)
        yield from cluster_probe.examine_node(settings, remote, shown)


def _cluster_session(name: str, settings: HostSettings, learn: Callable[[Told], None]) -> Iterator[Finding]:
    with closing(RemoteHost(name, settings, IDLE_RESET_S)) as remote:
        yield from _enter(settings, remote)
        finding, told = cluster_probe.examine_nodes(remote)
        yield finding
        if told is not None:
            learn(told)


def _enter(settings: HostSettings, remote: RemoteHost) -> Generator[Finding, None, Shown]:
    """Returns the cmdlets that the session shows, with their parameters; none where it does not tell."""
    if settings.authentication is Authentication.KERBEROS and not kerberos.installed():
        raise _Stopped(
            Finding(
                level=Level.BLOCKING,
                code="authentication",
                text="the libraries of Kerberos are not installed",
                needed="the optional extra kerberos",
                hint=kerberos.INSTALL,
            )
        )
    who = settings.username or "the account of this process"
    logged_on = _fine("authentication", f"logged on as {who} by {settings.authentication}")
    try:
        shown = remote.read("asking what the endpoint shows", pipelines.ask_commands(), _commands)
    except HostUnreachable as error:
        needed = "an account and a way to log on that the host takes"
        raise _Stopped(_told("authentication", error, needed)) from error
    except HostError as error:
        yield logged_on
        raise _Stopped(_told("endpoint", error, "a session configuration that Ferry may enter")) from error
    yield logged_on
    yield _fine("endpoint", f"the session configuration {settings.configuration} lets it in")
    return shown


def _told(code: str, error: HostError, needed: str) -> Finding:
    words = f" (the host says: {error.words})" if error.words else ""
    return Finding(
        level=Level.BLOCKING, code=code, text=f"{error.cause or error.message}{words}", needed=needed, hint=error.hint
    )


def _commands(answer: Answer) -> Shown:
    return {str(record["Name"]).casefold(): _parameters(record["Parameters"]) for record in answer.records}


def _parameters(value: object) -> frozenset[str]:
    """In lower case; empty where the host does not tell, since every cmdlet has some."""
    return frozenset(str(name).casefold() for name in value) if isinstance(value, dict) else frozenset()


def _cmdlets(settings: HostSettings, shown: Shown) -> Finding:
    if not shown:
        return _fine("cmdlets", "it does not tell what it shows (no Get-Command)")
    used = _used(shown)
    absent = [cmdlet for cmdlet in used if cmdlet.name.casefold() not in shown]
    missing = [cmdlet.name for cmdlet in absent if not cmdlet.newer]
    if not missing:
        return _taken(settings, used, shown)
    return Finding(
        level=Level.BLOCKING,
        code="cmdlets",
        text=f"{settings.configuration} does not show {', '.join(missing)}",
        needed=f"all {len(used)} cmdlets that Ferry uses",
        hint="Copy the role that `ferry jea` writes to the host; on a full endpoint install the modules: "
        + ", ".join(sorted({cmdlet.module for cmdlet in used if cmdlet.name in missing})),
    )


def _taken(settings: HostSettings, used: Sequence[Cmdlet], shown: Shown) -> Finding:
    """Whether each takes what Ferry sends: a role of another version shows the same cmdlets with other parameters."""
    absent = [cmdlet for cmdlet in used if cmdlet.name.casefold() not in shown]
    told = [cmdlet for cmdlet in used if cmdlet not in absent and shown[cmdlet.name.casefold()]]
    lacking = [
        f"-{parameter.name} of {cmdlet.name}"
        for cmdlet in told
        for parameter in cmdlet.parameters
        if parameter.name.casefold() not in shown[cmdlet.name.casefold()]
    ]
    if not lacking:
        with_all = ", with all parameters that it sends" if len(told) + len(absent) == len(used) else ""
        without = f", but for {', '.join(cmdlet.name for cmdlet in absent)} of newer Windows Servers" if absent else ""
        return _fine("cmdlets", f"all {len(used)} cmdlets that Ferry uses are there{with_all}{without}")
    return Finding(
        level=Level.BLOCKING,
        code="cmdlets",
        text=f"{settings.configuration} does not take {', '.join(lacking)}",
        needed="every parameter that Ferry sends",
        hint="Generate the role anew with `ferry jea` and copy it to the host: the one there is another version's",
    )


def _used(shown: Shown) -> tuple[Cmdlet, ...]:
    """A host that shows no cmdlet for clusters is taken to be no node of one."""
    of_nodes = {cmdlet for cmdlet in CMDLETS if cmdlet.module == NODE_MODULE}
    is_node = any(cmdlet.name.casefold() in shown for cmdlet in of_nodes)
    return tuple(cmdlet for cmdlet in CMDLETS if is_node or cmdlet not in of_nodes)


def _reading(name: str, remote: RemoteHost) -> Finding:
    def count(answer: Answer) -> int:
        views.host_of(answer, name)
        return len(views.summaries_of(answer, name))

    try:
        vms = remote.read("reading its virtual machines", pipelines.ask_vms(), count)
    except HostError as error:
        needed = "an account in Hyper-V Administrators, and all cmdlets that Ferry reads with"
        raise _Stopped(_told("reading", error, needed)) from error
    return _fine("reading", f"its settings and its {vms} virtual machines can be read")
