"""One remote session with a host: one connection, one runspace pool, one thread at a time.

Not the choice of session (`bot.hyperv.warm`), not the meaning of answers (`bot.hyperv.answer`).

Facts about pypsrp 0.9.1 and WinRM that this module rests on:
1. One WSMan serves one thread: message encryption numbers its messages (pypsrp issues 21, 203).
2. HTTP.sys drops a socket that was idle for two minutes, and the security context with it; the next encrypted request
   gets HTTP 400. Dropping the transport's session makes the next request authenticate anew, on the same shell (issue
   21).
3. A Receive may be sent again as the same message: a known MessageID gets the same data (pypsrp does so, on read
   time-outs only). Nothing else may, except after HTTP 400, which says that the message could not even be decrypted.
4. pypsrp ignores WSMan's own CommandState: if the answer with the pipeline's final state was lost, it would poll for
   ever.
5. Without a Terminate signal the shell runs into MaxConcurrentCommandsPerShell (issue 148).
6. A pipeline whose client goes away is stopped, but a migration is a job of the host's VMMS and goes on (Microsoft
   Learn, Msvm_MigrationJob; that stopping cancels nothing is assumed). So letting go of a session is always safe for
   the VM.
7. requests looks through the environment for proxies, certificates and a netrc at every request as long as its session
   trusts the environment (requests, Session.merge_environment_settings). pypsrp has merged what counts when it built
   the session.
8. pypsrp copies every command of a pipeline deeply, twice, as lxml once needed (Pipeline._get_statements).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event
from typing import Any, Protocol

import requests
from pypsrp.complex_objects import Command, PSInvocationState, RunspacePoolState
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import CommandState, WinRS
from pypsrp.wsman import WSMan

from bot.hyperv import kerberos
from bot.hyperv.answer import Answer, answer_of
from bot.hyperv.cmdlets import Statement, compose
from bot.hyperv.contact import DISCONNECTED, FAILURES, NOT_TAKEN, LetGo, OutcomeUnknown, OutOfTime
from bot.hyperv.lean import make_lean
from bot.hyperv.seen import FileTrouble
from bot.settings import Authentication, HostSettings

LONGEST_POLL_S = 20  # pypsrp's own default of one long poll; what happens at the host is told at once
PAUSE_S = 0.3  # before a lost Receive is repeated
FAREWELL_S = 3.0  # for the last words to a host; what stays open then ends by itself after IDLE_END_S
IDLE_END_S = 900
STALE_CONTEXT = 400

Progress = Callable[[int], None]


class _Http(Protocol):
    """The part of pypsrp's HTTP transport that is used here."""

    endpoint: str
    session: Any
    encryption: Any

    def close(self) -> None: ...
    def send(self, message: bytes, *, retries_on_read_timeout: int = 0, timeout: Any = None) -> bytes: ...


class Transport:
    """pypsrp's HTTP transport under a deadline; it also repeats what may be repeated (facts 2 and 3)."""

    def __init__(self, http: _Http, connect_timeout_s: float) -> None:
        self._http = http
        self._connect_timeout_s = connect_timeout_s
        self.endpoint = http.endpoint
        self.deadline = 0.0  # of time.monotonic()

    def close(self) -> None:
        self._http.close()

    def reset(self) -> None:
        """Drop the socket and its security context; the next request authenticates anew."""
        self._http.close()
        self._http.session = self._http.encryption = None

    def left_s(self) -> float:
        """Raises OutOfTime when the deadline has passed."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return left

    def send(self, message: bytes, *, retries_on_read_timeout: int = 0, timeout: float | None = None) -> bytes:
        """As pypsrp's own. Only a Receive comes with `retries_on_read_timeout`, so that marks what may be repeated."""
        fresh = self._http.session is None
        while True:
            left = self.left_s()
            if self._http.session is not None:
                self._http.session.trust_env = False  # fact 7
            limits = (min(self._connect_timeout_s, left), min(timeout or left, left))
            try:
                return self._http.send(message, timeout=limits)
            except ValueError as error:  # pypsrp: the host offers no kind of authentication that was asked for
                if isinstance(error, requests.RequestException):
                    raise
                raise AuthenticationError(str(error)) from error
            except kerberos.FAILURES as error:
                if not (retries_on_read_timeout and kerberos.ended(error)):
                    raise
            except WinRMTransportError as error:
                if error.code != STALE_CONTEXT or fresh:
                    raise
                fresh = True
            except requests.exceptions.SSLError:
                raise
            except (requests.ConnectionError, requests.Timeout):
                if not retries_on_read_timeout or self.deadline - time.monotonic() <= PAUSE_S:
                    raise
                time.sleep(PAUSE_S)
            except OSError as error:
                if isinstance(error, requests.RequestException):
                    raise
                raise FileTrouble(str(error)) from error  # requests, of certificates and keys
            self.reset()


class _Command(Command):
    """Never changed once it is composed, so it is its own copy (fact 8)."""

    def __deepcopy__(self, memo: object) -> _Command:
        return self


class UncopiedPowerShell(PowerShell):
    """pypsrp's, except that packing a pipeline copies no command (fact 8). The same bytes are sent."""

    def add_cmdlet(self, cmdlet: str, use_local_scope: bool | None = None) -> PowerShell:
        version = self.runspace_pool.protocol_version or ""
        return self.add_command(
            _Command(cmdlet, protocol_version=version, is_script=False, use_local_scope=use_local_scope)
        )


class Shell(WinRS):
    """pypsrp's shell, which also remembers the commands that WSMan called done (fact 4)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.done: set[str | None] = set()

    def receive(
        self, stream: str = "stdout stderr", command_id: str | None = None, timeout: int | None = None
    ) -> tuple[str, int | None, dict[str, bytes]]:
        got = super().receive(stream, command_id=command_id, timeout=timeout)
        if got[0] == CommandState.DONE:
            self.done.add(command_id)
        return got


def _connect(settings: HostSettings) -> WSMan:
    """No request is made yet. Proxies of the environment are not for hosts in the data centre."""
    basic_in_clear = settings.authentication is Authentication.BASIC and not settings.tls
    trusted: Any = str(settings.ca_bundle) if settings.verify and settings.ca_bundle else settings.verify
    certificate: dict[str, Any] = {}
    if settings.authentication is Authentication.CERTIFICATE:
        certificate = {
            "certificate_pem": str(settings.certificate),
            "certificate_key_pem": str(settings.certificate_key),
        }
    return WSMan(
        settings.address,
        port=settings.wsman_port,
        ssl=settings.tls,
        auth=settings.authentication.value,
        username=kerberos.logon(settings),
        password=settings.password.get_secret_value() or None,
        cert_validation=trusted,
        encryption="never" if basic_in_clear else "auto",
        operation_timeout=max(1, min(LONGEST_POLL_S, int(settings.read_timeout_s) - 1)),
        no_proxy=True,
        negotiate_service=settings.service,
        **certificate,
    )


class HostSession:
    """Open it, run pipelines one after the other, close it. After any exception, or unfit, it must be dropped.

    Attributes:
        opened_at, used_at: of time.monotonic(); `used_at` is when it last gave a whole answer.
        sent: whether the last pipeline reached the host, or may have.
        fit: whether the session can run another pipeline.
    """

    def __init__(self, settings: HostSettings) -> None:
        wsman = _connect(settings)
        self._transport = Transport(wsman.transport, settings.connect_timeout_s)
        wsman.transport = self._transport  # type: ignore[assignment]  # same shape, not the same class
        self._pool = RunspacePool(wsman, configuration_name=settings.configuration, idle_timeout=IDLE_END_S)
        make_lean(self._pool)
        own = self._pool.shell
        self._shell = Shell(
            wsman,
            resource_uri=own.resource_uri,
            id=own.id,
            input_streams=own.input_streams,
            output_streams=own.output_streams,
            idle_time_out=own.idle_time_out,
        )
        self._pool.shell = self._shell
        self.opened_at = self.used_at = time.monotonic()
        self.sent = False
        self.fit = True

    def open(self, deadline: float) -> None:
        self._transport.deadline = deadline
        self._pool.open()

    def revive(self, idle_reset_s: float, deadline: float) -> bool:
        """Make a warm session fit for use after a rest; False when the host has let go of it."""
        if time.monotonic() - self.used_at < idle_reset_s:
            return True
        self._transport.deadline = deadline
        self._transport.reset()
        try:
            if self._shell._get_shell().get("State") == "Disconnected":
                self._reconnect()
        except FAILURES:
            return False
        return True

    def run(self, statements: Sequence[Statement], deadline: float) -> Answer:
        """One pipeline to its end, within the time that is left."""
        self._transport.deadline = deadline
        powershell = self._begin(statements)
        while powershell.state == PSInvocationState.RUNNING:
            self._poll(powershell)
        return self._finish(powershell)

    def follow(
        self,
        statements: Sequence[Statement],
        patience_s: float,
        progress: Progress,
        closing: Event,
        limit_s: float | None,
    ) -> Answer:
        """One long pipeline to its end.

        Args:
            patience_s: how long the host may be out of reach before contact counts as lost.
            closing: once it is set, the session lets go; the host's own job goes on.
            limit_s: for the whole; None where only the host knows how long it takes.
        """
        end = None if limit_s is None else time.monotonic() + limit_s
        self._transport.deadline = time.monotonic() + patience_s
        powershell = self._begin(statements)
        told = 0
        while powershell.state == PSInvocationState.RUNNING:
            now = time.monotonic()
            if closing.is_set():
                raise LetGo
            if end is not None and limit_s is not None and now > end:
                raise OutOfTime(limit_s)
            self._transport.deadline = now + patience_s
            self._poll(powershell)
            for record in powershell.streams.progress[told:]:
                told += 1
                if 0 <= record.percent_complete <= 100:
                    progress(record.percent_complete)
        return self._finish(powershell)

    def _begin(self, statements: Sequence[Statement]) -> PowerShell:
        self.sent = False
        powershell = UncopiedPowerShell(self._pool)
        compose(statements, powershell)
        self._transport.left_s()
        self.sent = True
        try:
            powershell.begin_invoke()
        except WSManFaultError as fault:
            # Only where the host answered that it does not take it: a time limit that passed does not say that.
            self.sent = fault.code not in NOT_TAKEN
            raise
        return powershell

    def _poll(self, powershell: PowerShell) -> None:
        patience_s = max(1, min(LONGEST_POLL_S, int(self._transport.left_s()) - 1))
        try:
            powershell.poll_invoke(timeout=patience_s)
        except WSManFaultError as error:
            if error.code not in DISCONNECTED:
                raise
            self._reconnect()
        if powershell.state == PSInvocationState.RUNNING and powershell._command_id in self._shell.done:
            raise OutcomeUnknown

    def _finish(self, powershell: PowerShell) -> Answer:
        """The answer is whole by now; that the host also clears the pipeline away is not worth losing it for."""
        answer = answer_of(powershell)
        self._transport.deadline = time.monotonic() + FAREWELL_S
        try:
            powershell.close()
        except FAILURES:
            self.fit = False
        self.used_at = time.monotonic()
        return answer

    def _reconnect(self) -> None:
        self._pool.state = RunspacePoolState.DISCONNECTED
        self._pool.connect()

    def close(self) -> None:
        """End the session on the host too, if it answers soon; else it ends there by itself."""
        self._transport.deadline = time.monotonic() + FAREWELL_S
        with suppress(*FAILURES):
            self._pool.close()
        self._transport.reset()

    def let_go(self) -> None:
        """Drop the connection without a word."""
        self._transport.reset()
