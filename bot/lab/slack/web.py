"""The Web API over HTTP: who calls, with which arguments, whether it may, and the answer. What methods do is elsewhere.

Facts (Slack, "Using the Slack Web API"): errors are 200 answers with `ok: false`; a token comes as Bearer header or as
argument; a form carries objects as JSON texts; slack_sdk sends auth.test as JSON with an empty body.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket as sockets
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bot.lab.slack.call import Backend, Call, Method, SlackError
from bot.lab.slack.faults import Fault, Faults
from bot.lab.slack.files import UPLOAD, Files
from bot.lab.slack.limits import Limits
from bot.lab.slack.model import JsonObject

LONGEST_BODY_BYTES = 4 << 20


class WebApi:
    def __init__(
        self,
        backend: Backend,
        methods: Mapping[str, Method],
        files: Files,
        *,
        bot_token: str,
        app_token: str,
        limits: Limits,
        faults: Faults,
    ) -> None:
        self._backend = backend
        self._methods = methods
        self._files = files
        self._bot_token = bot_token
        self._app_token = app_token
        self._limits = limits
        self._faults = faults
        self._log = logging.getLogger(__name__)
        self.watch: Callable[[str, bool], None] = _nobody
        self.calls: list[tuple[str, str]] = []  # (method, "" or error code), in the order they were answered

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        return await self._handle(name, request, self._answer)

    async def handle_upload(self, request: web.Request) -> web.StreamResponse:
        """The step between two methods that is none itself: an address that takes bytes."""
        return await self._handle(UPLOAD, request, self._receive)

    async def _handle(
        self, name: str, request: web.Request, answer: Callable[[str, web.Request], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        self.watch(name, False)
        fault = self._faults.take(name)
        if fault:
            await asyncio.sleep(fault.delay_s)
            if fault.reset == "before":
                return reset(request)
            if fault.status or fault.error:
                self._note(name, fault.error or str(fault.status))
                return _failed(fault)
        response = await answer(name, request)
        self.watch(name, True)
        return reset(request) if fault and fault.reset == "after" else response

    async def _answer(self, name: str, request: web.Request) -> web.Response:
        try:
            arguments = await read_arguments(request)
            method = self._method(name)
            self._authorize(method, request, arguments)
            channel = self._backend.workspace.find_channel(str(arguments.get("channel", "")))
            if pause_s := self._limits.admit(name, method.tier, channel.id if channel else ""):
                self._note(name, "ratelimited")
                return _failed(Fault(status=429, retry_after_s=pause_s))
            with self._backend.workspace.lock:
                fields = method.run(Call(self._backend, arguments))
        except SlackError as error:
            self._log.info("slack stand-in refused method=%s error=%s %s", name, error.code, error.extra or "")
            self._note(name, error.code)
            return web.json_response({"ok": False, "error": error.code, **error.extra})
        self._note(name, "")
        accepted = {"x-accepted-oauth-scopes": ",".join(method.scopes)} if method.scopes else {}
        scopes = ["connections:write"] if method.app_token else sorted(self._backend.scopes)
        return web.json_response({"ok": True, **fields}, headers={"x-oauth-scopes": ",".join(scopes), **accepted})

    async def _receive(self, name: str, request: web.Request) -> web.Response:
        response = await self._files.receive(request)
        self._note(name, "" if response.status == 200 else str(response.status))
        return response

    def _note(self, name: str, error: str) -> None:
        self.calls.append((name, error))
        self._backend.workspace.notify()

    def _method(self, name: str) -> Method:
        if name not in self._methods:
            raise SlackError("unknown_method", req_method=name)
        return self._methods[name]

    def _authorize(self, method: Method, request: web.Request, arguments: Mapping[str, Any]) -> None:
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ").strip() if header else str(arguments.get("token", ""))
        if not token:
            raise SlackError("not_authed")
        if token not in (self._bot_token, self._app_token):
            raise SlackError("invalid_auth")
        if (token == self._app_token) != method.app_token:
            raise SlackError("not_allowed_token_type")
        provided = self._backend.scopes
        if method.scopes and not method.app_token and not provided.intersection(method.scopes):
            raise SlackError("missing_scope", needed=",".join(method.scopes), provided=",".join(sorted(provided)))


def _nobody(_: str, __: bool) -> None:
    """Who watches unless somebody does."""


async def read_arguments(request: web.Request) -> JsonObject:
    arguments: JsonObject = dict(request.query)
    if request.content_type == "application/json":
        if not (body := await request.read()).strip():
            return arguments
        try:
            given = json.loads(body)
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        return arguments | given
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return arguments | dict(await request.post())
    return arguments


def _failed(fault: Fault) -> web.Response:
    if fault.status == 429:
        headers = {"Retry-After": str(fault.retry_after_s)}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
    if fault.status:
        return web.Response(status=fault.status, text="upstream connect error or disconnect/reset before headers")
    return web.json_response({"ok": False, "error": fault.error})


def reset(request: web.Request) -> web.Response:
    """Close the connection with a TCP reset, so that the client sees no answer at all."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()
