"""Hears Slack: Bolt in Socket Mode, or over HTTP behind a TLS proxy. Claims what was said, acknowledges, and is done.

Rules:
    1. `take` claims an ask in the database before Slack gets its acknowledgement. If it raises, Slack gets none and
       delivers again; if the process dies in between, the claim is there and the ask is answered after the restart.
    2. Nothing here waits for a host or for the Web API. Slack allows three seconds.
    3. Only what `payloads` reads as an ask reaches `take`; everything else is acknowledged, so that Slack does not
       repeat it, and logged with its reason.
    4. A form is opened at once, as Slack allows three seconds for that too, and beside the acknowledgement. What was
       filled in is a command like any other: claimed first, then shown where the form was opened.
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
from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient

from bot.core.form import Form, find_kind
from bot.core.names import UserId
from bot.core.operation import Ask
from bot.core.reply import Code, User, say
from bot.errors import ChatError, Refused
from bot.settings import SlackSettings
from bot.slack.errors import slack_errors
from bot.slack.manifest import HTTP_PATH
from bot.slack.modals import CALLBACK, render_modal, render_problems
from bot.slack.mrkdwn import escape
from bot.slack.payloads import (
    Ignored,
    Payload,
    Us,
    read_event,
    read_form_name,
    read_group_change,
    read_press,
    read_retraction,
    read_slash,
    read_submission,
)
from bot.slack.poster import Poster, connect

# A connection that is gone without a word is replaced after five pings (slack_sdk, socket_mode/builtin/connection.py);
# until then Ferry is deaf, and Slack repeats events but neither slash commands nor presses.
PING_S = 2.0
_EVERYTHING = re.compile(".*")
# Slack's error codes about the token itself (auth.test, apps.connections.open: "Errors").
_TOKEN_REFUSED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)

log = logging.getLogger(__name__)

Forms = Callable[[str, Ask], Form | None]
"""The form of a name, for whoever asks. None: there is none, or it is not for this person."""


def _no_form(_: str, __: Ask) -> None:
    """Where there are no forms."""


def _no_group(_: str) -> None:
    """Where no policy names user groups."""


def _now() -> datetime:
    return datetime.now(UTC)


class SlackFront:
    """Ferry's ears in one workspace.

    Attributes:
        client: the Web API with the bot's token.
        team, bot_user: who Ferry is, as auth.test says.
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
        self._us = Us(self.team, self.bot_user, frozenset(settings.bare_channels))
        self._ears: _Ears | None = None

    def start(
        self, take: Callable[[Ask], bool], forms: Forms = _no_form, on_group: Callable[[str], None] = _no_group
    ) -> None:
        """Begin to listen. ChatError if Slack cannot be reached, OSError if the address of mode = http is not free.

        Args:
            take: claims an ask durably; False if it was claimed before. Called from several threads.
            forms: answers at once.
            on_group: told of each user group whose members have changed; answers at once.
        """
        with slack_errors():
            app = self._bolt(_Listeners(take, forms, on_group, self.client, self._us, self._now))
        if self._settings.mode == "http":
            self._ears = _Http(app, self._settings.listen)
        else:
            self._ears = _Socket(app, self._settings.app_token.get_secret_value(), self._ping_s)

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
        app.event(_EVERYTHING)(listeners.hear_event)
        app.command(self._settings.command)(listeners.hear_slash)
        app.action(_EVERYTHING)(listeners.hear_press)
        app.view(re.compile(f"{CALLBACK}.*"))(listeners.hear_form)
        return app


class _Listeners:
    """What Bolt calls, giving arguments by their names."""

    def __init__(
        self,
        take: Callable[[Ask], bool],
        forms: Forms,
        on_group: Callable[[str], None],
        client: WebClient,
        us: Us,
        now: Callable[[], datetime],
    ) -> None:
        self._take = take
        self._forms = forms
        self._on_group = on_group
        self._client = client
        self._us = us
        self._now = now

    def hear_event(self, body: dict[str, Any]) -> None:
        if group := read_group_change(body, self._us):
            self._on_group(group)
            return
        if retraction := read_retraction(body, self._us, self._now()):
            self._claim(retraction)
            return
        self._hear(read_event, body)

    def hear_slash(self, body: dict[str, Any], ack: Ack) -> None:
        self._hear(read_slash, body)
        ack()

    def hear_press(self, body: dict[str, Any], ack: Ack) -> None:
        self._hear(read_press, body)
        ack()

    def hear_form(self, body: dict[str, Any], ack: Ack) -> None:
        submission = read_submission(body, self._us, self._now())
        if isinstance(submission, Ignored):
            log.debug("form ignored reason=%r", submission.reason)
            ack()
            return
        found = find_kind(submission.form)
        if found is None:
            log.debug("form ignored reason=%r", f"no form is called {submission.form}")
            ack()
            return
        kind, about = found
        if problems := kind.find_problems(submission.values):
            ack(**render_problems(problems))
            return
        command = kind.render(submission.values, about)
        ask = submission.ask.model_copy(update={"text": escape(command)})  # as if it had been typed
        if self._claim(ask):
            self._beside(self._show, ask, command)
        ack()

    def _hear(self, read: Callable[[Payload, Us, datetime], Ask | Ignored], body: dict[str, Any]) -> None:
        ask = read(body, self._us, self._now())
        if isinstance(ask, Ignored):
            log.debug("ask ignored reason=%r", ask.reason)
            return
        if name := read_form_name(ask):
            if form := self._forms(name, ask):
                self._beside(self._open, form, ask, str(body.get("trigger_id", "")))
                return
            if ask.kind == "button":
                ask = ask.model_copy(update={"text": name})
        self._claim(ask)

    def _claim(self, ask: Ask) -> bool:
        new = self._take(ask)
        if new:
            log.info("ask taken key=%s kind=%s actor=%s", ask.key, ask.kind, ask.actor)
        else:
            log.info("ask known key=%s kind=%s", ask.key, ask.kind)
        return new

    def _open(self, form: Form, ask: Ask, trigger: str) -> None:
        """Who cannot be shown the form is answered as if its name had been typed, which says how to type the rest."""
        try:
            with slack_errors():
                self._client.views_open(trigger_id=trigger, view=render_modal(form, ask.place))
        except ChatError as error:
            log.warning("form_not_opened form=%s key=%s code=%s", form.name, ask.key, error.code)
            self._claim(ask.model_copy(update={"text": form.name}))

    def _show(self, ask: Ask, command: str) -> None:
        try:
            said = say(User(id=ask.actor), " filled in a form: ", Code(text=command))
            Poster(self._client).post(ask.place, said, key=f"{ask.key}/said")
        except ChatError as error:
            log.warning("form_not_shown key=%s code=%s", ask.key, error.code)

    def _beside(self, work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, name="slack-form", daemon=True).start()


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

    def close(self) -> None:
        """Acknowledge what is being claimed, then hang up. What arrives in between Slack delivers again.

        slack_sdk's own `close` hangs up first, so that whoever is still at work finds no socket to answer on.
        """
        client = self._handler.client
        client.closed = True
        client.enqueue_message("")  # its reader waits up to a second for a message
        client.message_processor.shutdown()  # type: ignore[no-untyped-call]
        client.message_workers.shutdown(wait=True)
        self._handler.close()  # type: ignore[no-untyped-call]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False  # closing waits for requests under way
    block_on_close = True


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
