"""What the settings say of VMs as a whole: tags, ranks, who stays, who keeps apart; and how far hosts may be filled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.core.holds.model import Hold
from bot.core.planner import Limits

FIRST, USUAL, LAST = 0, 1, 2


@dataclass(frozen=True)
class Rules:
    """
    Attributes:
        tags: by name, the names of the VMs that have it; `*` stands for any characters.
        first, last: tags of VMs that move before, or after, the others; and are placed first, or last.
        never: tags of VMs that stay where they are.
        apart: tags whose VMs never share a host.
        processors_per_core: virtual processors of running VMs that a host may have for each of its own.
        failure_budget: after so many failed moves an evacuation pauses by itself.
        locks: of VMs, hosts and folders, as they are now.
    """

    limits: Limits = field(default_factory=Limits)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    processors_per_core: float = 8
    failure_budget: int = 5
    locks: tuple[Hold, ...] = ()

    def tags_of(self, vm_name: str) -> frozenset[str]:
        return frozenset(tag for tag, pattern in self._patterns.items() if pattern.fullmatch(vm_name.casefold()))

    def rank(self, vm_name: str) -> int:
        """A VM that has a tag of both lists is first."""
        tags = self.tags_of(vm_name)
        return FIRST if tags & set(self.first) else LAST if tags & set(self.last) else USUAL

    def keeps_apart(self, vm_name: str) -> frozenset[str]:
        return self.tags_of(vm_name) & set(self.apart)

    def stays(self, vm_name: str) -> str:
        """The tag by which it stays; empty: it may move."""
        return min(self.tags_of(vm_name) & set(self.never), default="")

    @cached_property
    def _patterns(self) -> Mapping[str, re.Pattern[str]]:
        return {
            tag: re.compile("|".join(re.escape(name.casefold()).replace(r"\*", ".*") for name in names) or r"(?!)")
            for tag, names in self.tags.items()
        }
