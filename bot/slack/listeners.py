"""Hears Slack: Bolt in Socket Mode, or over HTTP behind a TLS proxy. Claims what was said, acknowledges, and is done.

Rules:
    1. `take` claims an ask in the database before Slack gets its acknowledgement. If it raises, Slack gets none and
       delivers again; if the process dies in between, the claim is there and the ask is answered after the restart.
    2. Nothing here waits for a host or for the Web API. Slack allows three seconds.
    3. Only what `payloads` reads as an ask reaches `take`; everything else is acknowledged, so that Slack does not
       repeat it, and logged with its reason.
    4. What is for another app, as where the tokens are those of two, is heard by nobody.
    5. An ask for a form is `bot.slack.forms`' to answer; one that it has no form for is a command like any other.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from socketserver import ThreadingMixIn
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from pydantic import SecretStr
from slack_bolt import Ack, App, BoltResponse
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode.interval_runner import IntervalRunner

from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.errors import ChatError, Refused
from bot.ports import Forms
from bot.settings import SlackSettings
from bot.slack.errors import slack_errors
from bot.slack.forms import FormFront
from bot.slack.manifest import HTTP_PATH
from bot.slack.payloads import (
    Ignored,
    Payload,
    Us,
    find_outsiders,
    is_of_another_app,
    read_event,
    read_group_change,
    read_home_opened,
    read_home_press,
    read_press,
    read_retraction,
    read_slash,
)
from bot.slack.poster import connect, read_scopes

# While a connection is gone without a word Ferry is deaf, and Slack repeats events but neither slash commands nor
# presses. slack_sdk replaces one after five pings that could not be sent, although the first one tells it for sure
# (socket_mode/builtin/connection.py, check_state).
PING_S = 2.0
_LOOK_S = 0.5
_EVERYTHING = re.compile(".*")
# Slack's error codes about the token itself (auth.test, apps.connections.open: "Errors").
_TOKEN_REFUSED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)

log = logging.getLogger(__name__)

Opened = Callable[[UserId, Place], None]
"""Told at once; the place is where the person and Ferry talk alone."""


def _no_news(_: str) -> None:
    """Where no policy asks who people are."""


def _now() -> datetime:
    return datetime.now(UTC)


class SlackFront:
    """Ferry's ears in one workspace.

    Attributes:
        client: the Web API with the bot's token.
        team, bot_user: who Ferry is, as auth.test says.
        scopes: what the token was granted.
    """

    def __init__(self, settings: SlackSettings, *, ping_s: float = PING_S, now: Callable[[], datetime] = _now) -> None:
        """Ask Slack who the token belongs to.

        Raises:
            Refused: a token or the signing secret is missing or is not what it should be.
            ChatError: Slack does not accept the token, or cannot be reached.
        """
        check_secrets(settings)
        self._settings = settings
        self._ping_s = ping_s
        self._now = now
        self.client: WebClient = connect(settings)
        with _accepted("SLACK_BOT_TOKEN", "the app's OAuth & Permissions page"), slack_errors():
            identity = self.client.auth_test()
        self.team = str(identity["team_id"])
        self.bot_user = UserId(str(identity["user_id"]))
        self.scopes = read_scopes(identity)
        app = self._read_app(str(identity.get("bot_id", "")))
        self._us = Us(self.team, self.bot_user, frozenset(settings.bare_channels), app)
        self._ears: _Ears | None = None

    def start(
        self,
        take: Callable[[Ask], bool],
        forms: Forms | None = None,
        opened: Opened | None = None,
        changed: Callable[[str], None] = _no_news,
    ) -> None:
        """Begin to listen. ChatError if Slack cannot be reached, OSError if the address of mode = http is not free.

        Args:
            take: claims an ask durably; False if it was claimed before. Called from several threads.
            forms: None: there are none.
            opened: told of who opens their home. None: there are no homes.
            changed: told of each user group, person and channel of which what is known may no longer be so; answers
                at once.
        """
        with slack_errors():
            app = self._bolt(_Listeners(take, forms, self.client, self._us, self._now, opened, changed))
        if self._settings.mode == "http":
            self._ears = _Http(app, self._settings.listen)
        else:
            self._ears = _Socket(app, self._settings.app_token.get_secret_value(), self._ping_s)

    def _read_app(self, bot: str) -> str:
        """The app whose bot token this is; only bots.info tells, which needs users:read."""
        if "users:read" not in self.scopes:
            return ""
        with slack_errors():
            told: dict[str, Any] = self.client.bots_info(bot=bot).get("bot") or {}
        return str(told.get("app_id", ""))

    def stop(self) -> None:
        """Stop listening. What is being claimed at this moment is claimed to its end. Idempotent."""
        ears, self._ears = self._ears, None
        if ears is not None:
            ears.close()

    def _bolt(self, listeners: _Listeners) -> App:
        app = App(
            name="ferry",  # without one Bolt asks `inspect` who calls, which looks at the file of every module
            client=self.client,
            signing_secret=self._settings.signing_secret.get_secret_value(),
            process_before_response=True,  # rule 1: claim, then acknowledge
            logger=logging.getLogger(f"{__name__}.bolt"),
        )
        app.use(listeners.pass_ours)
        app.event(_EVERYTHING)(listeners.hear_event)
        app.command(self._settings.command)(listeners.hear_slash)
        if listeners.forms is not None:
            listeners.forms.attach(app)
        app.action(_EVERYTHING)(listeners.hear_press)
        return app


class _Listeners:
    """What Bolt calls, giving arguments by their names."""

    def __init__(
        self,
        take: Callable[[Ask], bool],
        forms: Forms | None,
        client: WebClient,
        us: Us,
        now: Callable[[], datetime],
        opened: Opened | None,
        changed: Callable[[str], None],
    ) -> None:
        self._take = take
        self._opened = opened
        self._changed = changed
        self._us = us
        self._now = now
        self.forms = FormFront(forms, self._claim, client, us, now) if forms is not None else None

    def pass_ours(self, body: dict[str, Any], next: Callable[[], None]) -> BoltResponse | None:  # noqa: A002 - Bolt's
        if is_of_another_app(body, self._us):
            log.warning("another_app heard=%s ours=%s", body.get("api_app_id"), self._us.app)
            return BoltResponse(status=200)
        next()
        return None

    def hear_event(self, body: dict[str, Any]) -> None:
        self._doubt(body)
        if group := read_group_change(body, self._us):
            self._changed(group)
            return
        if retraction := read_retraction(body, self._us, self._now()):
            self._claim(retraction)
            return
        opened = read_home_opened(body, self._us)
        if isinstance(opened, Ignored):
            self._hear(read_event, body)
        elif self._opened is not None:
            self._opened(opened.user, opened.place)

    def hear_slash(self, body: dict[str, Any], ack: Ack) -> None:
        self._doubt(body)
        self._hear(read_slash, body)
        ack()

    def hear_press(self, body: dict[str, Any], ack: Ack) -> None:
        self._doubt(body)
        self._hear(read_home_press if "view" in body else read_press, body)
        ack()

    def _doubt(self, body: dict[str, Any]) -> None:
        for one in find_outsiders(body, self._us):
            self._changed(one)

    def _hear(self, read: Callable[[Payload, Us, datetime], Ask | Ignored], body: dict[str, Any]) -> None:
        ask = read(body, self._us, self._now())
        if isinstance(ask, Ignored):
            log.debug("ask ignored reason=%r", ask.reason)
            return
        if self.forms is None or not self.forms.offer(ask, body):
            self._claim(ask)

    def _claim(self, ask: Ask) -> bool:
        new = self._take(ask)
        if new:
            log.info("ask taken key=%s kind=%s actor=%s", ask.key, ask.kind, ask.actor)
        else:
            log.info("ask known key=%s kind=%s", ask.key, ask.kind)
        return new


def check_secrets(settings: SlackSettings) -> None:
    """Refuse to start deaf, dumb or open to everybody.

    Raises:
        Refused: a token or the signing secret is missing or is not what it should be.
    """
    _check_token(settings.bot_token, "SLACK_BOT_TOKEN", "xoxb-", "the bot token of the app's OAuth page")
    if settings.mode == "socket":
        _check_token(settings.app_token, "SLACK_APP_TOKEN", "xapp-", "an app-level token with connections:write")
    elif not settings.signing_secret.get_secret_value().strip():
        raise Refused(
            "SLACK_SIGNING_SECRET is empty",
            needed="the signing secret of the app's Basic Information page: without it anybody could send commands",
            hint='set SLACK_SIGNING_SECRET, or mode = "socket" in [slack]',
        )


def _check_token(token: SecretStr, name: str, prefix: str, what: str) -> None:
    value = token.get_secret_value().strip()
    if not value.startswith(prefix):
        saw = f"{name} is empty" if not value else f"{name} does not begin with {prefix}"
        hint = f"set {name} in the environment; `ferry manifest` prints the app to make in Slack"
        raise Refused(saw, needed=f"{what}, {prefix}…", hint=hint)


@contextmanager
def _accepted(name: str, page: str) -> Iterator[None]:
    """Says whose fault it is, and where to look, if Slack does not take a token or does not answer at the start."""
    try:
        yield
    except ChatError as error:
        if error.code == "unreachable":
            error.hint = "Ferry needs a way out to SLACK_API_URL, which is https://slack.com/api/ if not set"
        elif error.code in _TOKEN_REFUSED:
            error.hint = f"copy {name} anew from {page}"
        raise


class _Ears(Protocol):
    def close(self) -> None: ...


class _Socket:
    """Socket Mode: one WebSocket that Ferry opens; slack_sdk reconnects it."""

    def __init__(self, app: App, app_token: str, ping_s: float) -> None:
        self._handler = SocketModeHandler(app, app_token, ping_interval=ping_s)
        if app.client.proxy is None:
            self._handler.client.proxy = None
        with _accepted("SLACK_APP_TOKEN", "the app's Basic Information page"), slack_errors():
            self._handler.connect()  # type: ignore[no-untyped-call]
        self._watch = IntervalRunner(self._drop_broken, _LOOK_S).start()

    def _drop_broken(self) -> None:
        """slack_sdk replaces what is closed at its next ping."""
        session = self._handler.client.current_session
        if session is not None and session.consecutive_check_state_error_count:
            session.disconnect()

    def close(self) -> None:
        """Acknowledge what is being claimed, then hang up. What arrives in between Slack delivers again.

        slack_sdk's own `close` hangs up first, so that whoever is still at work finds no socket to answer on.
        """
        self._watch.shutdown()  # type: ignore[no-untyped-call]
        client = self._handler.client
        client.closed = True
        client.enqueue_message("")  # its reader waits up to a second for a message
        client.message_processor.shutdown()  # type: ignore[no-untyped-call]
        client.message_workers.shutdown(wait=True)
        self._handler.close()  # type: ignore[no-untyped-call]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False  # closing waits for requests under way
    block_on_close = True
    request_queue_size = 128  # of the usual five more wait for seconds, until they are sent again


class _Quiet(WSGIRequestHandler):
    timeout = 10  # seconds for a client to send its request

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        log.debug("http " + format, *args)


class _Http:
    """Slack calls us. Bolt verifies the signature and its age (SignatureVerifier: five minutes)."""

    def __init__(self, app: App, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        self._server = make_server(host, int(port), SlackRequestHandler(app, HTTP_PATH), _Server, _Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="slack-http")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
