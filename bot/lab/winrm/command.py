"""One command of a shell: a pipeline on its way through the runner."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException

from bot.lab.winrm.outbox import Outbox
from bot.lab.winrm.psrp import Pipeline

if TYPE_CHECKING:
    from bot.lab.winrm.shell import Shell

log = logging.getLogger(__name__)

Visible = Any
"""What a session configuration shows, in the runner's terms; an endpoint only hands it on."""

Run = Callable[["Command", str, Visible], Awaitable[None]]
"""Carries out a command for a user: reads `command.pipeline.metadata`, writes to `command.pipeline`, awaits
`command.flush()` after each write, and ends the pipeline (complete, stop or fail). It is cancelled to stop it."""

_BURST_S = 0.005  # a burst of objects leaves in few answers, yet progress is seen at once
_STOP_S = 30.0


class Command:
    """A pipeline and what it has written.

    Attributes:
        id: the CommandId, which is also the pipeline's id.
        pipeline: psrpcore's server side of it.
    """

    def __init__(self, shell: Shell, command_id: uuid.UUID, buffer_bytes: int) -> None:
        self.id = command_id
        self.pipeline = Pipeline(shell.pool, command_id)
        self.outbox = Outbox(buffer_bytes)
        self._shell = shell
        self._task: asyncio.Task[None] | None = None
        self._gave_way_at = 0.0

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def flush(self) -> None:
        """Hand what was written to the client; waits while the client's buffer is full."""
        self._shell.pump()
        if await self.outbox.room() or time.monotonic() - self._gave_way_at > _BURST_S:
            await asyncio.sleep(0)
            self._gave_way_at = time.monotonic()

    def start(self, run: Run) -> asyncio.Task[None]:
        self._gave_way_at = time.monotonic()
        self._task = asyncio.create_task(self._carry_out(run))
        return self._task

    async def _carry_out(self, run: Run) -> None:
        try:
            async with self._shell.runspace():
                self.pipeline.begin()
                await run(self, self._shell.owner, self._shell.visible)
                if not self.pipeline.ended:
                    self.pipeline.complete()
        except asyncio.CancelledError:
            self._end_stopped()
        except Exception as error:
            log.exception("runner_crashed command=%s", self.id)
            self.fail("LabInternalError", f"{type(error).__name__}: {error}")
        finally:
            self._finish()

    def _end_stopped(self) -> None:
        if not self.pipeline.ended:
            self.pipeline.begin()  # it may have been stopped while it waited for a runspace
            self.pipeline.stop()

    def _finish(self) -> None:
        self._shell.pump()
        self.outbox.finish()

    def fail(self, error_id: str, message: str) -> None:
        """End the pipeline with a terminating error of the endpoint's own, unless it has ended."""
        if self.pipeline.ended:
            return
        self.pipeline.fail(
            ErrorRecord(
                Exception=NETException(Message=message, HResult=-2146233087),  # COR_E_EXCEPTION, 0x80131501
                CategoryInfo=ErrorCategoryInfo(Category=ErrorCategory.NotSpecified, Reason="RuntimeException"),
                FullyQualifiedErrorId=error_id,
            )
        )

    async def stop(self) -> None:
        """Cancel the runner and wait until the pipeline has ended. Idempotent."""
        if self._task is not None and self.running:
            self._task.cancel()
            done, _ = await asyncio.wait([self._task], timeout=_STOP_S)
            if done and not self.pipeline.ended:  # cancelled before its first step
                self._end_stopped()
                self._finish()
