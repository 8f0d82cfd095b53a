"""Who and where: auth, users, conversations, reactions, and opening a socket."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bot.lab.slack.call import Call, Method, SlackError
from bot.lab.slack.events import DOMAIN
from bot.lab.slack.limits import Tier
from bot.lab.slack.model import Channel, JsonObject, Message, Person
from bot.lab.slack.workspace import APP, BOT, TEAM

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORIES = ("channels:history", "groups:history", "im:history", "mpim:history")
MOST_MESSAGES = 999

T = TypeVar("T")


def auth_test(call: Call) -> JsonObject:
    bot = call.workspace.bot
    return {
        "url": f"https://{DOMAIN}.slack.com/",
        "team": "Lab",
        "user": bot.name.lower(),
        "team_id": TEAM,
        "user_id": bot.id,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def api_test(call: Call) -> JsonObject:
    """Answers with the arguments it got; `error` makes it fail with that error."""
    arguments = {name: value for name, value in call.arguments.items() if name != "token"}
    if error := call.text("error"):
        raise SlackError(error, args=arguments)
    return {"args": arguments}


def bots_info(call: Call) -> JsonObject:
    """Without `bot` it tells nothing, as Slack's does."""
    wanted = call.text("bot")
    if not wanted:
        return {}
    if wanted != BOT:
        raise SlackError("bot_not_found")
    bot = call.workspace.bot
    told = {"id": BOT, "deleted": False, "name": bot.name, "updated": 0, "app_id": APP, "user_id": bot.id}
    return {"bot": told | {"icons": {}}}


def open_connection(call: Call) -> JsonObject:
    ticket = call.backend.socket.new_ticket()
    return {"url": call.backend.url(f"link/?ticket={ticket}&app_id={APP}").replace("http://", "ws://", 1)}


def users_info(call: Call) -> JsonObject:
    person = call.workspace.people.get(call.required("user"))
    if person is None:
        raise SlackError("user_not_found")
    team = person.team or TEAM
    told: JsonObject = {
        "id": person.id,
        "team_id": team,
        "name": person.name,
        "deleted": person.deleted,
        "real_name": person.real_name,
        "profile": {
            "real_name": person.real_name,
            "display_name": person.name,
            "title": person.title,
            "team": team,
        },
        "is_bot": person.is_bot,
        "is_app_user": False,
    }
    if not person.deleted:
        told |= {"tz": "Etc/UTC", "tz_offset": 0, "is_restricted": person.is_guest or person.one_channel}
        told |= {"is_ultra_restricted": person.one_channel}
    if person.team:
        told |= {"is_stranger": not _meets(call, person)}
    return {"user": told}


def _meets(call: Call, person: Person) -> bool:
    """Whether the app shares a channel with a person of another workspace."""
    channels = call.workspace.channels.values()
    return any({person.id, call.workspace.bot.id} <= one.members for one in channels if one.shared_externally)


def _conversation(call: Call, channel: Channel) -> JsonObject:
    bot = call.workspace.bot.id
    shown: JsonObject = {
        "id": channel.id,
        "created": 0,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_private": channel.kind != "channel",
        "is_mpim": False,
        "is_ext_shared": channel.shared_externally,
        "is_org_shared": channel.shared_in_organisation,
        "is_shared": channel.shared_externally or channel.shared_in_organisation,
        "is_pending_ext_shared": False,
    }
    if channel.kind == "im":
        return shown | {"user": next(iter(channel.members - {bot})), "is_open": True}
    return shown | {"name": channel.name, "is_member": bot in channel.members, "num_members": len(channel.members)}


def conversations_info(call: Call) -> JsonObject:
    """Each kind of conversation has a scope of its own."""
    channel = call.channel()
    needed = {"channel": "channels:read", "group": "groups:read", "im": "im:read"}[channel.kind]
    if needed not in call.backend.scopes:
        raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(call.backend.scopes)))
    return {"channel": _conversation(call, channel)}


def conversations_list(call: Call) -> JsonObject:
    kinds = {
        {"public_channel": "channel", "private_channel": "group", "im": "im"}.get(kind.strip(), "")
        for kind in (call.text("types") or "public_channel").split(",")
    }
    bot = call.workspace.bot.id
    seen = [one for one in call.workspace.channels.values() if one.kind == "channel" or bot in one.members]
    wanted = [one for one in seen if one.kind in kinds and not (call.flag("exclude_archived") and one.archived)]
    shown, cursor = _page(call, [_conversation(call, channel) for channel in wanted], 100)
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


def conversations_open(call: Call) -> JsonObject:
    users = [user for user in call.text("users").split(",") if user]
    if not users:
        return {"channel": {"id": call.channel().id}, "no_op": True, "already_open": True}
    if len(users) > 1 or users[0] not in call.workspace.people or users[0] == call.workspace.bot.id:
        raise SlackError("user_not_found" if len(users) == 1 else "not_enough_users")
    before = len(call.workspace.channels)
    channel = call.workspace.direct_channel(users[0])
    existed = before == len(call.workspace.channels)
    return {"channel": {"id": channel.id}} | ({"no_op": True, "already_open": True} if existed else {})


def conversations_members(call: Call) -> JsonObject:
    members, cursor = _page(call, sorted(call.channel().members), 100)
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def conversations_history(call: Call) -> JsonObject:
    """Newest first; replies in threads are not among them."""
    shown = [message for message in _readable(call) if not message.thread_ts]
    return _messages(call, list(reversed(shown)))


def conversations_replies(call: Call) -> JsonObject:
    """The parent and its replies, oldest first, as far as they are within the times asked for."""
    ts = call.required("ts")
    readable = _readable(call)
    if call.workspace.message(call.channel().id, ts) is None:
        raise SlackError("thread_not_found")
    return _messages(call, [message for message in readable if ts in (message.ts, message.thread_ts)])


def _readable(call: Call) -> list[Message]:
    channel = call.channel()
    if call.workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    oldest, latest = call.text("oldest") or "0", call.text("latest") or "9999999999.999999"
    inside = call.flag("inclusive")
    return [
        one
        for one in call.workspace.messages()
        if one.channel == channel.id
        and not one.deleted
        and not one.only_for
        and (float(oldest) < float(one.ts) < float(latest) or (inside and one.ts in (oldest, latest)))
    ]


def _messages(call: Call, messages: list[Message]) -> JsonObject:
    with_metadata = call.flag("include_all_metadata")
    shown, cursor = _page(call, [one.to_json(TEAM, metadata=with_metadata) for one in messages], 100)
    more = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    return {"messages": shown, "has_more": bool(cursor), **more}


def _page(call: Call, rows: list[T], usual: int) -> tuple[list[T], str]:
    """One page by `limit` and `cursor`, and the cursor of the next ("" if there is none)."""
    limit = min(call.number("limit", usual) or usual, MOST_MESSAGES)
    cursor = call.text("cursor")
    if cursor and not cursor.removeprefix("lab:").isdigit():
        raise SlackError("invalid_cursor")
    start = int(cursor.removeprefix("lab:")) if cursor else 0
    end = start + limit
    return rows[start:end], f"lab:{end}" if end < len(rows) else ""


def reactions_add(call: Call) -> JsonObject:
    channel, name = call.channel(), call.required("name").strip(":")
    message = call.message(channel, call.required("timestamp"))
    reaction = (name, call.workspace.bot.id)
    if reaction in message.reactions:
        raise SlackError("already_reacted")
    call.workspace.post(replace(message, reactions=(*message.reactions, reaction)))
    return {}


DIRECTORY_METHODS = {
    "api.test": Method(api_test, Tier.FOUR),
    "auth.test": Method(auth_test, Tier.SPECIAL),
    "apps.connections.open": Method(open_connection, Tier.THREE, app_token=True),
    "bots.info": Method(bots_info, Tier.THREE, ("users:read",)),
    "users.info": Method(users_info, Tier.FOUR, ("users:read",)),
    "conversations.info": Method(conversations_info, Tier.THREE, READ),
    "conversations.list": Method(conversations_list, Tier.TWO, READ),
    "conversations.open": Method(conversations_open, Tier.THREE, ("im:write", "mpim:write")),
    "conversations.members": Method(conversations_members, Tier.FOUR, READ),
    "conversations.history": Method(conversations_history, Tier.THREE, HISTORIES),
    "conversations.replies": Method(conversations_replies, Tier.THREE, HISTORIES),
    "reactions.add": Method(reactions_add, Tier.THREE, ("reactions:write",)),
}
