"""README.md is the spec: what it shows is what the program does."""

from __future__ import annotations

from pathlib import Path

from tests import readme
from tests.ferry import Ferry

ANEW = "run `uv run python -m tests.readme`"


def test_the_command_table_is_the_registry() -> None:
    assert readme.render_commands() == readme.read_block("commands"), ANEW


def test_the_settings_table_is_the_settings() -> None:
    assert readme.render_settings() == readme.read_block("settings"), ANEW


def test_the_dialogue_is_what_the_channel_shows(tmp_path: Path) -> None:
    with Ferry(tmp_path, speed=2.5) as ferry:
        shown = readme.render_dialogue(ferry)

    assert readme.timeless(shown) == readme.timeless(readme.read_block("dialogue")), ANEW
