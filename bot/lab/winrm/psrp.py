"""psrpcore's server half of PSRP, with the faults of release 0.3.1 mended; each is named where it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from psrpcore import (
    ConnectRunspacePoolEvent,
    PSRPEvent,
    ServerPipeline,
    ServerRunspacePool,
    SessionCapabilityEvent,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
)
from psrpcore._payload import PSRPMessage
from psrpcore.types import (
    ApplicationPrivateData,
    ErrorCategoryInfo,
    ErrorDetails,
    ErrorRecord,
    InvocationInfo,
    NETException,
    PSInvocationState,
    PSObject,
    PSRPMessageType,
    PSVersion,
    RunspacePoolInitData,
    RunspacePoolState,
    _serializer,
)

_look_up_property = PSObject.__getattribute__


def _look_up(self: PSObject, name: str) -> Any:
    """psrpcore gathers an object's properties at every access, and then takes the plain attribute all the same: a
    seventh of the lab's whole work. Here they are gathered only where no plain attribute has that name."""
    if name != "__dict__":
        try:
            return object.__getattribute__(self, name)
        except AttributeError:
            pass
    return _look_up_property(self, name)


PSObject.__getattribute__ = _look_up  # type: ignore[method-assign]

# The same names and words are written again and again, and each is searched twice for what has to be escaped.
_serializer._serialize_string = lru_cache(maxsize=20_000)(_serializer._serialize_string)

_read: dict[bytes, object] = {}
_MOST_READ = 1000
_FRAGMENT_HEADER_BYTES = 21  # MS-PSRP 2.2.4: object id 8, fragment id 8, flags 1, length 4
_ENDED = frozenset({PSInvocationState.Completed, PSInvocationState.Stopped, PSInvocationState.Failed})


def windows_versions() -> dict[str, object]:
    """$PSVersionTable of Windows Server 2022."""
    return {
        "PSVersion": PSVersion("5.1.20348.2849"),
        "PSEdition": "Desktop",
        "CLRVersion": PSVersion("4.0.30319.42000"),
        "BuildVersion": PSVersion("10.0.20348.2849"),
        "WSManStackVersion": PSVersion("3.0"),
    }


def split_fragments(data: bytes) -> list[bytes]:
    """psrpcore joins the fragments of several messages; Windows sends one fragment per Stream element."""
    fragments = []
    start = 0
    while start < len(data):
        length_at = start + _FRAGMENT_HEADER_BYTES - 4
        end = start + _FRAGMENT_HEADER_BYTES + int.from_bytes(data[length_at : length_at + 4], "big")
        fragments.append(data[start:end])
        start = end
    return fragments


class RunspacePool(ServerRunspacePool):
    """The server's view of a runspace pool."""

    def __init__(self) -> None:
        super().__init__(application_private_data={"PSVersionTable": windows_versions()})

    def leave(self) -> None:
        """The client is gone; what runs goes on."""
        if self.state == RunspacePoolState.Opened:
            self.disconnect()

    def resume(self) -> None:
        """The same client is back. psrpcore's reconnect() would tell it RUNSPACEPOOL_STATE, which Windows does not."""
        if self.state == RunspacePoolState.Disconnected:
            self._change_state(RunspacePoolState.Opened, emit=False)

    def connect(self) -> None:
        """Another client comes. psrpcore starts counting object ids from 1 again; on Windows they go on rising."""
        counted = self._fragment_count
        super().connect()
        self._fragment_count = counted

    def _process_message(self, message: PSRPMessage) -> Any:
        """Reading what a client wants run is a fifth of the lab's work, and clients ask the same again and again: what
        was read before is used again, since nobody changes it. But for secrets, which are each session's own."""
        data = bytes(message.data)
        if message.message_type is not PSRPMessageType.CreatePipeline or b"<SS" in data:
            return super()._process_message(message)
        wanted = _read.get(data)
        if wanted is None:
            event = super()._process_message(message)
            if len(_read) >= _MOST_READ:
                _read.clear()
            _read[data] = event._ps_object
            return event
        known: Any = PSRPEvent.create(message.message_type, wanted, message.runspace_pool_id, message.pipeline_id)
        self._process_CreatePipeline(known)
        return known

    def call_id(self, event: SetMaxRunspacesEvent | SetMinRunspacesEvent) -> int:
        """psrpcore looks for "ci", but these two messages spell it "CI" (MS-PSRP 2.2.2.6 and 2.2.2.7)."""
        return int(event._ps_object.CI)

    def _process_SetMaxRunspaces(self, event: SetMaxRunspacesEvent) -> None:  # noqa: N802 - psrpcore's name
        self._ci_events[self.call_id(event)] = event
        self._ci_handlers[self.call_id(event)] = lambda _: setattr(self, "_max_runspaces", event.count)

    def _process_SetMinRunspaces(self, event: SetMinRunspacesEvent) -> None:  # noqa: N802 - psrpcore's name
        self._ci_events[self.call_id(event)] = event
        self._ci_handlers[self.call_id(event)] = lambda _: setattr(self, "_min_runspaces", event.count)

    def _process_SessionCapability(self, event: SessionCapabilityEvent) -> None:  # noqa: N802 - psrpcore's name
        """psrpcore does not answer the capability of a connecting client; Windows does."""
        super()._process_SessionCapability(event)
        if self.state == RunspacePoolState.Connecting:
            self.prepare_message(self.our_capability)

    def _process_ConnectRunspacePool(self, event: ConnectRunspacePoolEvent) -> None:  # noqa: N802 - psrpcore's name
        """psrpcore ends this with RUNSPACEPOOL_STATE, which Windows does not send here."""
        self._max_runspaces = event.max_runspaces or self.max_runspaces
        self._min_runspaces = event.min_runspaces or self.min_runspaces
        self.prepare_message(RunspacePoolInitData(MinRunspaces=self.min_runspaces, MaxRunspaces=self.max_runspaces))
        self.prepare_message(ApplicationPrivateData(ApplicationPrivateData=self.application_private_data))
        self._change_state(RunspacePoolState.Opened, emit=False)


class _CategoryInfo(ErrorCategoryInfo):
    """Renders as Windows does; psrpcore leaves out the colon after the category."""

    def __str__(self) -> str:
        return (
            f"{self.Category.name}: ({self.TargetName or ''}:{self.TargetType or ''}) "
            f"[{self.Activity or ''}], {self.Reason or ''}"
        )


def _as_on_windows(info: ErrorCategoryInfo) -> _CategoryInfo:
    return _CategoryInfo(
        Category=info.Category,
        Activity=info.Activity,
        Reason=info.Reason,
        TargetName=info.TargetName,
        TargetType=info.TargetType,
    )


class Pipeline(ServerPipeline):
    """The server's view of a pipeline."""

    @property
    def ended(self) -> bool:
        return self.state in _ENDED

    def begin(self) -> None:
        """Windows does not tell the client that a pipeline runs; psrpcore's start() does."""
        self._change_state(PSInvocationState.Running, emit=False)

    def fail(self, error: ErrorRecord) -> None:
        """End with a terminating error; psrpcore has no public way."""
        self._change_state(PSInvocationState.Failed, error=error)

    def write_error(
        self,
        exception: NETException,
        category_info: ErrorCategoryInfo | None = None,
        target_object: object = None,
        fully_qualified_error_id: str | None = None,
        error_details: ErrorDetails | None = None,
        invocation_info: InvocationInfo | None = None,
        pipeline_iteration_info: list[int] | None = None,
        script_stack_trace: str | None = None,
    ) -> None:
        super().write_error(
            exception,
            _as_on_windows(category_info or ErrorCategoryInfo()),
            target_object,
            fully_qualified_error_id,
            error_details,
            invocation_info,
            pipeline_iteration_info,
            script_stack_trace,
        )

    def _change_state(self, state: PSInvocationState, error: ErrorRecord | None = None, emit: bool = True) -> None:
        if error is not None:
            error.CategoryInfo = _as_on_windows(error.CategoryInfo)
        super()._change_state(state, error, emit)
