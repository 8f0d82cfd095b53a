"""Running a client's pipeline: statements, cmdlets chained by value, streams, errors and stopping.

Not here: what a role shows and allows (`bot.lab.jea`).

Facts:
1. NoLanguage: a command that is script text is refused before anything runs (ScriptsNotAllowed; PowerShell source,
   ServerRunspacePoolDriver).
2. In a pipeline of several statements an error that ends one statement is written to the error stream and the next
   statement runs, unless ErrorAction was Stop (PowerShell source, PowerShell.CoreInvoke for batches). With a single
   statement the pipeline itself becomes Failed.
3. A pipeline may end Completed with error records written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from psrpcore.types import ProgressRecordType, PSInvocationState

from bot.lab.engine.binding import (
    Binding,
    bind_command,
    bind_input,
    check_before_input,
    complete,
)
from bot.lab.engine.errors import SMA, Category, PsError
from bot.lab.engine.parameters import Cmdlet
from bot.lab.engine.wire import error_parts, error_record, from_wire, to_wire

log = logging.getLogger(__name__)


class Machine(Protocol):
    """A machine whose cmdlets are run."""

    def cmdlet(self, name: str) -> Cmdlet | None:
        """The cmdlet of that name, upper and lower case alike."""


class Role(Protocol):
    """What a session configuration shows of a machine."""

    def cmdlet(self, machine: Machine, name: str) -> Cmdlet | None:
        """What a client gets who calls this name; None if the session shows no such command."""


Visible = Role | None
"""None shows everything."""


class Command(Protocol):
    """A WinRM command that holds a psrpcore ServerPipeline in state Running."""

    @property
    def pipeline(self) -> Any: ...

    async def flush(self) -> None:
        """Hand over what the pipeline wrote; may wait while the client does not read."""


@dataclass(frozen=True)
class Arguments:
    """What one input object (or the command alone) gives a cmdlet: values by parameter name, absent ones None."""

    values: Mapping[str, Any]
    set: str

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.values


Records = AsyncIterator[Arguments]


@dataclass
class Session:
    """What a running cmdlet sees of its surroundings, and the streams it writes to."""

    command: Command
    machine: Any
    user: str
    cmdlet: Cmdlet
    common: Mapping[str, Any] = field(default_factory=dict)
    visible: Visible = None

    def shown(self, name: str) -> Cmdlet | None:
        """What a client finds under a name in this session."""
        return _shown(name, self.machine, self.visible)

    @property
    def what_if(self) -> bool:
        return bool(self.common.get("WhatIf"))

    async def error(self, error: PsError) -> None:
        """Write a non-terminating error, which ErrorAction may turn into a terminating one or into nothing."""
        action = self.common.get("ErrorAction", "Continue")
        error.activity = error.activity or self.cmdlet.name
        if action == "Stop":
            error.stops = True
            raise error
        if action in ("SilentlyContinue", "Ignore"):
            return
        _write_error(self.command.pipeline, error)
        await self.command.flush()

    async def warning(self, text: str) -> None:
        if self.common.get("WarningAction", "Continue") not in ("SilentlyContinue", "Ignore"):
            self.command.pipeline.write_warning(text)
            await self.command.flush()

    async def progress(self, activity: str, percent: int, *, done: bool = False) -> None:
        """A progress record as the Hyper-V cmdlets write it: activity id 0, no time left given."""
        self.command.pipeline.write_progress(
            activity,
            0,
            f"{percent}% complete",
            percent_complete=percent,
            record_type=ProgressRecordType.Completed if done else ProgressRecordType.Processing,
        )
        await self.command.flush()

    async def confirm(self, *, high_impact: bool, forced: bool) -> None:
        """Refuse where a cmdlet would ask the person at the console: a remote client without one cannot answer."""
        asked = self.common.get("Confirm")
        if asked or (high_impact and asked is None and not forced):
            raise PsError(
                "A command that prompts the user failed because the host program or the command type does not support "
                "user interaction. The host was attempting to request confirmation.",
                f"PromptForChoice,{self.cmdlet.type}",  # assumed identifier
                Category.NotImplemented,
                (SMA + "Host.HostException", SMA + "RuntimeException", "System.SystemException", "System.Exception"),
            )


async def run(command: Command, machine: Machine, user: str, visible: Visible) -> None:
    """Run a CREATE_PIPELINE to its end and set its final state. Cancelling the task stops the pipeline."""
    pipeline = command.pipeline
    try:
        statements = _statements(pipeline.metadata.commands)
        _refuse_scripts(statements)
        for statement in statements:
            try:
                await _run_statement(statement, command, machine, user, visible)
            except PsError as error:
                if error.stops or len(statements) == 1:
                    raise
                _write_error(pipeline, error)
                await command.flush()
        pipeline.complete()
    except asyncio.CancelledError:
        pipeline.stop()
    except PsError as error:
        _fail(pipeline, error)
    except Exception as error:  # the lab's own bug: the client must see an end, the log the reason
        log.exception("a simulated cmdlet broke down")
        _fail(pipeline, PsError(f"{type(error).__name__}: {error}", "LabInternalError"))


def _fail(pipeline: Any, error: PsError) -> None:
    pipeline._change_state(PSInvocationState.Failed, error=error_record(error))


def _write_error(pipeline: Any, error: PsError) -> None:
    exception, category = error_parts(error)
    pipeline.write_error(
        exception,
        category_info=category,
        target_object=error.target,
        fully_qualified_error_id=error.identifier,
    )


def _statements(commands: Iterable[Any]) -> list[list[Any]]:
    statements: list[list[Any]] = [[]]
    for command in commands:
        statements[-1].append(command)
        if command.end_of_statement:
            statements.append([])
    return [statement for statement in statements if statement]


def _refuse_scripts(statements: list[list[Any]]) -> None:
    if any(command.is_script for statement in statements for command in statement):
        raise PsError(
            "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode.",
            "ScriptsNotAllowed",
            Category.ParserError,
            (SMA + "ParseException", SMA + "RuntimeException", "System.SystemException", "System.Exception"),
        )


async def _run_statement(statement: list[Any], command: Command, machine: Machine, user: str, visible: Visible) -> None:
    stages = [_prepare(item, machine, visible) for item in statement]
    stream: AsyncIterator[object] | None = None
    for binding in stages:
        session = Session(command, machine, user, binding.cmdlet, binding.common, visible)
        stream = _named_errors(binding.cmdlet, binding.cmdlet.run(session, _records(session, binding, stream)))
    assert stream is not None
    async for item in stream:
        command.pipeline.write_output(to_wire(item))
        await command.flush()


def _prepare(item: Any, machine: Machine, visible: Visible) -> Binding:
    name = str(item.command_text)
    cmdlet = _shown(name, machine, visible)
    if cmdlet is None:
        raise PsError(
            f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
            "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
            "CommandNotFoundException",
            Category.ObjectNotFound,
            (SMA + "CommandNotFoundException", SMA + "RuntimeException", "System.SystemException", "System.Exception"),
            target=name,
        )
    try:
        return bind_command(cmdlet, [(key, from_wire(value)) for key, value in item.parameters])
    except PsError as error:
        error.activity = error.activity or cmdlet.name
        raise


def _shown(name: str, machine: Machine, visible: Visible) -> Cmdlet | None:
    return visible.cmdlet(machine, name) if visible else machine.cmdlet(name.rsplit("\\", 1)[-1])


async def _records(session: Session, binding: Binding, stream: AsyncIterator[object] | None) -> Records:
    if stream is None:
        chosen = complete(binding)
        yield Arguments(binding.bound, chosen)
        return
    check_before_input(binding)
    async for item in stream:
        try:
            values, chosen = bind_input(binding, item)
        except PsError as error:
            await session.error(error)
            continue
        yield Arguments(values, chosen)


async def _named_errors(cmdlet: Cmdlet, stream: AsyncIterator[object]) -> AsyncIterator[object]:
    """Give errors that end a statement the name of the cmdlet they came from."""
    try:
        async for item in stream:
            yield item
    except PsError as error:
        error.activity = error.activity or cmdlet.name
        raise
