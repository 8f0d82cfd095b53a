"""Answers through a response_url, or in the ack of a slash command: five, within 30 minutes.

Facts (Slack, "Handling user interaction"): ephemeral unless response_type is in_channel; replace_original and
delete_original act on the message whose button was pressed, ephemeral or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.lab.slack.call import Backend, Call, SlackError
from bot.lab.slack.chat import content, publish_change, whisper
from bot.lab.slack.grants import ResponseUrl
from bot.lab.slack.model import JsonObject, Message
from bot.lab.slack.web import read_arguments
from bot.lab.slack.workspace import APP, BOT


class Responses:
    """The HTTP end of response_urls."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def handle(self, request: web.Request) -> web.Response:
        try:
            answer = await read_arguments(request)
            with self._backend.workspace.lock:
                answer_interaction(self._backend, request.match_info["key"], answer)
        except SlackError as error:
            status = 404 if error.code in ("used_url", "expired_url") else 400
            return web.json_response({"ok": False, "error": error.code}, status=status)
        return web.json_response({"ok": True})


def answer_interaction(backend: Backend, key: str, answer: Mapping[str, Any]) -> None:
    """Post, replace or delete as the answer says. Raises SlackError; a used answer counts even if it is refused."""
    url, error = backend.grants.use_response_url(key)
    if url is None:
        raise SlackError(error)
    call = Call(backend, answer)
    original = backend.workspace.message(url.channel, url.ts)
    if original and call.flag("delete_original"):
        backend.workspace.delete(original)
        return
    version, _ = content(call)
    if original and call.flag("replace_original"):
        changed = original.with_version(version, edited_by=backend.workspace.bot.id)
        backend.workspace.post(replace(changed, deleted=False))
        if not original.only_for:
            publish_change(backend, changed, original, backend.workspace.channels[url.channel])
        return
    _post(backend, url, call.text("response_type"), version=version, thread_ts=call.text("thread_ts") or url.thread_ts)


def _post(backend: Backend, url: ResponseUrl, kind: str, **shown: Any) -> None:
    channel = backend.workspace.channels[url.channel]
    if kind != "in_channel":
        whisper(backend, channel, url.user, shown["version"], shown["thread_ts"])
        return
    sender: JsonObject = {
        "user": backend.workspace.bot.id,
        "bot_id": BOT,
        "app_id": APP,
        "thread_ts": shown["thread_ts"],
    }
    message = Message(channel.id, backend.workspace.new_ts(), versions=(shown["version"],), **sender)
    backend.publish_message(backend.workspace.post(message), channel)
