"""A form, the whole way: asked for, filled in, and what it types answered in the channel like a typed command."""

from __future__ import annotations

from pathlib import Path

from tests.ferry import Ferry

PATIENCE_S = 20


def test_the_form_of_an_evacuation_is_answered_with_its_plan(tmp_path: Path) -> None:
    with Ferry(tmp_path) as ferry:
        server = ferry.server
        server.slash("alice", "#ops", "/ferry", "evacuate")
        modal = server.wait_for(lambda: server.modal("alice"), PATIENCE_S)
        assert modal is not None
        source, destination = modal.options("Hosts to empty")[:2]
        server.submit("alice", {"Hosts to empty": [source], "Where to": [destination]})
        messages = server.wait_for(lambda: shown if len(shown := server.messages("#ops")) > 1 else None, PATIENCE_S)
        command = f"evacuate {source} to {destination}"
        texts = ["\n".join(server.render_text(message)) for message in messages or ()]
        assert f"@alice filled in a form: {command}" in texts
        (answer,) = [text for text in texts if "filled in a form" not in text]
        assert source in answer
        assert "alice" in answer or "Evacuate" in answer
