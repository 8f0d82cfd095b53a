"""The Slack stand-in: Web API over HTTP and Socket Mode over WebSocket, on loopback only, plus the people who use it.

    server = SlackServer(people=("alice", "bob"), channels=("ops",))
    await server.start()                       # on any loop; then, from any thread:
    ts = server.say("alice", "#ops", "@Ferry migrate VM-01 to host02")
    card = server.wait_for(lambda: server.thread("#ops", ts), 5)

It knows nothing of Ferry. It is as strict as Slack on tokens, scopes, channels, Block Kit, limits, triggers and acks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from aiohttp import web

from bot.lab.slack.call import Backend
from bot.lab.slack.chat import CHAT_METHODS
from bot.lab.slack.choosing import Choosing
from bot.lab.slack.directory import DIRECTORY_METHODS
from bot.lab.slack.faults import Fault, Faults
from bot.lab.slack.files import Files, file_methods
from bot.lab.slack.filling import Filling
from bot.lab.slack.grants import Grants
from bot.lab.slack.groups import GROUP_METHODS, UserGroups
from bot.lab.slack.limits import Limits
from bot.lab.slack.model import JsonObject
from bot.lab.slack.people import People
from bot.lab.slack.request_url import RequestUrl
from bot.lab.slack.responses import Responses
from bot.lab.slack.socket import SocketMode
from bot.lab.slack.views import Views, view_methods
from bot.lab.slack.web import LONGEST_BODY_BYTES, WebApi
from bot.lab.slack.workspace import ChannelSetup, Workspace

LOOPBACK = "127.0.0.1"
BOT_TOKEN = "xoxb-lab-bot-token"  # noqa: S105 (valid in the stand-in only)
APP_TOKEN = "xapp-lab-app-token"  # noqa: S105
SCOPES = (
    "app_mentions:read channels:history channels:read chat:write commands files:write groups:history groups:read "
    "im:history im:read im:write reactions:write usergroups:read users:read"
)
EVENTS = "app_mention message.channels message.groups message.im app_home_opened subteam_members_changed"


class SlackServer(People, Filling, Choosing, UserGroups):
    """One workspace with one app.

    Args:
        people, channels: names; a ChannelSetup where a channel is not simply public with everybody in it.
        guests: names among `people` that are guests of the workspace.
        titles: what the profiles of `people` say they do, by name.
        scopes, events: what the app was granted and subscribed to.
        rate_limits: whether calls are limited; may be switched later through `rate_limits`.
        ack_s: seconds within which the app must acknowledge a payload.
        retry_after_s: pauses before each redelivery of an event.
        ping_s: how often idle connections are pinged.
        clock: seconds since 1970, for ts, limits and expiry.

    Attributes:
        shortcuts: callback ids of the app's global shortcuts.
    """

    shortcuts = ("ferry",)

    def __init__(
        self,
        *,
        people: Sequence[str] = ("alice", "bob", "mallory", "carol"),
        channels: Sequence[str | ChannelSetup] = ("ops",),
        bot: str = "Ferry",
        guests: Iterable[str] = (),
        titles: Mapping[str, str] = MappingProxyType({}),
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        scopes: Iterable[str] = tuple(SCOPES.split()),
        events: Iterable[str] = tuple(EVENTS.split()),
        rate_limits: bool = True,
        ack_s: float = 3.0,
        retry_after_s: Sequence[float] = (0.0, 60.0, 300.0),
        ping_s: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bot_token, self.app_token = bot_token, app_token
        self.workspace = Workspace(people=people, channels=channels, bot=bot, guests=guests, titles=titles, clock=clock)
        self._socket = SocketMode(self.workspace, ack_s=ack_s, retry_after_s=retry_after_s, ping_s=ping_s)
        self.views = Views(self.workspace)
        self._limits, self._faults = Limits(enabled=rate_limits, clock=clock), Faults()
        files = Files(self.workspace)
        granted, subscribed = frozenset(scopes), frozenset(events)
        self.backend = Backend(self.workspace, self._socket, Grants(clock), granted, subscribed, self._url)
        self._api = WebApi(
            self.backend,
            CHAT_METHODS | DIRECTORY_METHODS | GROUP_METHODS | view_methods(self.views) | file_methods(files),
            files,
            bot_token=bot_token,
            app_token=app_token,
            limits=self._limits,
            faults=self._faults,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: web.AppRunner | None = None
        self._mounted: list[Callable[[web.Application], None]] = []
        self.port = 0

    # life

    def mount(self, add: Callable[[web.Application], None]) -> None:
        """Serve something else too, beside the Web API; before the start."""
        self._mounted.append(add)

    async def start(self, port: int = 0) -> None:
        """Listen on loopback, on any free port unless one is asked for."""
        app = web.Application(client_max_size=LONGEST_BODY_BYTES)
        app.router.add_route("*", "/api/{method}", self._api.handle)
        app.router.add_post("/upload/v1/{key}", self._api.handle_upload)
        app.router.add_get("/link/", self._socket.serve)
        app.router.add_post("/response/{key}", Responses(self.backend).handle)
        for add in self._mounted:
            add(app)
        self._loop = asyncio.get_running_loop()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection. Idempotent."""
        if self._runner is not None:
            await self._socket.close()
            await self._runner.cleanup()
            self._runner = None

    @property
    def api_url(self) -> str:
        """Base of the Web API, for SLACK_API_URL or WebClient(base_url=…)."""
        return self._url("api/")

    @property
    def address(self) -> str:
        """Where a browser finds what was mounted."""
        return self._url("")

    def _url(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self.port}/{path}"

    def on_loop(self, action: Callable[[], None]) -> None:
        if self._loop is None or self._runner is None:
            raise RuntimeError("the Slack stand-in is not running")
        self._loop.call_soon_threadsafe(action)

    def deliver_to(self, url: str, secret: str) -> None:
        """Payloads go to the app's Request URL from now on, signed with its secret, and to no socket."""
        self._socket.request_url = RequestUrl(url, secret)

    def deliver_to_sockets(self) -> None:
        """As at the start."""
        self._socket.request_url = None

    # watching the app

    @property
    def connections(self) -> int:
        """Open Socket Mode connections; `wait_for(lambda: server.connections, 5)` waits for the first."""
        return self._socket.connections

    def calls(self) -> list[tuple[str, str]]:
        """Web API calls so far as (method, error code or ""), oldest first."""
        return list(self._api.calls)

    def watch(self, tell: Callable[[str, bool], None]) -> None:
        """Have somebody told of each Web API call on the server's loop: its method, with False before it is carried out
        and True before its answer."""
        self._api.watch = tell

    def home(self, who: str) -> JsonObject | None:
        """The view that the app published for a person's Home tab, or None."""
        return self.views.homes.get(self.user_id(who))

    # bad days

    @property
    def rate_limits(self) -> bool:
        return self._limits.enabled

    @rate_limits.setter
    def rate_limits(self, enabled: bool) -> None:
        self._limits.enabled = enabled

    def fail_next(self, method: str, fault: Fault, *, times: int = 1) -> None:
        """The next calls of a method meet a fault, like Fault(status=429, retry_after_s=2) or Fault(reset="after")."""
        self._faults.add(method, fault, times)

    def forget_faults(self) -> None:
        """Those that no call has met yet."""
        self._faults.forget()

    def refresh_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask the app to reconnect, as Slack does every few hours."""
        self.on_loop(lambda: self._socket.refresh(reason))

    def drop_sockets(self) -> None:
        """Cut every connection without a word."""
        self.on_loop(self._socket.drop)

    def redeliver(self, envelope_id: str) -> None:
        """Send a payload again as if its ack had got lost; ids are in `deliveries()`."""
        self.on_loop(lambda: self._socket.redeliver(envelope_id))
