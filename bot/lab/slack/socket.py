"""Socket Mode: connections, envelopes, acknowledgements, redelivery.

Facts (Slack, "Using Socket Mode", "Events API"): up to ten connections, each payload goes to one of them; an ack within
3 s; only events are delivered again: at once, after one minute, after five. A slash command or a press that nobody
acknowledges is lost. A redelivery keeps its envelope_id (observed in slackapi/bolt-js #2487). Assumed: an event for
which no connection was open comes when one opens, as a first retry; a real workspace waits for its next retry time.

Everything but `deliveries` runs on the server's loop.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from aiohttp import WSMsgType, web

from bot.lab.slack.model import JsonObject
from bot.lab.slack.request_url import RequestUrl
from bot.lab.slack.workspace import APP, Workspace

MOST_CONNECTIONS = 10
GRACE_S = 10.0  # a connection that was told to go is closed after this
CLOSE_S = 1.0  # how long a closing handshake may take


@dataclass(frozen=True)
class Delivery:
    """What became of one payload, for tests.

    Attributes:
        attempts: how often it was handed to a connection.
        acknowledged: whether an ack came; `answer` is the ack's own payload.
        ack_s: seconds from when it was first handed over to its acknowledgement.
        lost: nobody acknowledged it, and it will not be tried again.
    """

    envelope_id: str
    type: str
    payload: JsonObject
    attempts: int = 0
    acknowledged: bool = False
    answer: JsonObject | None = None
    ack_s: float | None = None
    lost: bool = False


@dataclass(eq=False)
class Envelope:
    type: str
    payload: JsonObject
    answered: Callable[[JsonObject], None] | None = None  # gets the ack's payload, {} if it has none
    lost: Callable[[], None] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempt: int = 0
    handed_at: float = 0.0  # of the loop's clock; 0: not yet


@dataclass(eq=False)
class Connection:
    socket: web.WebSocketResponse
    request: web.Request
    outgoing: asyncio.Queue[JsonObject | None] = field(default_factory=asyncio.Queue)
    leaving: bool = False


class SocketMode:
    """Args: `ack_s` seconds for an ack; `retry_after_s` the pauses before each redelivery of an event."""

    def __init__(self, workspace: Workspace, *, ack_s: float, retry_after_s: Sequence[float], ping_s: float) -> None:
        self._ack_s = ack_s
        self._retry_after_s = tuple(retry_after_s)
        self._ping_s = ping_s
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._connections: list[Connection] = []
        self._waiting: list[Envelope] = []
        self._unacknowledged: dict[str, Envelope] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._deliveries: dict[str, Delivery] = {}
        self._posts: set[asyncio.Task[None]] = set()
        self._request_urls: list[RequestUrl] = []
        self.request_url: RequestUrl | None = None
        """Where payloads go instead of to connections."""

    def deliveries(self) -> list[Delivery]:
        """Every payload so far, oldest first. Safe to call from any thread."""
        with self._workspace.lock:
            return list(self._deliveries.values())

    @property
    def connections(self) -> int:
        return sum(not connection.leaving for connection in self._connections)

    def new_ticket(self) -> str:
        ticket = str(uuid.uuid4())
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One WebSocket connection, from hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPUnauthorized(text="unknown or used ticket")
        self._tickets.discard(ticket)
        connection = Connection(web.WebSocketResponse(timeout=CLOSE_S), request)
        await connection.socket.prepare(request)
        if self.connections >= MOST_CONNECTIONS:
            await connection.socket.send_json(
                {"type": "disconnect", "reason": "too_many_websockets", "debug_info": _debug()}
            )
            await connection.socket.close()
            return connection.socket
        self._connections.append(connection)
        hello = {"num_connections": self.connections, "connection_info": {"app_id": APP}}
        connection.outgoing.put_nowait({"type": "hello", **hello, "debug_info": _debug()})
        writer = asyncio.create_task(self._write(connection))
        for envelope in self._take_waiting():
            self._hand_over(replace(envelope, attempt=1))
        self._workspace.notify()
        try:
            await self._read(connection)
        finally:
            self._connections.remove(connection)
            writer.cancel()
            self._workspace.notify()
        return connection.socket

    async def _write(self, connection: Connection) -> None:
        """Send what is due, and a ping when idle: slack_sdk notices its own `close()` only when something arrives."""
        try:
            while True:
                try:
                    message = await asyncio.wait_for(connection.outgoing.get(), self._ping_s)
                except TimeoutError:
                    await connection.socket.ping(b"Ping from applink-lab")
                    continue
                if message is None:
                    break
                await connection.socket.send_str(json.dumps(message))
        except ConnectionError:
            return  # the reader sees the end of the connection; unacknowledged envelopes have their timers
        await connection.socket.close()

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type is WSMsgType.TEXT:
                self._acknowledge(json.loads(message.data))

    def _acknowledge(self, answer: JsonObject) -> None:
        envelope = self._unacknowledged.pop(answer.get("envelope_id", ""), None)
        if envelope is None:
            return
        payload = answer.get("payload") or None
        ack_s = asyncio.get_running_loop().time() - envelope.handed_at
        self._record(envelope, acknowledged=True, answer=payload, ack_s=ack_s)
        if envelope.answered:
            with self._workspace.lock:
                envelope.answered(payload or {})
        self._workspace.notify()

    def _take_waiting(self) -> list[Envelope]:
        waiting, self._waiting = self._waiting, []
        return waiting

    # sending

    def deliver(self, envelope: Envelope) -> None:
        with self._workspace.lock:
            self._deliveries[envelope.id] = Delivery(envelope.id, envelope.type, envelope.payload)
        self._hand_over(envelope)
        self._workspace.notify()

    def redeliver(self, envelope_id: str) -> None:
        """Send a payload once more as Slack does when it missed the ack: same event, first retry."""
        known = self._deliveries[envelope_id]
        still = self._unacknowledged.get(envelope_id)  # whoever waits for its answer still does
        again = still or Envelope(known.type, known.payload, id=envelope_id)
        self._hand_over(replace(again, attempt=1))

    def _hand_over(self, envelope: Envelope) -> None:
        envelope.handed_at = envelope.handed_at or asyncio.get_running_loop().time()
        if self.request_url is not None:
            self._expect(envelope)
            post = asyncio.create_task(self._post(self.request_url, envelope))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)
            return
        open_now = [connection for connection in self._connections if not connection.leaving]
        if not open_now:
            if envelope.type == "events_api":
                self._waiting.append(envelope)
            else:
                self._lose(envelope)
            return
        connection = open_now[0]
        self._connections.remove(connection)  # to the end of the row: the next payload goes to another connection
        self._connections.append(connection)
        message: JsonObject = {
            "envelope_id": envelope.id,
            "payload": envelope.payload,
            "type": envelope.type,
            "accepts_response_payload": envelope.type != "events_api",
        }
        if envelope.type == "events_api":
            message |= {"retry_attempt": envelope.attempt, "retry_reason": "timeout" if envelope.attempt else ""}
        connection.outgoing.put_nowait(message)
        self._expect(envelope)

    async def _post(self, to: RequestUrl, envelope: Envelope) -> None:
        if to not in self._request_urls:
            self._request_urls.append(to)
        now = int(self._workspace.clock())
        answer = await to.send(envelope.type, envelope.payload, envelope.attempt, now)
        if answer is not None:
            self._acknowledge({"envelope_id": envelope.id, "payload": answer})

    def _expect(self, envelope: Envelope) -> None:
        """It was handed over, and is to be acknowledged in time."""
        self._unacknowledged[envelope.id] = envelope
        self._record(envelope, attempts=self._deliveries[envelope.id].attempts + 1)
        self._later(self._ack_s, lambda: self._overdue(envelope))

    def _overdue(self, envelope: Envelope) -> None:
        if self._unacknowledged.get(envelope.id) is not envelope:
            return
        if envelope.type != "events_api" or envelope.attempt >= len(self._retry_after_s):
            del self._unacknowledged[envelope.id]
            self._lose(envelope)
            return
        again = replace(envelope, attempt=envelope.attempt + 1)
        self._unacknowledged[envelope.id] = again  # a late ack still counts
        self._later(self._retry_after_s[envelope.attempt], lambda: self._retry(again))

    def _retry(self, envelope: Envelope) -> None:
        if self._unacknowledged.get(envelope.id) is envelope:
            self._hand_over(envelope)
            self._workspace.notify()

    def _lose(self, envelope: Envelope) -> None:
        self._record(envelope, lost=True)
        if envelope.lost:
            envelope.lost()
        self._workspace.notify()

    def _record(self, envelope: Envelope, **changes: object) -> None:
        with self._workspace.lock:
            self._deliveries[envelope.id] = replace(self._deliveries[envelope.id], **changes)  # type: ignore[arg-type]

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(handle)
            action()

        handle = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(handle)

    # connections on bad days

    def refresh(self, reason: str) -> None:
        """Ask every client to reconnect. It gets no payload any more, and is cut off after a while."""
        for connection in self._connections:
            if not connection.leaving:
                connection.leaving = True
                connection.outgoing.put_nowait({"type": "disconnect", "reason": reason, "debug_info": _debug()})
                self._later(GRACE_S, lambda leaving=connection: leaving.outgoing.put_nowait(None))  # type: ignore[misc]
        self._workspace.notify()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for connection in self._connections:
            connection.leaving = True
            if connection.request.transport:
                connection.request.transport.abort()
        self._workspace.notify()

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for connection in [*self._connections]:
            await connection.socket.close()
        for url in self._request_urls:
            await url.close()


def _debug() -> JsonObject:
    return {"host": "applink-lab", "build_number": 1, "approximate_connection_time": 18060}
