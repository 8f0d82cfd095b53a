"""A form, the whole way: asked for, filled in, and what it types answered in the channel like a typed command."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bot.lab.slack import SlackServer
from tests.ferry import Ferry

PATIENCE_S = 20


def offers(server: SlackServer, label: str, name: str) -> bool:
    modal = server.modal("alice")
    return modal is not None and name in modal.options(label)


def test_the_form_is_answered_with_the_plan_of_what_was_chosen(tmp_path: Path) -> None:
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
