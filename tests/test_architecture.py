"""The dependency arrows, the layout and the sizes. Edit the tables on purpose, never to make a test pass."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

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
    "bot.command": ({CORE, "bot.errors", "bot.ports"}, set()),
    "bot.registry": ({CORE, "bot.errors", "bot.command"}, set()),
    "bot.dispatch": ({CORE, "bot.errors", "bot.ports", "bot.command", "bot.registry"}, set()),
    "bot.forms": ({CORE, "bot.command", "bot.registry"}, set()),
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
    "bot.slack.kit": ({"bot.slack.kit"}, {"pydantic", "pydantic_core"}),
    "bot.solver": ({CORE, "bot.errors", "bot.solver"}, {"highspy", "numpy"}),
    "bot.audit": ({CORE, "bot.errors", "bot.audit"}, {"sqlite_utils"}),
    "bot.charts": ({CORE, "bot.charts"}, {"matplotlib"}),
    "bot.lab": (
        {CORE, "bot.errors", "bot.lab"},
        {"psrpcore", "spnego", "aiohttp", "cryptography", "defusedxml", "rich", "prompt_toolkit"}
        | {"pydantic", "pydantic_core"},
    ),
    # What Slack takes is decided in one place, so that the stand-in refuses exactly what Ferry does not send.
    "bot.lab.slack": (
        {CORE, "bot.errors", "bot.lab", "bot.slack.kit"},
        {"aiohttp", "rich", "pydantic", "pydantic_core"},
    ),
    # What the lab's hosts are prepared with is what an administrator would copy to real ones.
    "bot.lab.prepared": ({"bot.lab", "bot.hyperv.jea", "bot.hyperv.cmdlets"}, set()),
    "bot.app": (
        {CORE, "bot.errors", "bot.settings", "bot.ports", "bot.command", "bot.registry", "bot.dispatch"}
        | {"bot.forms"}
        | {"bot.operations", "bot.hyperv", "bot.slack", "bot.audit", "bot.charts", "bot.log", "bot.solver", "commands"},
        set(),
    ),
    "bot.doctor": ({CORE, "bot.errors", "bot.settings", "bot.operations", "bot.hyperv", "bot.slack"}, set()),
    "bot.cli": ({"bot", "commands"}, {"typer", "click", "rich", "prompt_toolkit", "pydantic", "pydantic_settings"}),
    "bot.__main__": ({"bot.cli"}, set()),
}
ASYNC = ("bot.lab",)
BOT = {"__init__", "__main__", "app", "audit", "cli", "command", "dispatch", "errors", "forms", "log", "ports"} | {
    *("registry", "settings", "core", "operations", "hyperv", "slack", "lab", "charts", "solver", "doctor")
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


@dataclass(frozen=True)
class Module:
    path: Path

    @cached_property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[str]:
        """Modules, one by one: `from bot.core import plan` imports `bot.core.plan`; of the standard library, names."""
        plain = [alias.name for node in self.nodes if isinstance(node, ast.Import) for alias in node.names]
        froms = [node for node in self.nodes if isinstance(node, ast.ImportFrom)]
        return plain + [_imported(node.module or "", alias.name) for node in froms for alias in node.names]

    @property
    def is_command(self) -> bool:
        return self.name.startswith("commands.")


def _imported(module: str, name: str) -> str:
    full = f"{module}.{name}"
    return full if is_module(full) or is_standard(module) else module


@cache
def modules() -> list[Module]:
    return [Module(path) for path in FILES]


@cache
def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or place.is_dir()


def is_standard(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names


def within(name: str, areas: set[str]) -> bool:
    return any(name == area or name.startswith(f"{area}.") for area in areas)


def none_of(complaints: Iterable[str]) -> None:
    """Every complaint is told, not only the first."""
    told = sorted(complaints)
    assert not told, "\n" + "\n".join(told)


def test_arrows_point_inwards() -> None:
    def forbidden(module: Module) -> Iterator[str]:
        area = max((area for area in ARROWS if within(module.name, {area})), key=len)
        ours, libraries = ARROWS[area]
        for name in module.imports:
            allowed = ours if within(name, {"bot", "commands", "tests"}) else libraries
            if not is_standard(name) and not within(name, allowed):
                yield f"{module.name} must not import {name}"

    none_of(complaint for module in modules() for complaint in forbidden(module))


def test_nothing_is_imported_relatively() -> None:
    none_of(
        f"{module.name}, line {node.lineno}"
        for module in modules()
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.level
    )


def test_core_and_commands_are_pure() -> None:
    none_of(
        f"{module.name} must not import {name}"
        for module in modules()
        if within(module.name, {"bot.core", "commands"})
        for name in module.imports
        if is_standard(name) and not within(name, PURE)
    )


def test_core_does_not_read_the_clock() -> None:
    none_of(
        f"{module.name}, line {node.lineno}: time comes in as an argument"
        for module in modules()
        if module.name.startswith("bot.core.")
        for node in module.nodes
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
    )


def test_a_command_imports_the_command_api_and_at_most_one_planner() -> None:
    ours = {
        module.name: {name for name in module.imports if within(name, {"bot", "commands"})}
        for module in modules()
        if module.is_command
    }
    none_of(name for name, imported in ours.items() if "bot.command" not in imported or len(imported) > 2)


def test_only_the_lab_is_asynchronous() -> None:
    none_of(
        module.name
        for module in modules()
        if not within(module.name, {*ASYNC, "bot.cli"})
        if any(within(name, {"asyncio"}) for name in module.imports)
        or any(isinstance(node, ast.AsyncFunctionDef) for node in module.nodes)
    )


def test_modules_stay_small() -> None:
    none_of(
        f"{module.name} has {lines} lines: split it by concept"
        for module in modules()
        if (lines := len(module.text.splitlines())) > (LONGEST_COMMAND if module.is_command else LONGEST_MODULE)
    )


def test_functions_stay_small() -> None:
    none_of(
        f"{module.name}.{node.name} has {lines} lines"
        for module in modules()
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    )


def test_every_module_says_what_it_is() -> None:
    none_of(
        f"{module.name} has no docstring"
        for module in modules()
        if module.text.strip() and not module.is_command and not ast.get_docstring(module.tree)
    )


def test_nothing_outside_the_project_is_referred_to() -> None:
    none_of(module.name for module in modules() if "../" + "shared" in module.text or "facts/" in module.text)


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
