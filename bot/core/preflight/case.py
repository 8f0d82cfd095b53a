"""One move under examination, and the three ways to say what was found."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.estate import Host, Vm
from bot.core.plan import Finding, Level, Move, MoveKind
from bot.core.wording import render_word


@dataclass(frozen=True)
class Case:
    """What was read of one VM and of both hosts. For a storage migration source and destination are the same host."""

    move: Move
    vm: Vm
    source: Host
    destination: Host
    memory_reserve_bytes: int

    @property
    def vm_word(self) -> str:
        """The VM's name as it would be typed."""
        return render_word(self.vm.name)

    @property
    def crosses_hosts(self) -> bool:
        return self.move.kind is not MoveKind.STORAGE

    @property
    def copies_storage(self) -> bool:
        return self.move.kind is not MoveKind.LIVE


def fine(code: str, text: str) -> Finding:
    return Finding(level=Level.FINE, code=code, text=text)


def warning(code: str, text: str, *, hint: str = "") -> Finding:
    return Finding(level=Level.WARNING, code=code, text=text, hint=hint)


def blocking(code: str, text: str, *, needed: str, hint: str) -> Finding:
    return Finding(level=Level.BLOCKING, code=code, text=text, needed=needed, hint=hint)
