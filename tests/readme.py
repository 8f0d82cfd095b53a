"""The parts of README.md that are made from the program: `uv run python -m tests.readme` writes them anew.

The dialogue is what the channel showed in a run of the lab; the tables come from the registry and the settings.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, SecretStr

import commands
from bot.registry import discover
from bot.settings import (
    ApprovalSettings,
    EvacuationSettings,
    HostSettings,
    HoursSettings,
    LogSettings,
    OperationSettings,
    PolicySettings,
    RuleSettings,
    SlackSettings,
)
from tests.ferry import Ferry

README = Path(__file__).parents[1] / "README.md"
SECTIONS: dict[str, type[BaseModel]] = {
    "slack": SlackSettings,
    "operations": OperationSettings,
    "evacuation": EvacuationSettings,
    "policy": PolicySettings,
    "rules.NAME": RuleSettings,
    "approvals.NAME": ApprovalSettings,
    "hours.NAME": HoursSettings,
    "log": LogSettings,
    "remote and hosts.NAME": HostSettings,
}
# What differs from run to run: times, durations, progress.
_PASSING = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "<time>"),
    (re.compile(r"[▓░]+ +\d+ %"), "<bar>"),
    (re.compile(r"\d+ s\b"), "<seconds>"),
]


def render_commands() -> str:
    lines = ["| command | what it does |", "| --- | --- |"]
    for _, command in sorted(discover(commands).items()):
        usages = "<br>".join(f"`{line}`" for line in command.usage.lines)
        lines.append(f"| {usages} | {command.summary} |")
    return "\n".join(lines)


def render_settings() -> str:
    lines = ["| section | setting | meaning | default |", "| --- | --- | --- | --- |"]
    for section, model in SECTIONS.items():
        for name, field in model.model_fields.items():
            default = "" if field.is_required() else field.get_default(call_default_factory=True)
            lines.append(f"| {section} | `{name}` | {field.description} | {_default(default)} |")
    return "\n".join(lines)


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", None, ()) else ""


def render_dialogue(ferry: Ferry) -> str:
    """A migration as the channel showed it: the offer, one moment of the way, the end."""
    card = ferry.say("migrate VM-01 to host02")
    offer = ferry.text(card)
    ferry.press(card, "Confirm", who="bob")
    ferry.wait_until_ended(card)
    shown = ferry.history(card)
    moving = next(text for text in shown if re.search(r"m-\d+ · running\n.* [1-9]\d* %", text))
    said = [("alice", "migrate VM-01 to host02"), ("Ferry", offer), ("", "bob presses Confirm"), ("Ferry", moving)]
    return "```text\n" + "\n\n".join(_turns([*said, ("Ferry", shown[-1])])) + "\n```"


def _turns(said: list[tuple[str, str]]) -> Iterator[str]:
    for who, text in said:
        first, *rest = text.splitlines()
        yield "\n".join([f"{who:<8}{first}", *(f"{'':<8}{line}" for line in rest)])


def timeless(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, instead in _PASSING:
        text = pattern.sub(instead, text)
    return text


def read_block(name: str) -> str:
    found = re.search(
        rf"<!-- {name}:[^\n]*-->\n(.*?)\n?<!-- /{name} -->", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found, f"README.md has no block {name}"
    return found[1]


def write_block(name: str, content: str) -> None:
    text = README.read_text(encoding="utf-8")
    pattern = rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- /{name} -->)"
    text = re.sub(pattern, lambda match: f"{match[1]}{content}\n{match[2]}", text, flags=re.DOTALL)
    README.write_text(text, encoding="utf-8")


def main() -> None:
    write_block("commands", render_commands())
    write_block("settings", render_settings())
    with tempfile.TemporaryDirectory() as folder, Ferry(Path(folder), speed=1) as ferry:
        write_block("dialogue", render_dialogue(ferry))


if __name__ == "__main__":
    main()
