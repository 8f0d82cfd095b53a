"""The lab's chat page in a real browser: the README's dialogue, forms, threads, hostile text, a narrow screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.lab.page import Page
from bot.lab.running import TITLES
from bot.lab.slack import SlackServer
from tests.browser import CHROMIUM, DRIVER, MISSING, Keys, Person, chromium
from tests.contract.slack_lab import web
from tests.ferry import Ferry

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING)
HOSTILE = "<img src=x onerror=alert(1)> <b>bold</b> &lt;i&gt; <script>alert(1)</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Person]:
    with chromium() as person:
        yield person


@pytest.fixture(scope="module")
def ferry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    server = SlackServer(titles=TITLES, rate_limits=False)
    server.mount(Page(server, user="alice", suggestions=("hosts",)).add_to)
    with Ferry(tmp_path_factory.mktemp("page"), server=server, speed=20) as running:
        yield running


@pytest.fixture
def person(browser: Person, ferry: Ferry) -> Iterator[Person]:
    """Alice in the channel; in the end the browser has had nothing to complain of."""
    browser.open(ferry.server.address)
    yield browser
    assert browser.complaints() == []


def test_the_dialogue_of_the_readme(person: Person) -> None:
    person.press("hosts", "#welcome")
    assert person.focused().get_property("value") == "hosts"
    person.focused().clear()
    person.type("migrate VM-01 to host02")
    offer = person.wait_for("m-1 · proposed")
    assert "Move VM-01 from host01 to host02?" in offer
    assert re.search(r"This offer ends (today|tomorrow) at \d", offer)
    person.become("mallory")
    person.press("Confirm")
    assert "Only visible to you" in person.wait_for("you are not on Ferry's allow list")
    person.become("bob")
    assert "Only visible to you" not in person.read()
    person.press("Confirm")
    ended = person.wait_for("m-1 · succeeded")
    assert "✅ VM-01 is on host02" in ended
    assert "proposed" not in ended, "the card was not updated in its place"
    assert "VM-01 is on host02" in str(person.find("#said").get_property("textContent"))


def test_a_thread_is_read_answered_and_left_by_keyboard(person: Person, ferry: Ferry) -> None:
    ts = ferry.server.say("alice", "#ops", "who looks after host03?")
    ferry.server.say("bob", "#ops", "I do", ts)
    person.press("1 reply")
    assert "I do" in person.wait_for("who looks after", "#replies")
    person.focused().send_keys("Thanks, *bob*", Keys.ENTER)
    person.wait_for("Thanks, *bob*", "#replies")
    person.focused().send_keys(Keys.ESCAPE)
    person.wait(lambda: not person.find("#thread").is_displayed())
    person.wait(lambda: person.focused().text == "2 replies")
    assert "Thanks" not in person.read()


def test_a_form_says_what_is_wrong_and_is_answered_in_the_channel(person: Person) -> None:
    person.type("/ferry evacuate")
    person.wait_for("Evacuate", "#modal")
    person.press("Show the plan", "#modal")
    person.wait_for("This is needed.", "#modal")
    for block in ("hosts", "destinations"):
        pick(person, f"#modal [data-focus^={block}]", "host03")
    person.press("Show the plan", "#modal")
    person.wait_for("host03", "#modal .wrong:not([hidden])")
    person.find("#modal [data-focus^=destinations] [value=host03]:checked").click()
    tomorrow = datetime.now().replace(hour=22, minute=0, second=0, microsecond=0) + timedelta(days=1)  # noqa: DTZ005
    picker = person.find("#modal [data-focus^='begin at']")
    person.driver.execute_script("arguments[0].value = arguments[1]", picker, f"{tomorrow:%Y-%m-%dT%H:%M}")
    person.press("Show the plan", "#modal")
    person.wait_for(f"filled in a form: evacuate host03 at {tomorrow.astimezone(UTC):%Y-%m-%d %H:%M}")
    assert not person.find("#modal").is_displayed()


def test_a_shortcut_knows_the_channel_and_what_was_entered_stays_when_the_action_changes(person: Person) -> None:
    person.find("#shortcuts button").click()
    person.wait_for("Migrate", "#modal h2")
    assert person.find("#modal [data-focus^=_channel]").get_property("value") == "C0OPS00000"
    person.find("#modal [data-focus^=vm]").send_keys("VM-09")
    picker = person.find("#modal [data-focus^='begin at']")
    person.driver.execute_script("arguments[0].value = '2030-01-01T22:00'", picker)
    person.find("#modal [data-focus^=_command] option[value='move storage']").click()
    person.wait_for("Move storage", "#modal h2")
    kept = ("vm", "VM-09"), ("'begin at'", "2030-01-01T22:00"), ("_channel", "C0OPS00000"), ("_command", "move storage")
    for block, value in kept:
        assert person.find(f"#modal [data-focus^={block}]").get_property("value") == value
    assert person.find("#modal [data-focus^=path]").get_property("value") == ""
    person.press("Cancel", "#modal")


def test_what_one_has_said_can_be_edited_and_deleted_which_takes_back_what_waits(person: Person, ferry: Ferry) -> None:
    for do, told in (("Edit", "edited"), ("Delete", "deleted")):
        person.type("migrate VM-02 to host02 with storage")
        person.wait_for("Move VM-02 with its storage from host01 to host02?")
        person.hover("migrate VM-02 to host02 with storage")
        person.press(do)
        if do == "Edit":
            assert person.focused().get_property("value") == "migrate VM-02 to host02 with storage"
            person.focused().send_keys(Keys.CONTROL, "a")
            person.focused().send_keys("never mind", Keys.ENTER)
            person.wait_for("never mind")
        person.wait_for(f"Reason: the message that asked for it was {told}")
        assert "migrate VM-02" not in person.read()


def pick(person: Person, field: str, name: str) -> None:
    """Type a name into an external select, once the app has offered it."""
    person.find(f"{field} [type=search]").send_keys(name)
    person.wait(lambda: person.driver.find_elements("css selector", f"{field} datalist [value={name}]"))
    person.find(f"{field} [type=search]").send_keys(Keys.TAB)


def test_hostile_text_is_text(person: Person, ferry: Ferry) -> None:
    ferry.server.say("alice", "#ops", HOSTILE)
    shown = {"type": "section", "text": {"type": "plain_text", "text": HOSTILE}}
    link = {"type": "section", "text": {"type": "mrkdwn", "text": "<javascript:alert(1)|free> *<b>x</b>*"}}
    web(ferry.server).chat_postMessage(channel="C0OPS00000", text=HOSTILE, blocks=[shown, link])
    person.wait(lambda: person.read().count(HOSTILE) == 2)
    person.wait_for("free")
    made = person.driver.execute_script(
        "return document.querySelectorAll('#messages :is(script, b, i, a[href^=javascript], img:not(.avatar))').length"
    )
    assert made == 0


def test_a_phone_shows_everything_without_scrolling_sideways(person: Person, ferry: Ferry) -> None:
    person.open(ferry.server.address, width=360, height=740)
    person.type("hosts")
    person.wait_for("3 hosts, all answering")
    assert person.driver.execute_script("return document.documentElement.scrollWidth") <= 360
    person.become("bob")
    assert person.find("#composer button").is_displayed()
