"""Whatever the lab's hosts can refuse with, Ferry knows: an entry of the catalogue, and a card with cause and remedy.

What the hosts say of themselves is declared in one module, `bot.lab.world.faults`, and gone through here function by
function. What cmdlets say beside that is read off the places that say it. So a fault that somebody adds to the lab
fails here until the catalogue knows it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.card import render_card
from bot.core.faults import REFUSED_BY_CHECK, UNCLASSIFIED
from bot.core.lifecycle import State
from bot.core.refusal import render_host_error
from bot.core.reply import Quote, Reply, Text
from bot.errors import HostError
from bot.hyperv.answer import Trouble
from bot.hyperv.faults import classify, explain
from bot.lab.cmdlets.finding import record
from bot.lab.engine.errors import PsError
from bot.lab.world import faults
from bot.lab.world.faults import ClusterError, HyperVError
from bot.operations.runner import endings
from tests.asking import plain
from tests.core.rows import ASKED, make_operation

LAB = Path(inspect.getfile(faults)).parents[1]
DECLARED = Path(inspect.getfile(faults))
SAMPLES = {
    "cause": faults.PATH_NOT_FOUND,
    "end": "source",
    "limit": "2",
    "number": "10.0",
    "path": r"\\server01\vmstore\VM-01\VM-01.vhdx",
}

PARTS = {"iso_report", "not_compatible", "IN_USE", "WRONG_STATE"}
"""Of other texts, or of Compare-VM's report, which a card shows as it is: never a failure's own words."""


def samples(function: object) -> list[str]:
    names = inspect.signature(function).parameters  # type: ignore[arg-type]
    return [SAMPLES.get(name, name.upper()) for name in names]


def declared() -> Iterator[tuple[str, HyperVError | ClusterError]]:
    """Everything that the module declares, as a migration would end with it."""
    for name, thing in vars(faults).items():
        if name.startswith("_") or name in PARTS:
            continue
        if inspect.isfunction(thing) and thing.__module__ == faults.__name__:
            thing = thing(*samples(thing)) if "description" not in inspect.signature(thing).parameters else None
        if isinstance(thing, str) and (name.isupper() or name.islower()):
            thing = faults.at_source("VM-01", "ID", "HOST01", thing)
        if isinstance(thing, HyperVError | ClusterError):
            yield name, thing


def trouble(error: PsError, cmdlet: str) -> Trouble:
    """As `bot.hyperv.answer` reads it off the record."""
    return Trouble(error.identifier, int(error.category), error.target or "", cmdlet, error.message)


def said(error: HyperVError | ClusterError) -> Trouble:
    if isinstance(error, HyperVError):
        return trouble(record(error, "MoveVM"), "Move-VM")
    cmdlet = "Move-ClusterVirtualMachineRole"
    return trouble(PsError(str(error), f"{cmdlet},MoveClusterVirtualMachineRoleCommand"), cmdlet)


def text_of(reply: Reply) -> str:
    lines = [plain(reply.title)]
    for part in reply.parts:
        if isinstance(part, Text):
            lines += map(plain, part.lines)
        elif isinstance(part, Quote):
            lines.append(part.text)
    return "\n".join(lines).replace("`", "")


def assert_told(error: HostError) -> None:
    """Both on the card of an operation that failed by it and in the answer to a command that it ended."""
    outcome = endings.refused(make_operation(State.RUNNING), error)
    card = text_of(render_card(make_operation(State.FAILED, outcome=outcome), ASKED))
    answer = text_of(render_host_error(error))
    for shown in (card, answer):
        assert error.cause in shown
        assert error.hint.replace("`", "") in shown
        assert error.words in shown


DECLARATIONS = dict(declared())


@pytest.mark.parametrize("name", DECLARATIONS)
def test_every_fault_of_the_hosts_ends_in_a_card_with_its_remedy(name: str) -> None:
    found = said(DECLARATIONS[name])
    known, _ = classify(found)

    assert known not in (UNCLASSIFIED, REFUSED_BY_CHECK), found
    assert_told(explain("host01", "the live migration of VM-01 to host02", found))


def test_nothing_else_in_the_lab_makes_such_faults() -> None:
    makers = {"HyperVError", "ClusterError"}
    elsewhere = [
        f"{path.name}:{node.lineno}"
        for path in LAB.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in makers and path != DECLARED
    ]
    assert elsewhere == []


# What cmdlets say beside that

RAISING = {
    "PsError": (0, 1, ""),
    "cluster_error": (0, 1, ""),
    "_wmi_error": (0, 1, "HRESULT "),
    "_thrown": (0, 0, ""),
    "_refused": (2, 3, "ParameterArgumentValidationError"),
}
"""What makes an error record in the lab: which argument is its words, which its identifier, and what leads that."""

MAKERS = {"record", "cluster_error", "_wmi_error", "_thrown", "_refused"}
"""Functions that make one of what they are given: it is read off where they are called, or declared as above."""

OWN = {"LabInternalError"}
"""Of the lab's own mistakes: no host says it."""


def literal(node: ast.expr, inside: ast.AST) -> str:
    """The text as it stands there, with "x" for what is filled in; of a variable, what it is set to in the function."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "x" for one in node.values)
    for other in ast.walk(inside):
        if isinstance(other, ast.Assign) and ast.unparse(other.targets[0]) == ast.unparse(node):
            return literal(other.value, inside)
    return "x"


def spoken() -> Iterator[tuple[str, Trouble]]:
    for path in sorted(LAB.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        for function in (one for one in functions if one.name not in MAKERS):
            calls = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
            for call in (one for one in calls if ast.unparse(one.func) in RAISING):
                words, code, lead = RAISING[ast.unparse(call.func)]
                if ast.unparse(call.args[words]) in ("str(error)", "error.message"):
                    continue  # one of those that are declared
                identifier = lead + literal(call.args[code], function)
                found = Trouble(identifier, 0, "", "", literal(call.args[words], function))
                if found.identifier not in OWN:
                    yield f"{path.relative_to(LAB).as_posix()} {found.identifier[:60]} {found.words[:30]}", found


SPOKEN = dict(spoken())


@pytest.mark.parametrize("where", SPOKEN)
def test_every_error_of_a_cmdlet_is_known(where: str) -> None:
    assert classify(SPOKEN[where])[0] is not UNCLASSIFIED, SPOKEN[where]
    assert_told(explain("host01", "reading its settings", SPOKEN[where]))


def test_no_place_was_passed_over() -> None:
    """A handful of what is known to be said there: if reading it off ever fails, nothing would be checked above."""
    codes = {found.identifier for found in SPOKEN.values()}
    assert codes >= {"ScriptsNotAllowed", "HRESULT 0x8004100e", "ParameterArgumentValidationErrorNullNotAllowed"}
    assert {"no_credentials", "APART", "DISK_FULL"} <= DECLARATIONS.keys()
