"""files.*: uploading in three steps, and the address that the bytes are sent to.

Facts (Slack, "files.getUploadURLExternal", "files.completeUploadExternal"): an upload is completed once, all of its
bytes must be there by then, and nobody sees it before; a length of 0 is a missing argument; the bot must be in the
channel whatever else it may do. Assumed, as undocumented: the statuses of refused uploads, and that other numbers of
bytes than announced are refused. Stricter than Slack: the address takes no token.
"""

from __future__ import annotations

import mimetypes
import uuid
from dataclasses import dataclass, replace

from aiohttp import web

from bot.lab.slack.call import Call, Method, SlackError, invalid
from bot.lab.slack.chat import check_thread
from bot.lab.slack.limits import Tier
from bot.lab.slack.model import Channel, JsonObject, Message, SharedFile
from bot.lab.slack.workspace import APP, BOT, Workspace

LARGEST_BYTES = 1 << 30
LONGEST_ALT_TEXT = 1000
MOST_CHANNELS = 100
UPLOAD = "upload"
"""What the second step is called where calls are counted and faults are ordered; it is no method."""


@dataclass
class _Upload:
    file: SharedFile
    key: str
    length: int
    received: bool = False


class Files:
    """Uploads that have begun. On the server's loop, under the workspace's lock."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._uploads: dict[str, _Upload] = {}  # by file id, until they are completed
        self._count = 0

    def begin(self, call: Call) -> JsonObject:
        name, alt_text = call.required("filename"), call.text("alt_txt")
        if not (length := call.number("length", 0)):
            raise SlackError("missing_argument")
        if length > LARGEST_BYTES:
            raise SlackError("file_upload_size_restricted")
        if len(alt_text) > LONGEST_ALT_TEXT:
            raise SlackError("alt_txt_too_large")
        self._count += 1
        file = SharedFile(f"F{self._count:010d}", name, name, _kind(name), self._workspace.bot.id, alt_text=alt_text)
        upload = self._uploads[file.id] = _Upload(file, uuid.uuid4().hex, length)
        return {"upload_url": call.backend.url(f"upload/v1/{upload.key}"), "file_id": file.id}

    async def receive(self, request: web.Request) -> web.Response:
        """The bytes, raw or as a form."""
        data = await _read(request)
        with self._workspace.lock:
            upload = next((one for one in self._uploads.values() if one.key == request.match_info["key"]), None)
            if upload is None or upload.received:
                return web.Response(status=404, text="no such upload")
            if "Authorization" in request.headers:
                return web.Response(status=403, text="a token does not belong here")
            if len(data) != upload.length:
                return web.Response(status=400, text=f"{upload.length} bytes were announced")
            upload.file, upload.received = replace(upload.file, data=data), True
        return web.Response(text=f"OK - {len(data)}")

    def complete(self, call: Call) -> JsonObject:
        wanted = call.json("files", "invalid_arguments")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
            raise invalid("missing required field: files")
        channels = _channels(call)
        thread_ts = call.text("thread_ts")
        if thread_ts and len(channels) != 1:
            raise invalid("thread_ts needs exactly one channel [json-pointer:/thread_ts]")
        for channel in channels:
            _check(call, channel, thread_ts)
        files = tuple(self._completed(one) for one in wanted)
        for file in files:
            del self._uploads[file.id]
        for channel in channels:
            _share(call, channel, thread_ts, files)
        return {"files": [{"id": file.id, "title": file.title} for file in files]}

    def _completed(self, wanted: JsonObject) -> SharedFile:
        if not isinstance(wanted.get("id"), str):
            raise invalid("missing required field: id [json-pointer:/files]")
        upload = self._uploads.get(wanted["id"])
        if upload is None or not upload.received:
            raise SlackError("file_not_found")
        return replace(upload.file, title=str(wanted.get("title") or upload.file.name))


async def _read(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""


def _kind(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _channels(call: Call) -> list[Channel]:
    """Where to share; nowhere keeps the file private."""
    ids = [one for one in (call.text("channel_id"), *call.text("channels").split(",")) if one]
    if len(ids) > MOST_CHANNELS:
        raise SlackError("channels_limit_exceeded")
    return [call.visible_channel(one) for one in dict.fromkeys(ids)]


def _check(call: Call, channel: Channel, thread_ts: str) -> None:
    if call.workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    if channel.archived:
        raise SlackError("is_archived")
    if thread_ts:
        check_thread(call, channel, thread_ts)


def _share(call: Call, channel: Channel, thread_ts: str, files: tuple[SharedFile, ...]) -> None:
    workspace = call.workspace
    version = replace(workspace.version(call.text("initial_comment")), files=files)
    sender: JsonObject = {"bot_id": BOT, "app_id": APP, "thread_ts": thread_ts}
    message = workspace.post(Message(channel.id, workspace.new_ts(), workspace.bot.id, (version,), **sender))
    call.backend.publish_message(message, channel)


def file_methods(files: Files) -> dict[str, Method]:
    return {
        "files.getUploadURLExternal": Method(files.begin, Tier.FOUR, ("files:write",)),
        "files.completeUploadExternal": Method(files.complete, Tier.FOUR, ("files:write",)),
    }
