"""Forms and homes, the whole way: a move is chosen in a form, and confirmed on the home of somebody else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bot.lab.slack import SlackServer
from tests.ferry import Ferry

PATIENCE_S = 20


def offers(server: SlackServer, label: str, name: str) -> bool:
    modal = server.modal("alice")
    return modal is not None and name in modal.options(label)


def test_a_move_is_chosen_in_a_form_and_confirmed_on_a_home(tmp_path: Path) -> None:
    with Ferry(tmp_path) as ferry:
        server = ferry.server
        ferry.bot.inventory.refreshed()
        server.slash("alice", "#ops", "/ferry", "")
        server.wait_for(lambda: server.modal("alice"), PATIENCE_S)
        for label, name in (("VM", "VM-01"), ("To host", "host02")):
            server.type_into("alice", label, name.lower())
            server.wait_for(partial(offers, server, label, name), PATIENCE_S)
            server.choose("alice", label, name)
        server.submit("alice", {})
        messages = server.wait_for(lambda: shown if len(shown := server.messages("#ops")) > 1 else None, PATIENCE_S)
        texts = ["\n".join(server.render_text(message)) for message in messages or ()]
        assert "@alice filled in a form: migrate VM-01 to host02" in texts
        assert any("Move VM-01 from host01 to host02?" in text for text in texts)
        server.open_home("bob")
        server.wait_for(lambda: "confirm m-1" in str(server.home("bob")), PATIENCE_S)
        server.press_home("bob", "Confirm m-1")
        card = next(message for message in messages or () if "Move VM-01" in "\n".join(server.render_text(message)))
        assert "confirmed by @bob" in ferry.wait_until_ended(card)
        server.press_home("bob", "Show")
        direct = server.wait_for(lambda: server.messages(server.direct_channel("bob")), PATIENCE_S)
        assert "VM-01 is on host02" in "\n".join(server.render_text(direct[0]))
