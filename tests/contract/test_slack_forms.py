"""Forms in Slack: the stand-in's modals, and the whole way of Ferry's, from a slash command or a button to an ask."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.form import Option, make_evacuate, make_form
from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.core.reply import Button, Reply
from bot.lab.slack import Fault, Modal, SlackServer
from bot.lab.slack.blocks import find_problems
from bot.lab.terminal import run_terminal
from bot.settings import SlackSettings
from bot.slack.listeners import SlackFront
from bot.slack.modals import render_modal
from bot.slack.poster import Poster
from tests.contract.slack_lab import HandClock, running, serving, web

WAIT_S = 5
HOSTS = ("host01", "host02", "host03")
EMPTY, WHERE, STAY, ROOM = "Hosts to empty", "Where to", "VMs that stay", "If there is not enough room"
PLACE = Place(team="T0LAB00000", channel="C0OPS00000")


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def options(*labels: str) -> list[dict[str, Any]]:
    return [{"text": plain(label), "value": label.lower()} for label in labels]


def entry(label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": label.lower(), "label": plain(label), "element": element, **more}


def view(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    shown = {"type": "modal", "callback_id": "move", "title": plain("Move"), "submit": plain("Go"), **more}
    return {name: value for name, value in shown.items() if value is not None} | {"blocks": list(blocks)}


HOST = entry("Hosts", {"type": "multi_static_select", "options": options("One", "Two"), "max_selected_items": 1})
WORDS = entry("Words", {"type": "plain_text_input", "max_length": 9, "action_id": "a"}, optional=True)
WAY = entry("Way", {"type": "radio_buttons", "options": options("A", "B"), "initial_option": options("A")[0]})


# The stand-in


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with running(ack_s=0.5) as started:
        yield started


Answer = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def opening(server: SlackServer, answer: Answer, *blocks: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """A Bolt app whose /form opens a view; `answer` is what its submissions are acknowledged with."""
    app, got = App(client=web(server)), []

    @app.command("/form")
    def open_it(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view(*(blocks or (HOST, WORDS, WAY))))

    @app.view("move")
    def submitted(ack: Any, body: dict[str, Any]) -> None:
        got.append(body)
        ack(**answer(body))

    with serving(server, app):
        server.slash("alice", "#ops", "/form", "")
        server.wait_for(lambda: server.modal("alice"), WAIT_S)
        yield got


def shown(server: SlackServer, is_so: Callable[[Modal | None], bool]) -> Modal | None:
    server.wait_for(lambda: is_so(server.modal("alice")), WAIT_S)
    return server.modal("alice")


def test_what_was_filled_in_arrives_with_where_it_was_asked_for(server: SlackServer) -> None:
    with opening(server, lambda _: {}) as got:
        modal = server.modal("alice")
        assert modal is not None
        assert (modal.title, modal.options("Hosts")) == ("Move", ("One", "Two"))
        server.submit("alice", {"Hosts": ["Two"], "Words": "a\nb"})
        shown(server, lambda one: one is None)
    (body,) = got
    assert (body["type"], body["user"]["id"], body["team"]["id"]) == (
        "view_submission",
        server.user_id("alice"),
        "T0LAB00000",
    )
    assert body["view"]["id"] == modal.view["id"]
    values = body["view"]["state"]["values"]
    (chosen,) = values["hosts"].values()
    assert [option["value"] for option in chosen["selected_options"]] == ["two"]
    assert values["words"] == {"a": {"type": "plain_text_input", "value": "a b"}}
    assert next(iter(values["way"].values()))["selected_option"]["value"] == "a"


@pytest.mark.parametrize(
    ("filled", "problem"),
    [
        ({}, "'Hosts' must be filled in"),
        ({"Hosts": []}, "'Hosts' must be filled in"),
        ({"Hosts": ["Three"]}, "no option 'Three'"),
        ({"Hosts": ["One", "Two"]}, "at most 1"),
        ({"Hosts": "One", "Words": "much too long"}, "0 to 9 characters"),
        ({"Hosts": "One", "Way": ["A", "B"]}, "only one"),
        ({"Hosts": "One", "Elsewhere": "x"}, "no input 'Elsewhere'"),
    ],
)
def test_a_client_does_not_submit_what_the_view_does_not_allow(
    server: SlackServer, filled: dict[str, Any], problem: str
) -> None:
    with opening(server, lambda _: {}) as got:
        with pytest.raises(KeyError, match=problem):
            server.submit("alice", filled)
        assert not got
        with pytest.raises(KeyError, match="no form"):
            server.submit("bob", {"Hosts": "One"})


def test_errors_stand_at_their_inputs_and_the_modal_stays(server: SlackServer) -> None:
    answers = [{"response_action": "errors", "errors": {"hosts": "not this one"}}, {}]
    with opening(server, lambda _: answers.pop(0)) as got:
        server.submit("alice", {"Hosts": "One"})
        modal = shown(server, lambda one: bool(one and one.errors))
        assert modal is not None
        assert modal.errors == {"hosts": "not this one"}
        server.submit("alice", {"Hosts": "Two"})
        shown(server, lambda one: one is None)
    assert [body["view"]["id"] for body in got] == [modal.view["id"]] * 2


@pytest.mark.parametrize(
    ("answer", "title", "errors"),
    [
        ({"response_action": "clear"}, None, {}),
        ({"response_action": "update", "view": view(title=plain("Next"))}, "Next", {}),
        ({"response_action": "push", "view": view(title=plain("Next"))}, "Next", {}),
        ({"response_action": "update", "view": view(title=plain("x" * 25))}, "Move", {"": "invalid_arguments"}),
        ({"response_action": "errors", "errors": {"elsewhere": "x"}}, "Move", {"": "invalid_arguments"}),
        ({"response_action": "dance"}, "Move", {"": "invalid_arguments"}),
    ],
)
def test_other_answers_change_what_is_shown(
    server: SlackServer, answer: dict[str, Any], title: str | None, errors: dict[str, str]
) -> None:
    with opening(server, lambda _: answer):
        server.submit("alice", {"Hosts": "One"})
        modal = shown(server, lambda one: one is None or not one.waiting)
        assert (modal.title if modal else None) == title
        assert (dict(modal.errors) if modal else {}) == errors
        server.close_modal("alice")
        below = server.modal("alice")
        assert (below is not None) is (answer["response_action"] == "push")


def test_without_an_answer_the_person_is_told_and_may_try_again(server: SlackServer) -> None:
    def late(_: dict[str, Any]) -> dict[str, Any]:
        server.wait_for(lambda: [one for one in server.deliveries() if one.lost], WAIT_S)
        return {}

    with opening(server, late):
        server.submit("alice", {"Hosts": "One"})
        with pytest.raises(KeyError, match="no form"):
            server.submit("alice", {"Hosts": "One"})
        modal = shown(server, lambda one: bool(one and one.errors))
        assert modal is not None
        assert "trouble connecting" in modal.errors[""]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (view(HOST, submit=None), "missing required field: submit"),
        (view(title={"type": "mrkdwn", "text": "x"}), "must be a plain_text object"),
        (view(submit="Go"), "must be a plain_text object"),
        (view(HOST, HOST), "already exists"),
        (
            view(entry("x", {"type": "multi_static_select", "options": options(*map(str, range(101)))})),
            "no more than 100",
        ),
        (view(entry("x", {"type": "multi_static_select", "options": options("x" * 76)})), "less than 76"),
        (view(entry("x", {"type": "radio_buttons", "options": options(*map(str, range(11)))})), "no more than 10"),
        (
            view(entry("x", {"type": "radio_buttons", "options": options("A"), "initial_option": options("B")[0]})),
            "initial options must be among the options",
        ),
        (view(entry("x", {"type": "plain_text_input", "max_length": 3001})), "less than or equal to 3000"),
    ],
)
def test_a_view_is_checked(wrong: dict[str, Any], problem: str) -> None:
    with running(clock=HandClock()) as server:
        trigger = server.backend.grants.new_trigger(server.user_id("alice"))
        with pytest.raises(SlackApiError) as caught:
            web(server).views_open(trigger_id=trigger, view=wrong)
        assert problem in str(caught.value.response["response_metadata"])
        assert server.modal("alice") is None


# Ferry's


def test_a_form_of_any_estate_is_a_view_that_slack_takes() -> None:
    hosts = [f"host{number:03}." + "x" * (number * 2) for number in range(140)]
    modal = render_modal(make_evacuate(hosts), PLACE)
    assert not find_problems(modal["blocks"], "/blocks", "modal")
    where = modal["blocks"][0]
    assert where["hint"]["text"] == "these are 72 of 140: type the command for the others"
    assert [option["value"] for option in where["element"]["options"]] == hosts[:72]
    few = render_modal(make_evacuate(hosts[:3]), PLACE)
    assert "hint" not in few["blocks"][0]
    many = render_modal(make_evacuate([f"host{number}" for number in range(140)]), PLACE)
    assert len(many["blocks"][0]["element"]["options"]) == 100


class Inbox:
    """Claims each key once, in memory."""

    def __init__(self, server: SlackServer) -> None:
        self._server = server
        self.taken: list[Ask] = []
        self.known = 0

    def take(self, ask: Ask) -> bool:
        new = ask.key not in {one.key for one in self.taken}
        if new:
            self.taken.append(ask)
        else:
            self.known += 1
        self._server.workspace.notify()
        return new


@pytest.fixture
def inbox(server: SlackServer) -> Inbox:
    return Inbox(server)


@pytest.fixture
def front(server: SlackServer, inbox: Inbox) -> Iterator[SlackFront]:
    settings = SlackSettings(
        bot_token=SecretStr(server.bot_token), app_token=SecretStr(server.app_token), api_url=server.api_url
    )
    alice = UserId(server.user_id("alice"))
    started = SlackFront(settings, ping_s=0.3)
    started.start(inbox.take, partial(make_form, lambda ask, _: ask.actor == alice, HOSTS))
    try:
        server.wait_for(lambda: server.connections, WAIT_S)
        yield started
    finally:
        started.stop()


def opened(server: SlackServer, who: str = "alice") -> Modal:
    return server.wait_for(lambda: server.modal(who), WAIT_S) or Modal({})


@pytest.mark.usefixtures("front")
def test_a_slash_command_opens_the_form_and_submitting_it_types_the_command(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", " Evacuate ")
    assert opened(server).options(EMPTY) == HOSTS
    assert not inbox.taken
    server.submit("alice", {EMPTY: ["host01"], WHERE: ["host02", "host03"], STAY: "VM-07, R&D <1>"})
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    command = 'evacuate host01 to host02, host03 except VM-07, "R&D <1>"'
    assert (ask.text, ask.kind, ask.actor) == (
        command.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        "form",
        server.user_id("alice"),
    )
    assert (ask.place.channel, ask.place.thread, ask.card) == (server.channel_id("ops"), None, "")
    said = server.wait_for(lambda: server.messages("#ops"), WAIT_S)
    assert server.render_text(said[0]) == [f"@alice filled in a form: {command}"]
    assert server.wait_for(lambda: server.modal("alice") is None, WAIT_S)


@pytest.mark.usefixtures("inbox")
def test_a_button_opens_it_too_and_the_command_is_said_in_its_thread(
    server: SlackServer, inbox: Inbox, front: SlackFront
) -> None:
    parent = server.say("bob", "#ops", "the night shift")
    place = Place(team=front.team, channel=server.channel_id("ops"), thread=parent)
    button = Button(label="Evacuate …", sends="form evacuate")
    card = Poster(front.client).post(place, Reply(title=("card",), buttons=(button,)))
    server.press("alice", "#ops", card, "Evacuate …")
    opened(server)
    server.submit("alice", {EMPTY: "host02", ROOM: "also move other VMs, as few as possible, to make room"})
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.place) == ("evacuate host02 make room", place)
    server.wait_for(lambda: len(server.thread("#ops", parent)) == 2, WAIT_S)


@pytest.mark.usefixtures("front")
def test_a_slash_command_that_is_no_form_keeps_its_spelling(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", r"move storage VM-01 to D:\VMs")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert ask.text == r"move storage VM-01 to D:\VMs"


@pytest.mark.usefixtures("front")
def test_whoever_may_not_sees_no_form_and_is_answered_like_anybody_who_typed_it(
    server: SlackServer, inbox: Inbox
) -> None:
    server.slash("mallory", "#ops", "/ferry", "evacuate")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.kind) == ("evacuate", "slash")
    assert server.modal("mallory") is None


@pytest.mark.usefixtures("front")
def test_more_words_are_a_command_and_not_a_form(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", "evacuate host01")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert ask.text == "evacuate host01"
    assert server.wait_for(lambda: server.modal("alice") is None, WAIT_S)


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize("fault", [Fault(error="expired_trigger_id"), Fault(status=500), Fault(reset="before")])
def test_a_form_that_does_not_open_is_answered_as_if_it_had_been_typed(
    server: SlackServer, inbox: Inbox, fault: Fault
) -> None:
    server.fail_next("views.open", fault)
    server.slash("alice", "#ops", "/ferry", "evacuate")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.kind) == ("evacuate", "slash")


@pytest.mark.usefixtures("front")
def test_what_cannot_be_stays_in_the_form_with_the_reason(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", "evacuate")
    opened(server)
    server.submit("alice", {EMPTY: "host01", WHERE: "host01", STAY: "VM-*"})
    modal = shown(server, lambda one: bool(one and one.errors))
    assert modal is not None
    assert modal.errors["destinations"].startswith("host01 cannot be emptied")
    assert "wildcards" in modal.errors["vms"]
    assert not inbox.taken
    server.submit("alice", {EMPTY: "host01"})
    server.wait_for(lambda: inbox.taken, WAIT_S)


@pytest.mark.usefixtures("front")
def test_a_submission_that_arrives_twice_is_one_command(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", "evacuate")
    opened(server)
    server.submit("alice", {EMPTY: "host01"})
    server.wait_for(lambda: inbox.taken and server.messages("#ops"), WAIT_S)
    (delivery,) = [one for one in server.deliveries() if one.payload.get("type") == "view_submission"]
    server.redeliver(delivery.envelope_id)
    server.wait_for(lambda: inbox.known, WAIT_S)
    server.wait_for(lambda: all(one.acknowledged for one in server.deliveries()), WAIT_S)
    assert len(inbox.taken) == 1
    assert len(server.messages("#ops")) == 1


@pytest.mark.usefixtures("front")
def test_a_terminal_says_that_it_has_no_forms(server: SlackServer) -> None:
    output = io.StringIO()
    script = io.StringIO("/ferry evacuate\n\n")
    run_terminal(server, "alice", "#ops", settle_s=0.3, stdin=script, stdout=output)
    assert "The form “Evacuate hosts” has opened" in output.getvalue()
    assert server.wait_for(lambda: server.modal("alice") is None, WAIT_S)


def test_options_are_shown_whole_or_cut_but_never_another_value() -> None:
    form = make_evacuate(["host01"])
    long = Option(label="x" * 200, value="y" * 150)
    fields = (form.fields[0].model_copy(update={"options": (long,)}),)
    modal = render_modal(form.model_copy(update={"fields": fields}), PLACE)
    (option,) = modal["blocks"][0]["element"]["options"]
    assert option["value"] == long.value
    assert len(option["text"]["text"]) <= 75
