"""The chat.* methods: post, update, delete, whisper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.lab.slack.call import Backend, Call, Method, SlackError
from bot.lab.slack.events import DOMAIN, HISTORY, message_changed, message_deleted
from bot.lab.slack.limits import Tier
from bot.lab.slack.model import Channel, JsonObject, Message, Version
from bot.lab.slack.workspace import APP, BOT, TEAM
from bot.slack.kit.messages import LONGEST_POST, LONGEST_UPDATE

LONGEST_MARKDOWN = 12_000  # Slack, "Markdown block"


def post_message(call: Call) -> JsonObject:
    backend, workspace = call.backend, call.workspace
    wanted = call.required("channel")
    to_person = wanted in workspace.people and wanted != workspace.bot.id
    channel = workspace.direct_channel(wanted) if to_person else call.channel(by_name=True)
    check_can_post(call, channel)
    version, warnings = content(call)
    thread_ts = call.text("thread_ts")
    if thread_ts:
        check_thread(call, channel, thread_ts)
    message = workspace.post(
        Message(
            channel.id,
            workspace.new_ts(),
            workspace.bot.id,
            (version,),
            thread_ts=thread_ts,
            bot_id=BOT,
            app_id=APP,
            metadata=call.metadata(),
        )
    )
    backend.publish_message(message, channel)
    answer = {"channel": channel.id, "ts": message.ts, "message": message.to_json(TEAM, metadata=True)}
    return answer | ({"warning": "message_truncated"} if warnings else {})


def check_can_post(call: Call, channel: Channel) -> None:
    if channel.archived:
        raise SlackError("is_archived")
    if call.workspace.bot.id not in channel.members and "chat:write.public" not in call.backend.scopes:
        raise SlackError("not_in_channel")


def check_thread(call: Call, channel: Channel, thread_ts: str) -> None:
    parent = call.workspace.message(channel.id, thread_ts)
    if parent is None or parent.deleted:
        raise SlackError("thread_not_found")  # assumed: Slack's own code for an unknown parent is undocumented here
    if parent.thread_ts or parent.only_for:
        raise SlackError("cannot_reply_to_message")


def content(call: Call) -> tuple[Version, bool]:
    """What a new message shows, and whether its text was cut."""
    text, blocks, attachments = call.text("text"), call.blocks(), call.attachments()
    markdown = call.text("markdown_text")
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if len(markdown) > LONGEST_MARKDOWN:
        raise SlackError("msg_too_long")
    if not (text or blocks or attachments or markdown):
        raise SlackError("no_text")
    if markdown:
        blocks = [{"type": "markdown", "text": markdown}]
    version = call.workspace.version(text[:LONGEST_POST], blocks or (), attachments or ())
    return version, len(text) > LONGEST_POST


def update(call: Call) -> JsonObject:
    """`text` without `blocks` removes the blocks; absent attachments and metadata stay."""
    channel = call.channel()
    message = call.message(channel, call.required("ts"))
    workspace = call.workspace
    if message.user != workspace.bot.id:
        raise SlackError("cant_update_message")
    if channel.archived:
        raise SlackError("is_archived")
    text, blocks, attachments = call.text("text"), call.blocks(), call.attachments()
    if not (text or blocks or attachments):
        raise SlackError("no_text")
    if len(text) > LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    had_rich_text = any(block["type"] == "rich_text" for block in message.blocks)
    if had_rich_text and blocks and not any(block["type"] == "rich_text" for block in blocks):
        raise SlackError("block_mismatch")
    kept = message.current.attachments if attachments is None else attachments
    version = replace(workspace.version(text, blocks or (), kept), files=message.files)
    changed = message.with_version(version, edited_by=workspace.bot.id)
    changed = replace(changed, metadata=call.metadata() or message.metadata)
    publish_change(call.backend, workspace.post(changed), message, channel)
    shown = changed.to_json(TEAM, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": shown}


def publish_change(backend: Backend, message: Message, previous: Message, channel: Channel) -> None:
    event = message_changed(backend.workspace, message, previous, channel)
    backend.publish(event, channel, HISTORY[channel.kind][0])


def delete(call: Call) -> JsonObject:
    channel = call.channel()
    message = call.message(channel, call.required("ts"))
    if message.user != call.workspace.bot.id:
        raise SlackError("cant_delete_message")
    call.workspace.delete(message)
    call.backend.publish(message_deleted(call.workspace, message, channel), channel, HISTORY[channel.kind][0])
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(call: Call) -> JsonObject:
    channel = call.channel(by_name=True)
    check_can_post(call, channel)
    user = call.required("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    version, _ = content(call)
    thread_ts = call.text("thread_ts")
    message = whisper(call.backend, channel, user, version, thread_ts)
    return {"message_ts": message.ts}


def whisper(backend: Backend, channel: Channel, to: str, version: Version, thread_ts: str = "", **sent: Any) -> Message:
    """A message that one person sees; the app hears no event of it. `sent` replaces the app as its sender."""
    workspace = backend.workspace
    sender = sent or {"user": workspace.bot.id, "bot_id": BOT, "app_id": APP}
    ts = workspace.new_ts()
    return workspace.post(Message(channel.id, ts, versions=(version,), thread_ts=thread_ts, only_for=to, **sender))


def get_permalink(call: Call) -> JsonObject:
    channel = call.channel()
    message = call.message(channel, call.required("message_ts"))
    link = f"https://{DOMAIN}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


CHAT_METHODS = {
    "chat.postMessage": Method(post_message, Tier.SPECIAL, ("chat:write",)),
    "chat.update": Method(update, Tier.THREE, ("chat:write",)),
    "chat.delete": Method(delete, Tier.THREE, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, Tier.FOUR, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink, Tier.SPECIAL),
}
