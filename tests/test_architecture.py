"""The dependency arrows, the layout and the sizes. Edit the tables on purpose, never to make a test pass."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Standard library without clock, network, disk, thread, log, random or environment. `datetime` is here for its types.
PURE = {
    *(
        "__future__",
        "abc",
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "functools",
    ),
    *("hashlib", "heapq", "html", "itertools", "json", "math", "operator", "pathlib.PureWindowsPath", "re"),
    *("functools", "statistics", "string", "textwrap", "types", "typing", "unicodedata", "urllib.parse"),
}
CORE = "bot.core"

# Area -> what of Ferry, and which other libraries, it may import. The longest area that fits a module counts.
ARROWS: dict[str, tuple[set[str], set[str]]] = {
    "bot": (set(), set()),
    "bot.errors": (set(), set()),
    "bot.log": (set(), set()),
    "bot.settings": ({"bot.core.names", "bot.errors", "bot.settings"}, {"pydantic", "pydantic_settings"}),
    "bot.ports": ({CORE}, set()),
    "bot.core": ({CORE, "bot.errors"}, {"pydantic"}),
    "bot.command": ({CORE, "bot.errors"}, set()),
    "bot.registry": ({CORE, "bot.errors", "bot.command"}, set()),
    "bot.dispatch": ({CORE, "bot.errors", "bot.ports", "bot.command", "bot.registry"}, set()),
    "commands": ({CORE, "bot.command"}, set()),
    "bot.operations": (
        {CORE, "bot.errors", "bot.settings", "bot.ports", "bot.operations"},
        {"sqlalchemy", "dbos", "filelock", "pydantic"},
    ),
    "bot.hyperv": (
        {CORE, "bot.errors", "bot.settings", "bot.ports", "bot.hyperv"},
        {"pypsrp", "requests", "urllib3", "requests_credssp", "spnego", "cryptography"} | {"pydantic", "defusedxml"},
    ),
    "bot.slack": (
        {CORE, "bot.errors", "bot.settings", "bot.ports", "bot.slack"},
        {"slack_bolt", "slack_sdk", "pydantic"},
    ),
    "bot.solver": ({CORE, "bot.errors", "bot.solver"}, {"highspy", "numpy"}),
    "bot.audit": ({CORE, "bot.errors", "bot.audit"}, {"sqlite_utils"}),
    "bot.charts": ({CORE, "bot.charts"}, {"matplotlib"}),
    "bot.lab": (
        {CORE, "bot.errors", "bot.lab"},
        {"psrpcore", "spnego", "aiohttp", "cryptography", "defusedxml", "rich", "prompt_toolkit"}
        | {"pydantic", "pydantic_core"},
    ),
    # What the lab's hosts are prepared with is what an administrator would copy to real ones.
    "bot.lab.prepared": ({"bot.lab", "bot.hyperv.jea", "bot.hyperv.cmdlets"}, set()),
    "bot.app": (
        {CORE, "bot.errors", "bot.settings", "bot.ports", "bot.command", "bot.registry", "bot.dispatch"}
        | {"bot.operations", "bot.hyperv", "bot.slack", "bot.audit", "bot.charts", "bot.log", "bot.solver", "commands"},
        set(),
    ),
    "bot.doctor": ({CORE, "bot.errors", "bot.settings", "bot.operations", "bot.hyperv", "bot.slack"}, set()),
    "bot.cli": ({"bot", "commands"}, {"typer", "click", "rich", "prompt_toolkit", "pydantic", "pydantic_settings"}),
    "bot.__main__": ({"bot.cli"}, set()),
}
ASYNC = ("bot.lab",)
BOT = {"__init__", "__main__", "app", "audit", "cli", "command", "dispatch", "errors", "log", "ports", "registry"} | {
    *("settings", "core", "operations", "hyperv", "slack", "lab", "charts", "solver", "doctor")
}
TESTS = {
    "core",
    "commands",
    "contract",
    "end_to_end",
    "crash",
    "benchmarks",
    "hyperv",
    "operations",
    "slack",
    "charts",
    "solver",
    "lab",
    "faults",
    "authentication",
}

LONGEST_MODULE, LONGEST_COMMAND, LONGEST_FUNCTION = 400, 80, 40

FILES = sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "commands").rglob("*.py")])
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or place.is_dir()


def imports(path: Path) -> Iterator[str]:
    """Modules, one by one: `from bot.core import plan` imports `bot.core.plan`; of the standard library, names."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name_of(path)} imports relatively"
            module = node.module or ""
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield full if is_module(full) or module.split(".")[0] in sys.stdlib_module_names else module


def within(name: str, areas: set[str]) -> bool:
    return any(name == area or name.startswith(f"{area}.") for area in areas)


def every(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=name_of)


@every(FILES)
def test_arrows_point_inwards(path: Path) -> None:
    name = name_of(path)
    area = max((area for area in ARROWS if within(name, {area})), key=len)
    ours, libraries = ARROWS[area]
    for imported in imports(path):
        if within(imported, {"bot", "commands", "tests"}):
            assert within(imported, ours), f"{name} must not import {imported}"
        elif imported.split(".")[0] not in sys.stdlib_module_names:
            assert within(imported, libraries), f"{name} must not import {imported}"


@every([path for path in FILES if within(name_of(path), {"bot.core", "commands"})])
def test_core_and_commands_are_pure(path: Path) -> None:
    standard = {name for name in imports(path) if name.split(".")[0] in sys.stdlib_module_names}
    impure = {name for name in standard if not within(name, PURE)}
    assert not impure, f"{name_of(path)} must not import {', '.join(sorted(impure))}"


@every([path for path in FILES if name_of(path).startswith("bot.core.")])
def test_core_does_not_read_the_clock(path: Path) -> None:
    called = {node.attr for node in ast.walk(TREES[path]) if isinstance(node, ast.Attribute)}
    assert not called & {"now", "utcnow", "today"}, f"{name_of(path)}: time comes in as an argument"


@every([path for path in FILES if name_of(path).startswith("commands.")])
def test_a_command_imports_the_command_api_and_at_most_one_planner(path: Path) -> None:
    ours = {name for name in imports(path) if within(name, {"bot", "commands"})}
    assert "bot.command" in ours
    assert len(ours - {"bot.command"}) <= 1, f"{name_of(path)} imports {', '.join(sorted(ours))}"


@every([path for path in FILES if not within(name_of(path), {*ASYNC, "bot.cli"})])
def test_only_the_lab_is_asynchronous(path: Path) -> None:
    assert not any(within(name, {"asyncio"}) for name in imports(path))
    assert not any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(TREES[path]))


@every(FILES)
def test_modules_and_functions_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    longest = LONGEST_COMMAND if name_of(path).startswith("commands.") else LONGEST_MODULE
    assert lines <= longest, f"{name_of(path)} has {lines} lines: split it by concept"
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{name_of(path)}.{node.name} has {length} lines"


@every([path for path in FILES if path.read_text(encoding="utf-8").strip() and path.parent.name != "commands"])
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(TREES[path]), f"{name_of(path)} has no docstring"


@every(FILES)
def test_nothing_outside_the_project_is_referred_to(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "../" + "shared" not in text
    assert "facts/" not in text


def test_the_house_has_the_rooms_of_its_plan() -> None:
    """A module may become a folder of the same name; nothing is added beside them without a reason."""
    assert _entries(ROOT / "bot") <= BOT
    assert {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0] not in "._"} <= TESTS
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"}
    assert packages == {"bot", "commands"}


def test_every_area_of_the_table_is_a_place() -> None:
    """A rule for something that no longer exists, or never did, guards nothing."""
    assert not {area for area in ARROWS if not is_module(area)}


def _entries(folder: Path) -> set[str]:
    packages = {path.name for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    return packages | {path.stem for path in folder.glob("*.py")}
