"""All that people do with Ferry in Slack, as scenes: what each needs, the deed, and what the workspace shows of it.

How often a deed took effect is counted in the journal, or in what was posted for it. Every scene has a person of its
own, by whom what belongs to it is told apart, and rows of its own, so that all can be played at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.core.lifecycle import UNDECIDED, Event
from bot.core.names import UserId
from bot.core.operation import Ask, Outcome, Place
from bot.lab.slack import InView, Message
from bot.lab.slack.workspace import TEAM
from bot.operations.store import Store
from bot.operations.store.approvals import Approvals
from tests.faults.waiting import key_of
from tests.ferry import Ferry

OPS = "#ops"
PLAN = "migrate VM-01 to host02 in 5h"
LOOK = "where VM-10"
PEOPLE = (
    *("alice", "bob", "carol", "dora", "erin", "fred", "gina", "hugo", "ines", "jack", "kate", "liam"),
    *("mona", "nick", "olga", "paul", "quin"),
)


@dataclass(frozen=True)
class Scene:
    """One deed of one person, with all that it needs in place.

    Attributes:
        effects: how often it took effect so far.
        told: whether its person sees what came of it, where it took effect.
        card: what the deed is about, where that is a message of Ferry's.
        passing: a restart forgets it, and whoever wants it does it again.
        in_words: it is answered in words where Slack does not do what Ferry asks of it.
    """

    name: str
    act: Callable[[], object]
    effects: Callable[[], int]
    told: Callable[[], bool]
    card: Message | None = None
    in_words: bool = False
    passing: bool = False


class Stage:
    """A lab, and what scenes look at in it."""

    def __init__(self, ferry: Ferry) -> None:
        self.ferry = ferry
        self.server = ferry.server
        self.asked: dict[str, str] = {}  # ts of what was said, by the operation that was offered for it
        self._alice = UserId(self.server.user_id("alice"))
        offered = ferry.operation(ferry.say(PLAN))
        self._plan, self._counts = offered.plan, offered.counts
        self.running = self._evacuate("host02")
        self.stopped = self._evacuate("host03")
        ferry.press(self.stopped, "Cancel")
        ferry.wait_for_text(self.stopped, "Move the rest")

    def _evacuate(self, host: str) -> Message:
        card = self.ferry.say(f"evacuate {host}")
        self.ferry.press(card, card.buttons[0].label)
        self.ferry.wait_for_text(card, "· under way")
        return card

    # making what a scene needs

    def offers(self, many: int) -> list[Message]:
        """Cards of as many moves for later, each for a message of alice's. What was planned once is offered again."""
        said = [self.server.say("alice", OPS, "let us see") for _ in range(many)]
        rows = [self._store.propose(self._plan, self._ask(ts), _later(), self._counts) for ts in said]
        self.asked |= {row.id: ts for row, ts in zip(rows, said, strict=True)}
        return [self.ferry.wait(partial(self._find, row.id)) for row in rows]

    def awaiting(self, many: int) -> list[Message]:
        """The same, confirmed."""
        cards = self.offers(many)
        for card in cards:
            Approvals(self._store).confirm(key_of(card), self._alice, self._counts, until=_later())
        for card in cards:
            self.ferry.wait_for_text(card, "· awaiting approval")
        return cards

    def _ask(self, ts: str) -> Ask:
        place = Place(team=TEAM, channel=self.server.channel_id(OPS))
        now = datetime.now(UTC)
        key = f"{TEAM}/{place.channel}/{ts}"
        return Ask(key=key, text=PLAN, actor=self._alice, place=place, at=now, received_at=now, message=ts, kind="bare")

    def _find(self, operation: str) -> Message | None:
        return next((one for one in self.messages() if key_of(one) == operation), None)

    @property
    def _store(self) -> Store:
        return self.ferry.bot.store

    def approved(self) -> Message:
        (card,) = self.awaiting(1)
        self.ferry.press(card, "Approve", who="bob")
        self.ferry.wait_for_text(card, "· scheduled")
        return card

    def hold(self, paused: bool) -> None:
        """The evacuation is paused or not, whatever came of the last deed."""
        self._store.hold(key_of(self.running), paused, self._alice)
        self.ferry.wait_for_text(self.running, "[Resume]" if paused else "[Pause]")

    def form(self, who: str, command: str = "migrate") -> None:
        self.server.slash(who, OPS, "/ferry", command)
        self.ferry.wait(lambda: self.server.modal(who))

    def clear(self) -> None:
        """Nothing is left to be decided, and nobody has a form open."""
        for who in PEOPLE:
            self.server.close_modal(who)
        rows = (*self._store.open(), *self._store.open_evacuations())
        for row in (one for one in rows if one.state in UNDECIDED):
            Approvals(self._store).end(row.id, Event.DECLINE, self._alice, Outcome(summary="over"))

    # looking

    def messages(self) -> list[Message]:
        return [one for one in self.server.messages(OPS) if key_of(one)]

    def answers_to(self, ts: str, where: str = OPS) -> list[Message]:
        return [one for one in self.server.messages(where) if ts in key_of(one)]

    def offered_for(self, who: str, ts: str) -> int:
        """Cards of what a person's message asked for, whatever key the ask had."""
        cards = (one for one in self.messages() if f"asked by @{who}" in self.ferry.text(one))
        journals = (self._store.journal(key_of(card)) for card in cards)
        return sum(any(f'"message":"{ts}"' in entry.body for entry in journal) for journal in journals)

    def events(self, card: Message, event: str) -> int:
        """How often the journal has that of the operation which a card shows."""
        entries = self.ferry.bot.store.journal(key_of(card))
        return sum(f'"event":"{event}"' in entry.body for entry in entries)

    def shows(self, card: Message, *words: str) -> bool:
        text = self.ferry.text(card)
        return all(each in text for each in words)

    def cards_of(self, who: str) -> int:
        """Cards of what this person asked for."""
        return sum(f"asked by @{who}" in self.ferry.text(one) for one in self.messages())

    def whispers(self, who: str, words: str = "") -> int:
        """What only this person was told."""
        direct = self.server.messages(self.server.direct_channel(who))
        seen = (*self.server.ephemerals(who), *(one for one in direct if one.bot_id))
        return sum(words in self.ferry.text(one) for one in seen)


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def made(stage: Stage, name: str, who: str, act: Callable[[], object]) -> Scene:
    """What makes an offer."""
    before = stage.cards_of(who)
    return Scene(name, act, lambda: stage.cards_of(who) - before, lambda: stage.cards_of(who) > before)


def typed(stage: Stage, who: str) -> Scene:
    """The same by a message, by which its offers are told from those of a former one."""
    ts: list[str] = []

    def offers() -> int:
        return sum(stage.offered_for(who, one) for one in ts)

    return Scene("a typed command", lambda: ts.append(stage.server.say(who, OPS, PLAN)), offers, lambda: offers() > 0)


def decided(
    stage: Stage, card: Message, event: str, shown: str, act: Callable[[], object], name: str, *, direct: bool = True
) -> Scene:
    """What decides on what a card shows."""
    before = stage.events(card, event)
    about = card if direct else None
    return Scene(name, act, lambda: stage.events(card, event) - before, lambda: stage.shows(card, shown), about)


def pressed(stage: Stage, card: Message, button: str, who: str, event: str, shown: str) -> Scene:
    act = partial(stage.ferry.press, card, button, who=who)
    return decided(stage, card, event, shown, act, f"{button} on a card")


def said(stage: Stage, name: str, text: str, who: str, where: str = OPS) -> Scene:
    """What is said in words, and answered by a message of its own."""
    ts: list[str] = []

    def answers() -> int:
        return sum(len(stage.answers_to(one, where)) for one in ts)

    return Scene(name, lambda: ts.append(stage.server.say(who, where, text)), answers, lambda: answers() > 0)


def form_shown(stage: Stage, name: str, who: str, act: Callable[[], object]) -> Scene:
    def shown() -> bool:
        return stage.server.modal(who) is not None

    before = stage.whispers(who)
    return Scene(name, act, shown, lambda: shown() or stage.whispers(who) > before, in_words=True)


def changed_form(stage: Stage, who: str) -> Scene:
    stage.form(who)

    def labels() -> tuple[str, ...]:
        modal = stage.server.modal(who)
        return modal.labels if modal else ()

    before = labels()
    act = partial(stage.server.choose, who, before[0], "evacuate")
    return Scene("another command in a form", act, lambda: labels() != before, lambda: labels() != before)


def suggested(stage: Stage, who: str) -> Scene:
    stage.form(who)

    def offered() -> bool:
        modal = stage.server.modal(who)
        return modal is not None and "VM-01" in modal.options("VM")

    return Scene("suggestions", partial(stage.server.type_into, who, "VM", "vm-0"), offered, offered)


def submitted(stage: Stage, who: str) -> Scene:
    stage.form(who)
    for label, name in (("VM", "VM-01"), ("To host", "host02")):
        stage.server.type_into(who, label, name.lower())
        stage.ferry.wait(partial(_offers, stage, who, label, name))
        stage.server.choose(who, label, name)
    return made(stage, "a form that was filled in", who, partial(stage.server.submit, who, {}))


def _offers(stage: Stage, who: str, label: str, name: str) -> bool:
    modal = stage.server.modal(who)
    return modal is not None and name in modal.options(label)


def declined(stage: Stage, card: Message, who: str) -> Scene:
    stage.ferry.press(card, "Decline", who=who)
    stage.ferry.wait(lambda: stage.server.modal(who))
    act = partial(stage.server.submit, who, {"Why not": "the backup is running"})
    shown = "Reason: the backup is running"
    return decided(stage, card, "decline", shown, act, "a reason that was filled in", direct=False)


def home_opened(stage: Stage, who: str) -> Scene:
    """What was shown before is not shown again: the home of this person is a new one."""
    before = stage.server.home(who)

    def shown() -> bool:
        return stage.server.home(who) not in (None, before)

    return Scene("a home that is opened", partial(stage.server.open_home, who), shown, shown, passing=True)


def home_pressed(stage: Stage, card: Message, who: str) -> Scene:
    stage.server.open_home(who)
    command = f"confirm {key_of(card)}"
    stage.ferry.wait(lambda: _home_button(stage, who, command))

    def press() -> None:
        with stage.server.backend.workspace.lock:  # a home that is shown anew has other ids
            view, block, action = _home_button(stage, who, command) or ("", "", "")
            stage.server.act(who, InView(view), block, action)

    return decided(stage, card, "submit", "· awaiting approval", press, "Confirm on a home", direct=False)


def _home_button(stage: Stage, who: str, command: str) -> tuple[str, str, str] | None:
    home = stage.server.home(who) or {"blocks": ()}
    for block in home["blocks"]:
        for element in block.get("elements", ()):
            if element.get("value") == command:
                return home["id"], block["block_id"], element["action_id"]
    return None


def taken_back(stage: Stage, card: Message, what: str) -> Scene:
    ts = stage.asked[key_of(card)]
    if what == "edited":
        act: Callable[[], object] = partial(stage.server.edit, "alice", OPS, ts, "never mind")
    else:
        act = partial(stage.server.delete, "alice", OPS, ts)
    shown = f"the message that asked for it was {what}"
    return decided(stage, card, "decline", shown, act, f"a message that is {what}", direct=False)


def whispered(stage: Stage, text: str, who: str, words: str) -> Scene:
    """What only one person is told, which cannot be looked for afterwards."""
    before = stage.whispers(who, words)

    def told() -> bool:
        return stage.whispers(who, words) > before

    return Scene(text, partial(stage.server.say, who, OPS, text), told, told)


def first_deeds(stage: Stage) -> Iterator[Scene]:
    """All that can be done at once."""
    server, ferry = stage.server, stage.ferry
    confirmed, cancelled, edited, deleted, at_home = stage.offers(5)
    approved, withdrawn, asked, refused = stage.awaiting(4)
    stage.hold(False)
    yield said(stage, "a mention", f"@Ferry {LOOK}", "alice")
    yield said(stage, "a direct message", LOOK, "bob", server.direct_channel("bob"))
    yield typed(stage, "carol")
    yield made(stage, "a slash command", "dora", partial(server.slash, "dora", OPS, "/ferry", PLAN))
    yield pressed(stage, confirmed, "Confirm", "alice", "submit", "· awaiting approval")
    yield pressed(stage, cancelled, "Cancel", "alice", "decline", "· declined")
    yield pressed(stage, approved, "Approve", "bob", "approve", "· scheduled")
    yield pressed(stage, withdrawn, "Withdraw", "alice", "cancel", "· cancelled")
    yield taken_back(stage, edited, "edited")
    yield taken_back(stage, deleted, "deleted")
    yield form_shown(stage, "Decline on a card", "erin", partial(ferry.press, asked, "Decline", who="erin"))
    yield declined(stage, refused, "fred")
    yield form_shown(stage, "a form by a slash command", "gina", partial(server.slash, "gina", OPS, "/ferry", ""))
    yield form_shown(stage, "a shortcut", "hugo", partial(server.shortcut, "hugo", OPS, server.shortcuts[0]))
    yield suggested(stage, "ines")
    yield changed_form(stage, "jack")
    yield submitted(stage, "kate")
    yield home_opened(stage, "liam")
    yield home_pressed(stage, at_home, "mona")
    yield said(stage, "lock", "lock VM-05 because of a test", "nick")
    yield said(stage, "freeze", "freeze because of a test", "olga")
    yield whispered(stage, "watch VM-09", "paul", "You are told of what happens to VM-09")
    yield pressed(stage, stage.running, "Pause", "alice", "pause", "· paused")
    yield made(stage, "Move the rest", "quin", partial(ferry.press, stage.stopped, "Move the rest", who="quin"))


def second_deeds(stage: Stage) -> Iterator[Scene]:
    """What takes back some of it."""
    scheduled = stage.approved()
    stage.hold(True)
    yield pressed(stage, stage.running, "Resume", "alice", "go on", "· under way")
    yield pressed(stage, scheduled, "Cancel", "alice", "cancel", "· cancelled")
    yield said(stage, "unlock", "unlock VM-05", "nick")
    yield said(stage, "unfreeze", "unfreeze", "olga")
    yield whispered(stage, "unwatch VM-09", "paul", "You are no longer told of VM-09")
