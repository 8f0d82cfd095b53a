"""The page's addresses: its files, files of messages, what a person does, and what changes, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from pydantic import ValidationError

from bot.lab.page.acts import ACTS
from bot.lab.page.guard import HEADERS, guard
from bot.lab.page.sight import Sight
from bot.lab.slack import SlackServer
from bot.lab.slack.model import JsonObject

FILES = Path(__file__).parent / "static"
# Named here because `mimetypes` asks the machine, and some machines hold JavaScript for text.
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
PULSE_S = 15.0  # how often a silent stream says that it is there, which is how it finds out that nobody reads it
PACE_S = 0.05  # changes within it are told together


class Page:
    """Args:
    user: who one is at first.
    about: a sentence for the beginning of a channel.
    suggestions: what a newcomer may type there.
    """

    def __init__(
        self, server: SlackServer, *, user: str = "", about: str = "", suggestions: Sequence[str] = ()
    ) -> None:
        self._server = server
        self._user = user or next(iter(server.workspace.people))
        self._welcome: JsonObject = {"about": about, "suggestions": list(suggestions)}
        self._files = {file.name: file.read_bytes() for file in FILES.iterdir() if file.suffix in TYPES}
        self._streams: set[asyncio.Event] = set()
        self._closing = False

    def add_to(self, app: web.Application) -> None:
        app.middlewares.append(guard)
        app.router.add_get("/", self._index)
        app.router.add_get("/page/events", self._events)
        app.router.add_get("/page/files/{id}", self._picture)
        app.router.add_get("/page/{name}", self._file)
        app.router.add_post("/page/act", self._act)
        app.on_shutdown.append(self._close)

    async def _index(self, _: web.Request) -> web.Response:
        return self._send("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return self._send(request.match_info["name"])

    def _send(self, name: str) -> web.Response:
        if name not in self._files:
            raise web.HTTPNotFound
        kind = TYPES[Path(name).suffix]
        return web.Response(body=self._files[name], content_type=kind, charset="utf-8", headers=HEADERS)

    async def _picture(self, request: web.Request) -> web.Response:
        """A file of a message; whatever is no picture is only to be saved."""
        for message in self._server.workspace.messages():
            for file in message.files:
                if file.id == request.match_info["id"] and not message.deleted:
                    if file.kind in PICTURES:
                        return web.Response(body=file.data, content_type=file.kind, headers=HEADERS)
                    saved = HEADERS | {"Content-Disposition": "attachment"}
                    return web.Response(body=file.data, content_type="application/octet-stream", headers=saved)
        raise web.HTTPNotFound

    async def _act(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":  # what a form of another page cannot send
            return _problem("only application/json is read", 415)
        try:
            act = ACTS.validate_json(await request.read())
            return web.json_response(await act.perform(self._server), headers=HEADERS)
        except ValidationError as error:
            return _problem("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))
        except KeyError as mistake:
            return _problem(str(mistake.args[0]))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            sight = Sight(self._server, request.query.get("who") or self._user)
        except KeyError as mistake:
            return _problem(str(mistake.args[0]))
        response = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
        await response.prepare(request)
        changed, loop = asyncio.Event(), asyncio.get_running_loop()
        self._streams.add(changed)
        try:
            with self._server.workspace.watched(lambda: loop.call_soon_threadsafe(changed.set)):
                await _write(response, "hello", self._welcome | sight.everything())
                await self._tell(response, sight, changed)
        except ConnectionError:
            pass  # whoever looked has gone
        finally:
            self._streams.discard(changed)
        return response

    async def _tell(self, response: web.StreamResponse, sight: Sight, changed: asyncio.Event) -> None:
        while not self._closing:
            try:
                await asyncio.wait_for(changed.wait(), PULSE_S)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            await asyncio.sleep(PACE_S)
            changed.clear()
            if news := sight.news():
                await _write(response, "news", news)

    async def _close(self, _: web.Application) -> None:
        self._closing = True
        for changed in self._streams:
            changed.set()


async def _write(response: web.StreamResponse, event: str, data: JsonObject) -> None:
    await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())


def _problem(problem: str, status: int = 400) -> web.Response:
    return web.json_response({"problem": problem}, status=status, headers=HEADERS)
