"""Every card in every state as people read it, in files: `uv run python -m tests.golden` writes them anew.

A file holds one kind of operation. Each card is shown once: a line that stands both in its blocks and in its `text`,
which notifications and screen readers have instead of them, is marked with nothing; `blocks` marks what only the blocks
say, `text` what only the text does. A button shows what it types.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from difflib import SequenceMatcher
from pathlib import Path

from bot.core.shown import render_card
from bot.lab.slack.model import JsonObject, Version
from bot.lab.slack.render import Reader, plain, render_lines
from bot.slack.blocks import Rendered, render
from tests.core.rows import ALICE, BOB, STARTED
from tests.slack.cards import Case, cards

FOLDER = Path(__file__).parent / "slack" / "golden"
NOW = STARTED + timedelta(seconds=5)
READER = Reader({ALICE: "@alice", BOB: "@bob"})


def path_of(kind: str) -> Path:
    return FOLDER / f"{kind.replace(' ', '_')}.txt"


def render_file(cases: Sequence[Case]) -> str:
    return "\n".join(f"=== {name}\n{render_message(render(render_card(row, NOW)))}" for name, row in cases)


def render_message(message: Rendered) -> str:
    blocks = [line for block in message.blocks for line in _block(block)]
    text = _lines(Version(NOW, message.text))
    told = []
    for what, first, last, begin, end in SequenceMatcher(a=blocks, b=text, autojunk=False).get_opcodes():
        if what == "equal":
            told += [("", line) for line in blocks[first:last]]
        else:
            told += [("blocks", line) for line in blocks[first:last]] + [("text", line) for line in text[begin:end]]
    return "".join(f"{mark:<7} {line}".rstrip() + "\n" for mark, line in told)


def _block(block: JsonObject) -> Iterator[str]:
    if block["type"] != "actions":
        yield from _lines(Version(NOW, "", (block,)))
        return
    for element in block["elements"]:
        style = f"  ({element['style']})" if "style" in element else ""
        yield f"[{element['text']['text']}]  {element['value']}{style}"


def _lines(shown: Version) -> list[str]:
    return [line for each in render_lines(shown, READER) if (line := plain(each))]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for kind, cases in cards().items():
        path_of(kind).write_text(render_file(cases), encoding="utf-8")


if __name__ == "__main__":
    main()
