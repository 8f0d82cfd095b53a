"""What Slack delivers, read as an Ask, or ignored for a reason. Pure: no call, no clock, no Bolt.

Rules:
    1. Only what a person of this workspace says in plain words is a command: no subtype, no bot, no edit, nothing
       hidden. An edit or a deletion takes back what the message offered, where Slack lets Ferry hear of it.
    2. Nothing that another installation heard. What people of other workspaces say, and what is said in a channel
       shared with one, is a command: policy judges it, and what Slack says of them here makes it ask who they are.
    3. In a channel Ferry must be mentioned, unless settings name the channel; in a direct message all is for Ferry.
    4. The key is what makes it unique. A mention raises two events, `message` and `app_mention`, with different event
       ids; both have the same channel and ts, so they are one.
    5. Who did it is the id that the authenticated connection delivers, never a name; a button's value is only a
       command, judged like a typed one.
    6. The text is taken as it is: the grammar knows Slack's escapes, links and the leading mention.
    7. A form is asked for by a slash command that is its name and nothing else, or by a button that types `form NAME`.
       Some are about an operation, which is part of the name.

Facts: shapes of payloads from Slack developer docs, "Events API", "message", "app_mention", "Slash commands",
"block_actions"; `ts` and `action_ts` are seconds as decimal text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError, model_validator

from bot.core.names import UserId
from bot.core.operation import RETRACTED, Ask, Place

Payload = Mapping[str, Any]

GROUP_EVENT = "subteam_members_changed"


@dataclass(frozen=True)
class Us:
    """Who Ferry is in its workspace, and where it listens without being mentioned."""

    team: str
    bot_user: UserId
    bare_channels: frozenset[str] = frozenset()
    app: str = ""  # empty: Slack does not tell it


@dataclass(frozen=True)
class Opened:
    """Somebody opened their home; the place is where they and Ferry talk alone."""

    user: UserId
    place: Place


@dataclass(frozen=True)
class Ignored:
    reason: str


class SlackPayload(BaseModel):
    """Slack adds fields at any time; those that are read must have the right type. Null is the same as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {name: value for name, value in values.items() if value is not None}


class _Message(SlackPayload):
    type: str
    channel: str
    ts: str
    user: str = ""
    text: str = ""
    thread_ts: str = ""
    channel_type: str = ""
    subtype: str = ""
    bot_id: str = ""
    app_id: str = ""
    hidden: bool = False
    edited: dict[str, Any] | None = None


class _Former(SlackPayload):
    """A message within an event that tells of it."""

    ts: str
    user: str = ""
    text: str = ""
    bot_id: str = ""


class _Retraction(SlackPayload):
    """`message_changed` or `message_deleted`."""

    type: Literal["message"]
    subtype: Literal["message_changed", "message_deleted"]
    channel: str
    previous_message: _Former
    message: _Former | None = None


class _Retracting(SlackPayload):
    team_id: str
    event: _Retraction


class _Event(SlackPayload):
    team_id: str
    event: _Message


class _Slash(SlackPayload):
    team_id: str
    channel_id: str
    user_id: str
    trigger_id: str
    text: str = ""


class Identified(SlackPayload):
    id: str


class Presser(Identified):
    team_id: str = ""


class _Container(SlackPayload):
    message_ts: str = ""
    thread_ts: str = ""


class _Shown(SlackPayload):
    thread_ts: str = ""


class _Action(SlackPayload):
    type: str
    action_id: str
    action_ts: str
    block_id: str = ""
    value: str = ""


class _Press(SlackPayload):
    user: Presser
    team: Identified
    channel: Identified
    container: _Container
    actions: tuple[_Action, ...] = Field(min_length=1)
    message: _Shown = _Shown()


class _Home(SlackPayload):
    id: str
    type: str
    private_metadata: Json[Place]


class _HomePress(SlackPayload):
    user: Presser
    team: Identified
    view: _Home
    actions: tuple[_Action, ...] = Field(min_length=1)


class _HomeOpened(SlackPayload):
    type: str
    user: str
    channel: str
    tab: str = "home"


class _HomeEvent(SlackPayload):
    team_id: str
    event: _HomeOpened


def read_event(body: Payload, us: Us, received_at: datetime) -> Ask | Ignored:
    """A `message` or `app_mention` event."""
    try:
        callback = _Event.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    event = callback.event
    if reason := _unfit(callback, us):
        return Ignored(reason)
    return Ask(
        key=f"{us.team}/{event.channel}/{event.ts}",
        text=event.text,
        actor=UserId(event.user),
        place=Place(team=us.team, channel=event.channel, thread=_thread(event.thread_ts, event.ts)),
        at=_moment(event.ts, received_at),
        received_at=received_at,
        message=event.ts,
        kind="message" if _addressed(event, us) else "bare",
    )


def read_retraction(body: Payload, us: Us, received_at: datetime) -> Ask | None:
    """A message of a person's that was edited or deleted: what it offered is taken back. None: it is nothing of that.

    Slack also tells of changes that nobody made, as when it unfurls a link: the text stays then.
    """
    try:
        told = _Retracting.model_validate(body)
    except ValidationError:
        return None
    event, before = told.event, told.event.previous_message
    same = event.message is not None and event.message.text == before.text
    if told.team_id != us.team or before.bot_id or not before.user or same:
        return None
    return Ask(
        key=f"{us.team}/{event.channel}/{before.ts}{RETRACTED}",
        text="edited" if event.message is not None else "deleted",
        actor=UserId(before.user),
        place=Place(team=us.team, channel=event.channel),
        at=received_at,
        received_at=received_at,
        message=before.ts,
        kind="retraction",
    )


def _unfit(callback: _Event, us: Us) -> str:
    """Why an event is no command; empty if it may be one."""
    event = callback.event
    reasons = {
        "not a message": event.type not in ("message", "app_mention"),
        "a message with a subtype": bool(event.subtype),
        "said by a bot": bool(event.bot_id or event.app_id),
        "an edit": event.edited is not None,
        "hidden": event.hidden,
        "nobody said it": not event.user,
        "said by Ferry itself": event.user == us.bot_user,
        "another workspace": callback.team_id != us.team,
        "not said to Ferry": not _addressed(event, us) and event.channel not in us.bare_channels,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def is_of_another_app(body: Payload, us: Us) -> bool:
    """Every event, slash command and interaction names the app that it is for."""
    return bool(us.app) and body.get("api_app_id") != us.app


def find_outsiders(body: Payload, us: Us) -> tuple[str, ...]:
    """Ids of the person and the channel of which this payload says that they are not of this workspace alone."""
    given = body.get("event")
    event: Payload = given if isinstance(given, Mapping) else {}
    user = body.get("user")
    person: Payload = user if isinstance(user, Mapping) else {}
    teams = (event.get("team"), event.get("user_team"), event.get("source_team"), person.get("team_id"))
    foreign = any(team and team != us.team for team in teams)
    found = (
        (event.get("user") or person.get("id")) if foreign else None,
        event.get("channel") if body.get("is_ext_shared_channel") else None,
    )
    return tuple(one for one in found if isinstance(one, str) and one)


def _addressed(event: _Message, us: Us) -> bool:
    return event.type == "app_mention" or event.channel_type == "im" or f"<@{us.bot_user}>" in event.text


def read_group_change(body: Payload, us: Us) -> str:
    """The user group whose members have changed; empty: the event says nothing of that."""
    event = body.get("event")
    ours = body.get("team_id") == us.team and isinstance(event, Mapping) and event.get("type") == GROUP_EVENT
    return str(event.get("subteam_id", "")) if ours and isinstance(event, Mapping) else ""


def read_slash(body: Payload, us: Us, received_at: datetime) -> Ask | Ignored:
    """A slash command. Slack gives neither a ts nor a thread, and never delivers one twice."""
    try:
        slash = _Slash.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    if slash.team_id != us.team:
        return Ignored("another workspace")
    return Ask(
        key=f"{us.team}/{slash.channel_id}/slash/{slash.trigger_id}",
        text=slash.text,
        actor=UserId(slash.user_id),
        place=Place(team=us.team, channel=slash.channel_id),
        at=received_at,
        received_at=received_at,
        kind="slash",
    )


def read_press(body: Payload, us: Us, received_at: datetime) -> Ask | Ignored:
    """A pressed button. Its value is what it types."""
    try:
        press = _Press.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    action, card = press.actions[0], press.container.message_ts
    if press.team.id != us.team:
        return Ignored("another workspace")
    if action.type != "button" or not action.value:
        return Ignored("not a button that types a command")
    return Ask(
        key=f"{us.team}/{press.channel.id}/{card}/{action.action_ts}/{press.user.id}/{action.action_id}",
        text=action.value,
        actor=UserId(press.user.id),
        place=Place(
            team=us.team,
            channel=press.channel.id,
            thread=_thread(press.container.thread_ts or press.message.thread_ts, card),
        ),
        at=_moment(action.action_ts, received_at),
        received_at=received_at,
        message=card,
        kind="button",
        card=card,
    )


def read_home_opened(body: Payload, us: Us) -> Opened | Ignored:
    """An `app_home_opened` event of the tab that is the home; the other one is the direct message."""
    try:
        read = _HomeEvent.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    event = read.event
    if read.team_id != us.team:
        return Ignored("another workspace")
    if event.type != "app_home_opened" or event.tab != "home":
        return Ignored("not the home")
    return Opened(UserId(event.user), Place(team=us.team, channel=event.channel))


def read_home_press(body: Payload, us: Us, received_at: datetime) -> Ask | Ignored:
    """A button pressed on a home: what it types is said in the direct message, where its answer goes."""
    try:
        press = _HomePress.model_validate(body)
    except ValidationError as error:
        return malformed(error)
    action, view, place = press.actions[0], press.view, press.view.private_metadata
    if {press.team.id, place.team} != {us.team}:
        return Ignored("another workspace")
    if view.type != "home" or action.type != "button" or not action.value:
        return Ignored("not a button that types a command")
    return Ask(
        key=f"{us.team}/{place.channel}/home/{action.action_ts}/{press.user.id}/{action.block_id}/{action.action_id}",
        text=action.value,
        actor=UserId(press.user.id),
        place=place,
        at=_moment(action.action_ts, received_at),
        received_at=received_at,
        kind="button",
    )


def _thread(thread_ts: str, ts: str) -> str | None:
    """A message that began a thread names itself as the thread; it stands in the channel all the same."""
    return thread_ts if thread_ts and thread_ts != ts else None


def _moment(ts: str, received_at: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return received_at


def malformed(error: ValidationError) -> Ignored:
    places = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False))
    return Ignored(f"not shaped as Slack documents it: {places}")
