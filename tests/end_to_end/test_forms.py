"""Forms, homes and watching: a move is chosen in a form, confirmed on a home, and told to who watches the VM."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bot.lab.slack import Message, SlackServer
from tests.ferry import Ferry

PATIENCE_S = 20


def offers(server: SlackServer, label: str, name: str) -> bool:
    modal = server.modal("alice")
    return modal is not None and name in modal.options(label)


def answered(server: SlackServer) -> list[Message]:
    """What the channel shows, once the plan is there."""
    shown = server.messages("#ops")
    return shown if any("Move VM-01" in str(server.render_text(message)) for message in shown) else []


def test_a_move_is_chosen_in_a_form_and_confirmed_on_a_home(tmp_path: Path) -> None:
    with Ferry(tmp_path) as ferry:
        server = ferry.server
        ferry.bot.inventory.refreshed()
        assert "You are told of what happens to VM-01" in ferry.text(ferry.say("watch vm-01", who="carol"))
        assert "VM-01 · virtual machine" in ferry.text(ferry.say("watching", who="carol"))
        server.slash("alice", "#ops", "/ferry", "")
        server.wait_for(lambda: server.modal("alice"), PATIENCE_S)
        for label, name in (("VM", "VM-01"), ("To host", "host02")):
            server.type_into("alice", label, name.lower())
            server.wait_for(partial(offers, server, label, name), PATIENCE_S)
            server.choose("alice", label, name)
        server.submit("alice", {})
        messages = server.wait_for(partial(answered, server), PATIENCE_S)
        texts = ["\n".join(server.render_text(message)) for message in messages]
        assert "@alice filled in a form: migrate VM-01 to host02" in texts
        assert any("Move VM-01 from host01 to host02?" in text for text in texts)
        server.open_home("bob")
        server.wait_for(lambda: "confirm m-1" in str(server.home("bob")), PATIENCE_S)
        server.press_home("bob", "Confirm m-1")
        card = next(message for message in messages if "Move VM-01" in "\n".join(server.render_text(message)))
        assert "confirmed by @bob" in ferry.wait_until_ended(card)
        server.press_home("bob", "Show")
        direct = server.wait_for(lambda: server.messages(server.direct_channel("bob")), PATIENCE_S)
        assert "VM-01 is on host02" in "\n".join(server.render_text(direct[0]))
        watched = server.direct_channel("carol")
        server.wait_for(lambda: "m-1 VM-01 from host01 to host02: succeeded" in server.transcript(), PATIENCE_S)
        assert "confirmed by @bob" in str([server.render_text(message) for message in server.messages(watched)])
        assert "You are no longer told of VM-01" in ferry.text(ferry.say("unwatch VM-01", who="carol"))
        assert "you do not watch VM-01" in ferry.text(ferry.say("unwatch VM-01", who="carol"))
