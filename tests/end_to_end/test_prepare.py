"""`prepare` in chat: offered with before and after, confirmed, set, verified, and put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.lab.running import CHANNEL
from bot.lab.world.machines import Authentication, Host
from tests.ferry import Ferry


@pytest.fixture(scope="module")
def ferry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ferry]:
    with Ferry(tmp_path_factory.mktemp("prepare"), rate_limits=False) as ferry:
        yield ferry


@pytest.fixture
def host02(ferry: Ferry) -> Host:
    host = ferry.world.host("host02")
    host.migration_enabled, host.authentication = False, Authentication.CREDSSP
    return host


def test_a_host_is_prepared_and_put_back(ferry: Ferry, host02: Host) -> None:
    card = ferry.say("prepare host02")
    offer = ferry.text(card)
    assert "Prepare host02?" in offer
    assert "authentication  CredSSP  Kerberos" in offer
    assert "live migration  off      enabled" in offer
    assert "Nothing changes until someone confirms" in offer
    assert not host02.migration_enabled

    ferry.press(card, "Confirm", who="bob")
    done = ferry.wait_until_ended(card)
    assert "✅ host02 is prepared" in done
    assert "✓ Verified: host02 shows authentication Kerberos and live migration enabled" in done
    assert "asked by @alice, confirmed by @bob" in done
    assert (host02.migration_enabled, host02.authentication) == (True, Authentication.KERBEROS)

    assert "host02 has everything that Ferry could set" in ferry.text(ferry.say("prepare host02"))

    card = ferry.say("prepare host02 back")
    assert "Put the settings of host02 back?" in ferry.text(card)
    ferry.press(card, "Confirm", who="alice")
    assert "✅ host02 is as it was before" in ferry.wait_until_ended(card)
    assert (host02.migration_enabled, host02.authentication) == (False, Authentication.CREDSSP)
    assert "Ferry has not prepared host02" in ferry.text(ferry.say("prepare host02 back"))


def test_a_declined_offer_sets_nothing(ferry: Ferry, host02: Host) -> None:
    card = ferry.say("prepare host02")
    ferry.press(card, "Cancel")
    assert "The preparation of host02 was declined" in ferry.wait_until_ended(card)
    assert not host02.migration_enabled


def test_a_host_that_was_changed_before_the_click_ends_the_offer(ferry: Ferry, host02: Host) -> None:
    card = ferry.say("prepare host02")
    host02.authentication = Authentication.KERBEROS
    ferry.press(card, "Confirm")
    ended = ferry.wait_until_ended(card)
    assert "The offer to prepare host02 has ended" in ended
    assert "host02 has authentication Kerberos, and had authentication CredSSP" in ended
    assert not host02.migration_enabled
    ferry.wait(lambda: "To plan it again" in ferry.text(ferry.server.messages(f"#{CHANNEL}")[-1]) or None)


def test_history_tells_who_did_it(ferry: Ferry, host02: Host) -> None:
    shown = ferry.text(ferry.say("history host02"))
    assert "@bob confirmed m-1: prepare host02 · succeeded" in shown


def test_a_preparation_cannot_be_paused(ferry: Ferry, host02: Host) -> None:
    card = ferry.say("prepare host02")
    name = ferry.text(card).split(" · ")[0].split()[-1]
    assert "changes a host, which is not paused half-way" in ferry.text(ferry.say(f"pause {name}"))
    copy = ferry.say(f"status {name}")
    assert "Prepare host02?" in ferry.text(copy)
    assert f"Its own card, where it was asked for, goes on. To type: confirm {name}, cancel {name}" in ferry.text(copy)
    assert not copy.buttons
    assert f"{name} proposed · prepare host02" in ferry.text(ferry.say("status"))
    ferry.press(card, "Cancel")
    ferry.wait_until_ended(card)
    ended = ferry.text(ferry.say(f"status {name}"))
    assert "As of " in ended
    assert "goes on" not in ended
