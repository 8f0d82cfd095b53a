"""All that people do in Slack on all of Slack's bad days: each takes effect once or not at all, and they see which."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest
from pydantic import SecretStr

from bot.app import Listening
from bot.lab.slack import Fault, SlackServer
from bot.settings import SlackSettings
from bot.slack.listeners import SlackFront
from bot.slack.manifest import HTTP_PATH
from tests.faults.interactions import OPS, PEOPLE, PLAN, Scene, Stage, first_deeds, second_deeds
from tests.faults.waiting import PATIENCE_S, assert_cards_true_and_single, key_of, until
from tests.ferry import Ferry

LATE = "and was not carried out"
SECRET = "a signing secret"
HOURS_S = 2 * 60 * 60
METHODS = {"chat.postMessage": 3, "chat.update": 3, "chat.postEphemeral": 1, "views.open": 3} | dict.fromkeys(
    ("views.update", "views.publish"), 1
)
"""How many calls go wrong; each is made by several scenes, or by one."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Moves that run take minutes here, so that there is always an evacuation under way."""
    server = SlackServer(people=PEOPLE, rate_limits=False, ack_s=2.0)
    everybody = {"who": [server.user_id(name) for name in PEOPLE], "may": ["run", "approve", "operate"]}
    policy = {
        "tags": {"critical": ["VM-*"], "domain-controllers": ["DC-*"]},
        "rules": {"everybody": everybody},
        "approvals": {"critical": {"actions": ["vm.migrate"], "tags": ["critical"], "needed": 1}},
    }
    folder = tmp_path_factory.mktemp("lab")
    with Ferry(folder, speed=0.1, server=server, policy=policy, lists=False, rate_limits=False) as ferry:
        yield Stage(ferry)


Day = Callable[[Stage, Sequence[Scene]], AbstractContextManager[None]]
"""Plays scenes on a bad day, which lasts until they are over."""


@contextmanager
def calm(_: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
    for scene in scenes:
        scene.act()
    yield


@contextmanager
def delivered_twice(stage: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
    """As fast as Slack can, so that the second is there while the first is looked at."""
    for scene in scenes:
        before = len(stage.server.deliveries())
        scene.act()
        stage.ferry.wait(lambda known=before: len(stage.server.deliveries()) > known)  # type: ignore[misc]
        for delivery in stage.server.deliveries()[before:]:
            stage.server.redeliver(delivery.envelope_id)
    yield


@contextmanager
def two_sockets(stage: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
    """Whatever one has heard the other hears, too."""
    with hearing_too(stage):
        stage.ferry.wait(lambda: stage.server.connections == 2)
        with delivered_twice(stage, scenes):
            yield


@contextmanager
def retried_over_http(stage: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
    """With X-Slack-Retry-Num, as Slack does it that missed the answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    with hearing_too(stage, mode="http", listen=listen, signing_secret=SecretStr(SECRET)):
        stage.server.deliver_to(f"http://{listen}{HTTP_PATH}", SECRET)
        try:
            with delivered_twice(stage, scenes):
                yield
        finally:
            stage.server.deliver_to_sockets()


@contextmanager
def hearing_too(stage: Stage, **changes: object) -> Iterator[None]:
    """By another front of the same Ferry."""
    given = stage.ferry.lab.slack_settings()
    secrets = {"bot_token": SecretStr(given["bot_token"])}
    front = SlackFront(SlackSettings.model_validate(given | secrets | changes), ping_s=0.3)
    ears = next(part for part in stage.ferry.bot.parts if isinstance(part, Listening))
    front.start(ears.intake.take, ears.forms, ears.homes.opened)
    try:
        yield
    finally:
        front.stop()


@contextmanager
def refreshed(stage: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
    for number, scene in enumerate(scenes):
        scene.act()
        if number in (0, len(scenes) // 2):
            stage.server.refresh_sockets()
    yield


@contextmanager
def cut(stage: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
    for number, scene in enumerate(scenes):
        scene.act()
        if number == len(scenes) // 2:
            stage.server.drop_sockets()
    yield


@contextmanager
def restarted(stage: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
    with calm(stage, scenes):
        stage.ferry.bot.stop()
        stage.ferry.start()
        yield


def failing(*faults: Fault) -> Day:
    """The next calls of each method meet these."""

    @contextmanager
    def day(stage: Stage, scenes: Sequence[Scene]) -> Iterator[None]:
        for method, times in METHODS.items():
            for fault in faults[:times]:
                stage.server.fail_next(method, fault)
        with calm(stage, scenes):
            yield
        stage.server.forget_faults()

    return day


DAYS: dict[str, Day] = {
    "two sockets": two_sockets,
    "retried over HTTP": retried_over_http,
    "500 and reset": failing(Fault(status=500), Fault(reset="before"), Fault(status=500)),
    "reset after Slack took it": failing(*[Fault(reset="after")] * 3),
    "429": failing(*[Fault(status=429)] * 2),  # the last: for a minute after it one card is posted a second
}
"""On which nothing is lost."""
UNDONE = ("two sockets", "500 and reset", "reset after Slack took it")
"""On which what was done is undone, too: that is heard and answered as what it undoes, so one of each kind will do."""
LOSSES: dict[str, Day] = {"refreshed": refreshed, "cut": cut, "restarted": restarted}
"""On which Slack may tell a person that what was done has not reached Ferry."""


@pytest.mark.parametrize("day", LOSSES.values(), ids=LOSSES)
def test_each_deed_takes_effect_once_or_not_at_all_and_its_person_sees_which(stage: Stage, day: Day) -> None:
    stage.ferry.wait(lambda: stage.server.connections)
    scenes = [scene for scene in first_deeds(stage) if day is not restarted or not scene.passing]
    assert play(stage, day, scenes) == {}


PLAYS = {
    f"{name}-{deeds.__name__}": (day, deeds)
    for name, day in DAYS.items()
    for deeds in (first_deeds, second_deeds)
    if deeds is first_deeds or name in UNDONE
}


@pytest.mark.parametrize(("day", "deeds"), PLAYS.values(), ids=PLAYS)
def test_each_deed_takes_effect_once_and_is_answered(
    stage: Stage, day: Day, deeds: Callable[[Stage], Iterator[Scene]]
) -> None:
    assert play(stage, day, list(deeds(stage))) == {}


@pytest.mark.parametrize(
    ("confirmed", "button", "state"),
    [(False, "Confirm", "awaiting approval"), (False, "Cancel", "declined"), (True, "Approve", "scheduled")],
)
def test_what_is_decided_on_a_card_that_is_deleted_meanwhile_holds_and_its_asker_is_told(
    stage: Stage, confirmed: bool, button: str, state: str
) -> None:
    (card,) = stage.awaiting(1) if confirmed else stage.offers(1)
    name = key_of(card)
    stage.ferry.press(card, button, who="bob")
    stage.server.remove(OPS, card.ts)
    stage.ferry.wait(lambda: stage.whispers("alice", f"The card of {name} cannot be kept up to date any more"))
    assert state in stage.ferry.text(stage.ferry.say(f"status {name}"))


def test_what_arrives_hours_late_is_not_done_and_its_person_is_told(stage: Stage) -> None:
    (card,) = stage.offers(1)
    before = stage.cards_of("carol"), stage.whispers("carol", LATE)
    direct = stage.server.direct_channel("carol")
    for where, text in ((OPS, PLAN), (OPS, f"@Ferry {PLAN}"), (direct, PLAN)):
        stage.server.say("carol", where, text, late_s=HOURS_S)
    stage.server.press("carol", OPS, card.ts, "Confirm", late_s=HOURS_S)
    stage.ferry.wait(lambda: stage.whispers("carol", LATE) == before[1] + 4)
    assert stage.cards_of("carol") == before[0]
    assert stage.events(card, "submit") == 0


def test_of_two_who_approve_at_once_one_is_first_and_the_other_is_told_who(stage: Stage) -> None:
    (card,) = stage.awaiting(1)
    for who in ("bob", "carol"):
        stage.ferry.press(card, "Approve", who=who)
    stage.ferry.wait_for_text(card, "· scheduled")
    stage.ferry.wait(lambda: stage.whispers("bob", key_of(card)) + stage.whispers("carol", key_of(card)))
    assert stage.events(card, "approve") == 1


def play(stage: Stage, day: Day, scenes: Sequence[Scene]) -> dict[str, str]:
    """What was wrong, by scene."""
    heard = len(stage.server.deliveries())
    with day(stage, scenes):
        settle(stage, scenes, heard)
    problems = {scene.name: problem_of(scene, lost(stage, heard)) for scene in scenes}
    stage.clear()
    assert_cards_true_and_single(stage.ferry)
    return {name: problem for name, problem in problems.items() if problem}


def lost(stage: Stage, heard: int) -> bool:
    """Whether Slack has told somebody that something did not reach Ferry."""
    return any(one.lost for one in stage.server.deliveries()[heard:])


def problem_of(scene: Scene, lost: bool) -> str:
    effects, told = scene.effects(), scene.told()
    fine = (effects, told) == (1, True) or (effects == 0 and (lost or (told and scene.in_words)))
    return "" if fine else f"took effect {int(effects)} times, told: {told}"


def settle(stage: Stage, scenes: Sequence[Scene], heard: int) -> None:
    """Until everything has been heard and answered, or is lost."""
    server, store, sent = stage.server, stage.ferry.bot.store, threading.Event()
    server.on_loop(sent.set)  # where deeds wait to be sent, in their turn: before it nothing is known of some of them
    assert sent.wait(PATIENCE_S)
    stage.ferry.wait(lambda: all(one.acknowledged or one.lost for one in server.deliveries()[heard:]))

    def over() -> bool:
        left = [scene for scene in scenes if not scene.told()]
        return not store.unanswered() and (not left or (lost(stage, heard) and not any(one.effects() for one in left)))

    with suppress(AssertionError):  # what is missing is told by its scene
        until(over)
