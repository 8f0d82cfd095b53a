"""The other half of the endpoint in these tests: reads a pipeline's commands and writes its streams with psrpcore."""

from __future__ import annotations

import asyncio
import threading

from psrpcore import PowerShell as PSRPPipeline
from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException

from bot.lab.winrm import Command, Visible

KIB = 1024


class Terminating(Exception):
    def __init__(self, error_id: str, message: str) -> None:
        super().__init__(message)
        self.error_id = error_id


class Cmdlets:
    """Cmdlets of a few lines each, and the events by which a test and a cmdlet wait for each other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open = asyncio.Event()
        self.waiting = threading.Event()
        self.stopped = threading.Event()
        self.written = 0
        self.wrote = threading.Condition()

    def open_gate(self) -> None:
        self._loop.call_soon_threadsafe(self._open.set)

    async def run(self, command: Command, user: str, visible: Visible) -> None:
        try:
            await self._run_all(command, user, visible)
            command.pipeline.complete()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        except Terminating as error:
            command.pipeline.fail(ErrorRecord(*_error(error), FullyQualifiedErrorId=error.error_id))

    async def _run_all(self, command: Command, user: str, visible: Visible) -> None:
        pipeline = command.pipeline.metadata
        assert isinstance(pipeline, PSRPPipeline)
        for item in pipeline.commands:
            name = str(item.command_text)
            if visible is not None and name not in visible:
                raise Terminating("CommandNotFoundException", f"The term '{name}' is not recognized")
            arguments = {str(key).lstrip("-"): value for key, value in item.parameters}
            await getattr(self, name.replace("-", "_").lower())(command, user, **arguments)

    async def write_text(self, command: Command, user: str, Text: str, Count: int = 1) -> None:  # noqa: N803
        for _ in range(Count):
            command.pipeline.write_output(Text)
            await command.flush()

    async def get_user(self, command: Command, user: str) -> None:
        command.pipeline.write_output(user)

    async def find_item(self, command: Command, user: str, Name: str, ErrorAction: object = "") -> None:  # noqa: N803
        error = Terminating("InvalidParameter,FindItem", f'unable to find "{Name}"')
        if ErrorAction == "Stop":
            raise error
        exception, info = _error(error)
        command.pipeline.write_error(exception, info, Name, error.error_id)

    async def move_item(self, command: Command, user: str) -> None:
        """Ten percent, then as far as the gate, then done."""
        command.pipeline.write_progress("Moving", 0, "10% complete", percent_complete=10)
        await command.flush()
        self.waiting.set()
        await self._open.wait()
        command.pipeline.write_progress("Moving", 0, "100% complete", percent_complete=100)
        await command.flush()
        command.pipeline.write_output("moved")

    async def write_much(self, command: Command, user: str, Count: int) -> None:  # noqa: N803
        for number in range(Count):
            with self.wrote:
                self.written += 1
                self.wrote.notify_all()
            command.pipeline.write_output(f"{number} " + "x" * 10 * KIB)
            await command.flush()

    async def break_down(self, command: Command, user: str) -> None:
        raise ZeroDivisionError("a bug in a cmdlet")


def _error(error: Terminating) -> tuple[NETException, ErrorCategoryInfo]:
    category = ErrorCategoryInfo(
        Category=ErrorCategory.InvalidArgument, Activity="Find-Item", Reason="ItemException", TargetName="x"
    )
    return NETException(Message=str(error), HResult=-2146233087), category
