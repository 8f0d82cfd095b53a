"""What people do in the workspace: say, edit, delete, press, type a slash command; and what they see.

Every method may be called from any thread; `wait_for` not on the server's own loop. People and channels are named by id
or by name ("alice", "#ops"); a mistake of the caller (unknown name, no such button) is a KeyError at once.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from bot.lab.slack.call import Backend, SlackError
from bot.lab.slack.chat import publish_change, whisper
from bot.lab.slack.choosing import press
from bot.lab.slack.composer import Composed, compose
from bot.lab.slack.events import HISTORY, app_home_opened, message_deleted, slash_command
from bot.lab.slack.model import Channel, JsonObject, Message, Person, Version, find_button
from bot.lab.slack.render import render_text
from bot.lab.slack.responses import answer_interaction
from bot.lab.slack.socket import Delivery, Envelope
from bot.lab.slack.workspace import SLACKBOT

T = TypeVar("T")


class People:
    """Mixed into the server, which knows the loop. Attributes: `backend`, made by the server."""

    backend: Backend

    def on_loop(self, action: Callable[[], None]) -> None:
        """Run on the server's loop, soon, in the order of the calls."""
        raise NotImplementedError

    # doing

    def say(self, who: str, where: str, text: str, thread: str | None = None, *, late_s: float = 0) -> str:
        """Type a message and send it, mentions as @name. Returns its ts.

        Args:
            thread: ts of the message to reply to.
            late_s: how long ago it was said; the app gets it only now.
        """
        workspace = self.backend.workspace
        person, channel = self._in_channel(who, where)
        if thread and workspace.message(channel.id, thread) is None:
            raise KeyError(f"no message {thread} in {where} to reply to")
        composed = self._compose(text)
        with workspace.lock:
            message = workspace.post(
                Message(
                    channel.id,
                    workspace.new_ts(late_s),
                    person.id,
                    (workspace.version(composed.text, composed.blocks),),
                    thread_ts=thread or "",
                    client_msg_id=str(uuid.uuid4()),
                    author_team=person.team,
                )
            )
            self.on_loop(lambda: self.backend.publish_message(message, channel))
        return message.ts

    def edit(self, who: str, where: str, ts: str, text: str) -> None:
        """Edit one's own message. Editing a mention into it raises app_mention too, marked as edited."""
        workspace = self.backend.workspace
        person, channel = self._in_channel(who, where)
        with workspace.lock:
            before = self._own(person, channel, ts)
            composed = self._compose(text)
            version = workspace.version(composed.text, composed.blocks)
            after = workspace.post(before.with_version(version, edited_by=person.id))

        def publish() -> None:
            publish_change(self.backend, after, before, channel)
            self.backend.publish_mention(after, channel)

        self.on_loop(publish)

    def delete(self, who: str, where: str, ts: str) -> None:
        """Delete one's own message."""
        person, channel = self._in_channel(who, where)
        message = self._own(person, channel, ts)
        self.backend.workspace.delete(message)
        event = message_deleted(self.backend.workspace, message, channel)
        self.on_loop(lambda: self.backend.publish(event, channel, HISTORY[channel.kind][0]))

    def remove(self, where: str, ts: str) -> None:
        """An admin of the workspace deletes anybody's message."""
        workspace = self.backend.workspace
        channel = workspace.channel(where)
        if (message := workspace.message(channel.id, ts)) is None:
            raise KeyError(f"there is no message {ts} in {where}")
        workspace.delete(message)
        event = message_deleted(workspace, message, channel)
        self.on_loop(lambda: self.backend.publish(event, channel, HISTORY[channel.kind][0]))

    def slash(self, who: str, where: str, command: str, text: str) -> None:
        """Type a slash command; Slack has none in threads. Mentions and links arrive escaped (should_escape)."""
        workspace, grants = self.backend.workspace, self.backend.grants
        person, channel = self._in_channel(who, where)
        if person.team:
            raise KeyError(f"{person.name} is of another workspace, whose people have no slash commands of this one's")
        key = grants.new_response_url(person.id, channel.id)
        escaped = self._compose(text, with_names=True).text
        url = self.backend.url(f"response/{key}")
        payload = slash_command(person, channel, command, escaped, grants.new_trigger(person.id), url)

        def tell(words: str) -> None:
            whisper(self.backend, channel, person.id, Version(workspace.now(), words), user=SLACKBOT)

        def answered(answer: JsonObject) -> None:
            if not answer:
                return
            try:
                answer_interaction(self.backend, key, answer)
            except SlackError as error:
                tell(f"{command} failed with the error invalid_command_response ({error.code})")

        def lost() -> None:
            tell(f"{command} did not respond (operation_timeout)")

        self.on_loop(lambda: self.backend.socket.deliver(Envelope("slash_commands", payload, answered, lost)))

    def press(self, who: str, where: str, ts: str, button: str, *, version: int = -1, late_s: float = 0) -> None:
        """Press a button, named by its action_id or its label.

        Args:
            late_s: how long ago it was pressed; the app gets it only now.
            version: which of the message's versions the person has before them, for a press on a card that has changed.
        """
        person, channel = self._in_channel(who, where)
        message = self.backend.workspace.message(channel.id, ts)
        if message is None or message.deleted or message.only_for not in ("", person.id):
            raise KeyError(f"{person.name} sees no message {ts} in {where}")
        found = find_button(message.buttons_at(version), button)
        envelope = press(self.backend, person, channel, message, found, late_s)
        self.on_loop(lambda: self.backend.socket.deliver(envelope))

    def open_home(self, who: str) -> None:
        """Look at the app's Home tab."""
        workspace = self.backend.workspace
        person, channel = workspace.person(who), workspace.direct_channel(who)
        event = app_home_opened(person, channel, workspace.new_ts())
        self.on_loop(lambda: self.backend.publish(event, channel, "app_home_opened"))

    def change_person(self, who: str, **changes: Any) -> None:
        """Make them a guest (is_guest, one_channel), deactivate them (deleted), or have another workspace own them."""
        workspace = self.backend.workspace
        with workspace.lock:
            person = workspace.person(who)
            workspace.people[person.id] = replace(person, **changes)
            workspace.notify()

    # seeing

    def user_id(self, who: str) -> str:
        return self.backend.workspace.person(who).id

    def channel_id(self, where: str) -> str:
        return self.backend.workspace.channel(where).id

    def direct_channel(self, who: str) -> str:
        """Id of the direct messages between a person and the bot."""
        return self.backend.workspace.direct_channel(who).id

    def messages(self, where: str) -> list[Message]:
        """What everybody in the channel sees outside threads, oldest first; deleted messages are gone."""
        channel = self.channel_id(where)
        return [one for one in self._visible() if one.channel == channel and not one.thread_ts and not one.only_for]

    def thread(self, where: str, ts: str) -> list[Message]:
        """Replies to a message, oldest first, without the message itself."""
        channel = self.channel_id(where)
        return [one for one in self._visible() if one.channel == channel and one.thread_ts == ts and not one.only_for]

    def ephemerals(self, who: str) -> list[Message]:
        """What only this person sees, in all channels, oldest first."""
        person = self.user_id(who)
        return [one for one in self._visible() if one.only_for == person]

    def message(self, where: str, ts: str) -> Message | None:
        return self.backend.workspace.message(self.channel_id(where), ts)

    def render_text(self, message: Message, version: int = -1) -> list[str]:
        """The message as plain lines, names instead of ids; as it is now, or in one of its versions."""
        return render_text(message, self.backend.workspace.names(), version)

    def deliveries(self) -> list[Delivery]:
        """Every payload sent to the app and what became of it, oldest first."""
        return self.backend.socket.deliveries()

    def wait_for(self, predicate: Callable[[], T], timeout_s: float) -> T:
        """The predicate's value once it is true; asked again whenever anything changes.

        The predicate runs under the workspace's lock: it may look at the stand-in and nothing that waits for it.

        Raises:
            TimeoutError: it was not true in time; the text shows what was posted.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("wait_for would stop the loop it waits for; call it from a thread")
        found = self.backend.workspace.wait_for(predicate, timeout_s)
        if not found:
            raise TimeoutError(f"not seen within {timeout_s:g} s; the workspace shows:\n{self.transcript()}")
        return found

    def wait_for_change(self, revision: int, timeout_s: float) -> int:
        """The workspace's revision once it is above the given one, or the same when time is up."""
        workspace = self.backend.workspace
        workspace.wait_for(lambda: workspace.revision > revision, timeout_s)
        return workspace.revision

    def transcript(self) -> str:
        """All that was posted, for people and for test failures."""
        names = self.backend.workspace.names()
        lines = []
        for message in self._visible():
            place = names.get(message.channel, message.channel) + (" (thread)" if message.thread_ts else "")
            whom = f" only to {names[message.only_for]}" if message.only_for else ""
            lines.append(f"{place} {names.get(message.user, message.user)}{whom}:")
            lines += [f"    {line}" for line in render_text(message, names)]
        return "\n".join(lines) or "(nothing)"

    # helpers

    def _visible(self) -> list[Message]:
        return [message for message in self.backend.workspace.messages() if not message.deleted]

    def _compose(self, text: str, *, with_names: bool = False) -> Composed:
        names = self.backend.workspace.names()
        return compose(text, {name.lower(): key for key, name in names.items()}, with_names=with_names)

    def _in_channel(self, who: str, where: str) -> tuple[Person, Channel]:
        workspace = self.backend.workspace
        person, channel = workspace.person(who), workspace.channel(where)
        if person.deleted:
            raise KeyError(f"{person.name} has no account any more")
        if person.id not in channel.members:
            raise KeyError(f"{person.name} is not in {where}")
        return person, channel

    def _own(self, person: Person, channel: Channel, ts: str) -> Message:
        message = self.backend.workspace.message(channel.id, ts)
        if message is None or message.user != person.id or message.deleted:
            raise KeyError(f"{person.name} has no message {ts} in {channel.name}")
        return message
