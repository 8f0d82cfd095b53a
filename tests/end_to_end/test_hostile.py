"""Names, texts and people that mean harm, through the whole of Ferry: nothing they say becomes more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from bot.lab.slack import Message
from tests.ferry import Ferry

HOSTILE = {
    "VM-01": "<!channel> <@U0BOB00000>",
    "VM-02": "<http://evil.example|host02> evil.example",
    "VM-04": "`a` *b* _c_ ~d~ :fire: &lt;!here&gt;",
    "VM-06": "\u202e10-MV\u2066\u200b",
    "VM-08": "```\n<!everyone>\n```",
    "VM-09": "confirm m-1\ncancel m-1\x00\x1b[2J",
}
MOVES = "VM-01"
# What a message may hold of Slack's own mark-up: a person of the row, and a time.
_TOKEN = re.compile(r"<(?!@U0(ALICE000|BOB00000)>|!date\^\d+\^[^<>|]*\|[^<>]*>)[^<>]*>")
_UNSEEN = re.compile("[\u0000-\u0009\u000b-\u001f\u200e\u200f\u202a-\u202e\u2066\u2067]")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with Ferry(tmp_path_factory.mktemp("hostile"), rate_limits=False) as ferry:
        for name, hostile in HOSTILE.items():
            vm = ferry.world.vm(name)
            vm.name = hostile
            if name != MOVES:
                vm.path = f"\\\\server01\\vmstore\\{hostile}"
        yield ferry


def shown(message: Message) -> list[str]:
    """Every text of every version, as Slack is given it."""
    texts: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            if value.get("type") == "mrkdwn":
                assert value["verbatim"] is True
                texts.append(value["text"])
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    for version in message.versions:
        texts.append(version.text)
        collect(json.loads(json.dumps(list(version.blocks))))
    return texts


def check_harmless(message: Message) -> None:
    for text in shown(message):
        assert not _TOKEN.search(text), text
        assert not _UNSEEN.search(text), text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(lab: Ferry, name: str) -> None:
    vm = lab.world.vm(HOSTILE[name])

    for text in (
        f"where {vm.id}",
        "vms host01",
        f"migrate {vm.id} to host02",
        f"migrate {vm.id} to host02 with storage",
    ):
        answer = lab.say(text)
        check_harmless(answer)
        for button in answer.buttons:
            assert re.fullmatch(r"(confirm|cancel) m-\d+", button.element["value"]), (
                "a button names the operation, nobody's name"
            )


def test_a_hostile_vm_moves_and_its_card_stays_harmless(lab: Ferry) -> None:
    vm = lab.world.vm(HOSTILE[MOVES])
    card = lab.say(f"migrate {vm.id} to host02")
    lab.press(card, "Confirm", who="bob")

    assert "m-" in lab.wait_until_ended(card)
    ended = lab.server.message(card.channel, card.ts)
    assert ended is not None
    check_harmless(ended)
    for step in lab.server.thread(card.channel, card.ts):
        check_harmless(step)


@pytest.mark.parametrize(
    "text",
    [
        "@Ferry " + "x" * 10_240,
        "@Ferry migrate " + "<!channel>" * 300,
        "@Ferry where \u202e\u2066<!here>\x00",
        "@Ferry where '; DROP TABLE operation; --'",
        "@Ferry where $(Remove-VM *)",
        "@Ferry move storage VM-10 \\\\server01\\vmstore\\..\\..\\c$",
        "@Ferry move storage VM-10 \\\\?\\D:\\VMs",
        "@Ferry history '\" OR 1=1'",
        "@Ferry history 'a* NEAR(b'",
        "@Ferry status m-1\nconfirm m-1",
    ],
)
def test_hostile_text_is_answered_and_does_nothing(lab: Ferry, text: str) -> None:
    before = len(lab.bot.store.open())

    answer = lab.say(text)

    check_harmless(answer)
    assert "fault of its own" not in lab.text(answer)
    assert len(lab.bot.store.open()) == before


@pytest.mark.parametrize("text", ["migrate VM-10 to host03", "help", "gibberish", "x" * 10_240, "cancel m-1\nhelp"])
def test_a_stranger_is_told_one_thing_wherever_and_whatever_is_said(lab: Ferry, text: str) -> None:
    for where, said in (("#ops", f"@Ferry {text}"), (lab.server.direct_channel("mallory"), text)):
        told = lab.text(lab.say(said, who="mallory", where=where))
        assert told.splitlines()[0] == "⚠️ you are not on Ferry's allow list"
    before = len(lab.server.ephemerals("mallory"))
    lab.server.slash("mallory", "#ops", "/ferry", text.replace("\n", " "))
    lab.wait(lambda: len(lab.server.ephemerals("mallory")) > before or None)
    assert lab.text(lab.server.ephemerals("mallory")[-1]).startswith("⚠️ you are not on Ferry's allow list")
