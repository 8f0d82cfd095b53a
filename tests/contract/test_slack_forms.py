"""Forms in Slack: the stand-in's modals, and the whole way of Ferry's, from a slash command or a button to an ask."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

import commands
from bot.core.estate import Estate, Seen, VmSummary
from bot.core.form import Form, Option
from bot.core.later import Calendar
from bot.core.names import UserId, VmId
from bot.core.operation import Ask, Place
from bot.core.policy.model import Hours
from bot.core.reply import Button, Reply
from bot.core.suggestions import Choices
from bot.forms import CommandForms
from bot.lab.slack import Fault, Modal, SlackServer
from bot.lab.slack.modals import read_suggestions
from bot.lab.terminal import run_terminal
from bot.registry import discover
from bot.settings import SlackSettings
from bot.slack.kit.views import judge_view
from bot.slack.listeners import SlackFront
from bot.slack.modals import render_modal, render_suggestions
from bot.slack.poster import Poster
from tests.contract.slack_lab import HandClock, listening, running, serving, web

WAIT_S = 5
PLACE, NOWHERE = Place(team="T0LAB00000", channel="C0OPS00000"), Place(team="T0LAB00000", channel="")
ALICE = UserId("U0ALICE000")
AT = datetime(2026, 11, 30, tzinfo=UTC)
VMS = ("VM-01", "VM-02", "R&D <1>")
ESTATE = Estate(
    hosts=(
        Seen(
            host="host01",
            at=AT,
            vms=tuple(
                VmSummary(id=VmId(f"{number:08d}-0000-0000-0000-000000000000"), name=name, host="host01", state=2)
                for number, name in enumerate(VMS)
            ),
        ),
        Seen(host="host02", at=AT),
    )
)
NIGHTS = Hours(days=range(7), begins=time(22), ends=time(5))
CALENDAR = Calendar(ZoneInfo("Europe/Berlin"), {"night": NIGHTS})
FORMS = CommandForms(discover(commands), lambda actor, _place, _action: actor == ALICE, lambda: ESTATE, CALENDAR)
COMMANDS = ("migrate", "move storage", "evacuate", "prepare", "return")
APPS: list[App] = []


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
    APPS[:] = [app]

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


def test_an_external_select_offers_what_the_app_answers_and_nothing_else(server: SlackServer) -> None:
    vm = entry("VM", {"type": "external_select", "action_id": "pick", "min_query_length": 2})
    answers: list[dict[str, Any]] = [
        {"options": options("VM-01", "VM-02")},
        {"option_groups": [{"label": plain("host01"), "options": options("VM-03")}]},
        {"options": options(*map(str, range(101)))},
        {"options": options("x" * 76)},
    ]
    with opening(server, lambda _: {}, vm) as got, serving_options(server, answers) as typed:
        with pytest.raises(KeyError, match="offers nothing before 2"):
            server.type_into("alice", "VM", "V")
        with pytest.raises(KeyError, match="no option 'VM-01'"):
            server.submit("alice", {"VM": "VM-01"})
        server.type_into("alice", "VM", "VM")
        assert shown(server, lambda one: bool(one and one.options("VM") == ("VM-01", "VM-02")))
        server.type_into("alice", "VM", "VM-03")
        assert shown(server, lambda one: bool(one and one.options("VM") == ("VM-03",)))
        for problem in ("no more than 100", "less than 76"):
            server.type_into("alice", "VM", "VM")
            modal = shown(server, partial(objects_to, "vm", problem))
            assert modal is not None
            assert modal.options("VM") == ()
        assert [one["value"] for one in typed] == ["VM", "VM-03", "VM", "VM"]
        assert (typed[0]["block_id"], typed[0]["action_id"], typed[0]["type"]) == ("vm", "pick", "block_suggestion")
        assert typed[0]["view"]["id"] == typed[0]["container"]["view_id"]
        assert "trigger_id" not in typed[0]
        assert not got


def objects_to(block: str, problem: str, modal: Modal | None) -> bool:
    return modal is not None and problem in modal.errors.get(block, "")


@contextmanager
def serving_options(server: SlackServer, answers: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Answers what is typed on the connection that the form was opened by."""
    typed: list[dict[str, Any]] = []
    (app,) = APPS

    @app.options("pick")
    def suggest(ack: Any, body: dict[str, Any]) -> None:
        typed.append(body)
        ack(**answers.pop(0))

    yield typed


def test_a_choice_that_the_app_wants_to_hear_of_arrives_and_an_update_keeps_what_was_entered(
    server: SlackServer,
) -> None:
    way = WAY | {"dispatch_action": True, "element": WAY["element"] | {"action_id": "w"}}
    with opening(server, lambda _: {}, way, WORDS) as got:
        (app,) = APPS
        heard: list[dict[str, Any]] = []

        @app.action({"block_id": "way"})
        def chosen(ack: Any, body: dict[str, Any], client: WebClient) -> None:
            ack()
            heard.append(body)
            client.views_update(view_id=body["view"]["id"], view=view(way, WORDS, HOST, title=plain("More")))

        server.choose("alice", "Words", "kept")
        assert not heard
        server.choose("alice", "Way", "B")
        modal = shown(server, lambda one: bool(one and one.title == "More"))
        assert modal is not None
        assert modal.labels == ("Way", "Words", "Hosts")
        (body,) = heard
        assert body["container"] == {"type": "view", "view_id": modal.view["id"]}
        assert body["actions"][0]["selected_option"]["value"] == "b"
        assert body["view"]["state"]["values"]["words"]["a"]["value"] == "kept"
        assert "channel" not in body
        server.submit("alice", {"Hosts": "One"})
        shown(server, lambda one: one is None)
        values = got[0]["view"]["state"]["values"]
        assert values["words"]["a"]["value"] == "kept"
        assert next(iter(values["way"].values()))["selected_option"]["value"] == "b"


def test_a_shortcut_knows_no_channel_and_must_be_the_apps(server: SlackServer) -> None:
    with listening(server) as got:
        server.shortcut("alice", "#ops", "ferry")
        server.wait_for(lambda: got, WAIT_S)
        with pytest.raises(KeyError, match="no shortcut 'other'"):
            server.shortcut("alice", "#ops", "other")
    assert (got[0].type, got[0].payload["type"], got[0].payload["callback_id"]) == ("interactive", "shortcut", "ferry")
    assert "channel" not in got[0].payload


# Ferry's


def test_a_form_of_any_command_is_a_view_that_slack_takes() -> None:
    for name in COMMANDS:
        form = FORMS.open(ALICE, name)
        assert form is not None
        for place in (PLACE, NOWHERE):
            modal = render_modal(form, place)
            assert judge_view(modal, "modal") is None


def test_options_are_shown_whole_or_cut_but_never_another_value() -> None:
    long = Option(label="x" * 200, value="y" * 150, detail="z" * 200)
    lost = Option(label="x", value="y" * 151)
    answer = render_suggestions([Choices(label="h" * 200, options=(long, lost)), Choices(label="i", options=(lost,))])
    ((group,),) = answer.values()
    (option,) = read_suggestions(answer)
    assert option["value"] == long.value
    assert len(group["options"]) == 1
    assert render_suggestions([]) == {"options": []}
    with pytest.raises(ValueError, match="exactly one of"):
        read_suggestions(answer | {"options": []})
    blank = Option(label="\u200b", value="v")
    assert read_suggestions(render_suggestions([Choices(label="", options=(blank,))]))[0]["text"]["text"] == "?"


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
    with hearing(server, inbox, FORMS) as started:
        yield started


@contextmanager
def hearing(server: SlackServer, inbox: Inbox, forms: CommandForms) -> Iterator[SlackFront]:
    settings = SlackSettings(
        bot_token=SecretStr(server.bot_token), app_token=SecretStr(server.app_token), api_url=server.api_url
    )
    started = SlackFront(settings, ping_s=0.3)
    started.start(inbox.take, forms)
    try:
        server.wait_for(lambda: server.connections, WAIT_S)
        yield started
    finally:
        started.stop()


def opened(server: SlackServer, who: str = "alice") -> Modal:
    return server.wait_for(lambda: server.modal(who), WAIT_S) or Modal({})


def choose(server: SlackServer, label: str, typed: str, *, who: str = "alice") -> None:
    """Type into a field until it offers that, and choose it."""
    server.type_into(who, label, typed)
    server.wait_for(lambda: (modal := server.modal(who)) and typed in modal.options(label), WAIT_S)
    server.choose(who, label, typed)


def migrate(server: SlackServer) -> None:
    choose(server, "VM", "VM-01")
    choose(server, "To host", "host02")
    server.submit("alice", {})


@pytest.mark.usefixtures("front")
def test_the_slash_command_alone_opens_the_form_and_submitting_it_types_the_command(
    server: SlackServer, inbox: Inbox
) -> None:
    server.slash("alice", "#ops", "/ferry", " ")
    assert opened(server).labels == ("What to do", "VM", "To host", "At path", "Also", "Begin at", "Or begin")
    assert not inbox.taken
    choose(server, "VM", "R&D <1>")
    choose(server, "To host", "host02")
    server.submit("alice", {"At path": "D:\\VMs"})
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    command = 'migrate "R&D <1>" to host02 with storage at D:\\VMs'
    assert (ask.text, ask.kind, ask.actor) == (
        command.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        "form",
        server.user_id("alice"),
    )
    assert (ask.place.channel, ask.place.thread, ask.card) == (server.channel_id("ops"), None, "")
    said = server.wait_for(lambda: server.messages("#ops"), WAIT_S)
    assert server.render_text(said[0]) == [f"@alice filled in a form: {command}"]
    assert server.wait_for(lambda: server.modal("alice") is None, WAIT_S)


@pytest.mark.usefixtures("front")
def test_a_time_that_was_picked_is_said_in_the_zone_of_the_settings_and_kept_when_the_action_changes(
    server: SlackServer, inbox: Inbox
) -> None:
    server.slash("alice", "#ops", "/ferry", "drain")
    opened(server)
    choose(server, "Host", "host01")
    server.choose("alice", "Begin at", str(int(datetime(2026, 12, 1, 21, tzinfo=UTC).timestamp())))
    server.choose("alice", "What to do", "prepare")
    shown(server, lambda one: bool(one and one.title == "Prepare"))
    server.submit("alice", {"Or begin": "in the next window"})
    modal = shown(server, lambda one: bool(one and one.errors))
    assert modal is not None
    assert "do not go together" in modal.errors["begin at"]
    server.submit("alice", {"Or begin": []})
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert ask.text == "prepare host01 at 2026-12-01 22:00"


@pytest.mark.usefixtures("front")
def test_another_action_has_other_fields_and_keeps_what_both_have(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", "Migrate")
    opened(server)
    choose(server, "VM", "VM-01")
    server.choose("alice", "What to do", "move storage")
    modal = shown(server, lambda one: bool(one and one.labels == ("What to do", "VM", "Path", "Begin at", "Or begin")))
    assert modal is not None
    assert modal.title == "Move storage"
    server.submit("alice", {"Path": "VMs"})
    modal = shown(server, lambda one: bool(one and one.errors))
    assert modal is not None
    assert "starts with a drive" in modal.errors["path"]
    assert not inbox.taken
    server.submit("alice", {"Path": "D:\\VMs"})
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert ask.text == "move storage VM-01 D:\\VMs"


@pytest.mark.usefixtures("front")
def test_whoever_submits_before_the_fields_have_changed_is_shown_them(server: SlackServer, inbox: Inbox) -> None:
    server.fail_next("views.update", Fault(error="internal_error"))
    server.slash("alice", "#ops", "/ferry", "migrate")
    opened(server)
    server.choose("alice", "What to do", "prepare")
    server.wait_for(lambda: ("views.update", "internal_error") in server.calls(), WAIT_S)
    choose(server, "VM", "VM-01")
    choose(server, "To host", "host02")
    server.submit("alice", {})
    assert shown(server, lambda one: bool(one and one.labels == ("What to do", "Host", "Also", "Begin at", "Or begin")))
    assert not inbox.taken


@pytest.mark.usefixtures("front")
def test_a_shortcut_opens_it_and_the_command_is_said_in_the_channel_before_ones_eyes(
    server: SlackServer, inbox: Inbox
) -> None:
    server.shortcut("alice", "#ops", "ferry")
    assert opened(server).labels[-1] == "Shown in"
    migrate(server)
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.place.channel) == ("migrate VM-01 to host02", server.channel_id("ops"))
    server.wait_for(lambda: server.messages("#ops"), WAIT_S)
    server.shortcut("mallory", "#ops", "ferry")
    refused = server.wait_for(lambda: inbox.taken[1:], WAIT_S)[0]
    assert (refused.text, refused.actor, refused.place.channel) == ("form", *[server.user_id("mallory")] * 2)
    assert server.modal("mallory") is None


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize("fault", [Fault(status=429), Fault(error="invalid_arguments")])
def test_a_shortcut_whose_form_does_not_open_is_answered_to_who_used_it(
    server: SlackServer, inbox: Inbox, fault: Fault
) -> None:
    server.fail_next("views.open", fault)
    server.shortcut("alice", "#ops", "ferry")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.place.channel) == ("form", server.user_id("alice"))


@pytest.mark.usefixtures("front")
def test_other_fields_are_shown_although_slack_did_not_take_them_at_first(server: SlackServer) -> None:
    server.fail_next("views.update", Fault(status=429, retry_after_s=1))
    server.slash("alice", "#ops", "/ferry", "migrate")
    opened(server)
    server.choose("alice", "What to do", "move storage")
    assert shown(server, lambda one: bool(one and one.labels == ("What to do", "VM", "Path", "Begin at", "Or begin")))


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
    choose(server, "Hosts", "host02")
    server.submit("alice", {"Also": "make room"})
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.place) == ("evacuate host02 make room", place)
    server.wait_for(lambda: len(server.thread("#ops", parent)) == 2, WAIT_S)
    server.press("mallory", "#ops", card, "Evacuate …")
    server.wait_for(lambda: [one.text for one in inbox.taken[1:]] == ["evacuate"], WAIT_S)


@pytest.mark.usefixtures("front")
def test_a_slash_command_that_is_no_form_keeps_its_spelling(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", r"move storage VM-01 to D:\VMs")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert ask.text == r"move storage VM-01 to D:\VMs"


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize("text", ["evacuate", ""])
def test_whoever_may_not_sees_no_form_and_is_answered_like_anybody_who_typed_it(
    server: SlackServer, inbox: Inbox, text: str
) -> None:
    server.slash("mallory", "#ops", "/ferry", text)
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.kind) == (text, "slash")
    assert server.modal("mallory") is None


@pytest.mark.usefixtures("front")
def test_more_words_are_a_command_and_not_a_form(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", "evacuate HOST01")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert ask.text == "evacuate HOST01"
    assert server.wait_for(lambda: server.modal("alice") is None, WAIT_S)


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize("fault", [Fault(error="expired_trigger_id"), Fault(status=500), Fault(reset="before")])
@pytest.mark.parametrize(
    ("text", "instead"), [("evacuate", "evacuate"), ("", "form"), ("form decline m-1", "help decline")]
)
def test_a_form_that_does_not_open_is_answered_as_if_it_had_been_typed(
    server: SlackServer, inbox: Inbox, fault: Fault, text: str, instead: str
) -> None:
    server.fail_next("views.open", fault)
    server.slash("alice", "#ops", "/ferry", text)
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert (ask.text, ask.kind) == (instead, "slash")


class WordyForms(CommandForms):
    """Forms that Slack takes of one command only."""

    def open(self, actor: UserId, place: Place, command: str = "") -> Form | None:
        form = super().open(actor, place, command)
        return form if form is None or form.command == "migrate" else form.model_copy(update={"submit": "x" * 25})


WORDY = WordyForms(discover(commands), lambda actor, _place, _action: actor == ALICE, lambda: ESTATE)


@pytest.fixture
def wordy(server: SlackServer, inbox: Inbox) -> Iterator[None]:
    with hearing(server, inbox, WORDY):
        yield


@pytest.mark.usefixtures("wordy")
def test_a_form_that_slack_would_refuse_is_not_sent_but_answered_as_text(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", "evacuate")
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    assert ask.text == "evacuate"
    server.slash("alice", "#ops", "/ferry", "migrate")
    opened(server)
    choose(server, "VM", "VM-01")
    choose(server, "To host", "host02")
    server.submit("alice", {"What to do": "evacuate"})  # whose fields would follow
    server.wait_for(lambda: server.modal("alice") is None, WAIT_S)
    assert [(one.text, one.kind) for one in inbox.taken[1:]] == [("evacuate", "form")]
    assert {method for method, error in server.calls() if error} == set()


@pytest.mark.usefixtures("front")
def test_a_submission_that_arrives_twice_is_one_command(server: SlackServer, inbox: Inbox) -> None:
    server.slash("alice", "#ops", "/ferry", "migrate")
    opened(server)
    migrate(server)
    server.wait_for(lambda: inbox.taken and server.messages("#ops"), WAIT_S)
    (delivery,) = [one for one in server.deliveries() if one.payload.get("type") == "view_submission"]
    server.redeliver(delivery.envelope_id)
    server.wait_for(lambda: inbox.known, WAIT_S)
    server.wait_for(lambda: all(one.acknowledged for one in server.deliveries()), WAIT_S)
    assert len(inbox.taken) == 1
    assert len(server.messages("#ops")) == 1


@pytest.mark.usefixtures("front")
def test_a_form_can_be_filled_in_at_a_terminal(server: SlackServer, inbox: Inbox) -> None:
    output = io.StringIO()
    filled = ("vm = VM-02", "To host = host02", "begin at = tonight", "begin at = 2026-12-01 22:00")
    script = ("/ferry migrate", *filled, "at path = VMs", "", "At path = D:\\VMs", "")
    run_terminal(server, "alice", "#ops", settle_s=0.3, stdin=io.StringIO("\n".join((*script, ""))), stdout=output)
    assert "VM = … (needed)" in output.getvalue()
    assert "VM = VM-02" in output.getvalue()
    assert "✗ a path starts with a drive" in output.getvalue()
    (ask,) = server.wait_for(lambda: list(inbox.taken), WAIT_S)
    begin = datetime(2026, 12, 1, 22).astimezone().astimezone(CALENDAR.zone)
    assert ask.text == f"migrate VM-02 to host02 with storage at D:\\VMs at {begin:%Y-%m-%d %H:%M}"
    assert "'tonight' is no day and time" in output.getvalue()
    assert "Begin at = 2026-12-01 22:00" in output.getvalue()


@pytest.mark.usefixtures("front")
def test_another_line_at_a_terminal_puts_the_form_away(server: SlackServer, inbox: Inbox) -> None:
    output = io.StringIO()
    script = io.StringIO("/shortcut\nWhere = x\n/help\n")
    run_terminal(server, "alice", "#ops", settle_s=0.3, stdin=script, stdout=output)
    assert "Shown in" in output.getvalue()
    assert "no input 'Where'" in output.getvalue()
    assert server.modal("alice") is None
    assert not inbox.taken
