"""Asking Ferry without chat, hosts or a database: policy, grammar, commands and answers are the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.command import Plan, Reply
from bot.core.evacuation import EvacuationPlan
from bot.core.history import Found
from bot.core.host_change import HostPlan
from bot.core.journal import Refusal
from bot.core.later import Calendar
from bot.core.names import UserId
from bot.core.operation import Ask, Place
from bot.core.planner import Limits
from bot.core.policy import Policy, simple
from bot.core.reply import Code, Line, Span, Strong, Text
from bot.core.signal import Anchor, Holding, Signal, Unwatch, Watch
from bot.dispatch import Dispatcher
from bot.errors import Refused
from bot.operations.authority import Authority
from bot.ports import Clock, Evacuations, Hosts, Operations
from bot.registry import Registry

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ALICE, MALLORY = UserId("U0ALICE"), UserId("U0MALLORY")


class FixedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class Tray:
    """A desk that only keeps what it is given."""

    answer: Reply | None = None
    plans: list[tuple[Plan, Ask]] = field(default_factory=list)
    evacuations: list[tuple[EvacuationPlan, Ask]] = field(default_factory=list)
    host_changes: list[tuple[HostPlan, Ask]] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    refusals: list[tuple[Refusal, Ask]] = field(default_factory=list)

    def propose(self, plan: Plan, ask: Ask) -> None:
        self.plans.append((plan, ask))

    def propose_evacuation(self, plan: EvacuationPlan, ask: Ask) -> None:
        self.evacuations.append((plan, ask))

    def propose_host_change(self, plan: HostPlan, ask: Ask) -> None:
        self.host_changes.append((plan, ask))

    def apply(self, signal: Signal, ask: Ask) -> Reply | None:
        self.signals.append(signal)
        if isinstance(signal, Anchor | Holding | Watch | Unwatch):
            return self.answer
        if signal.operation == "m-7" and ask.kind == "button":
            raise Refused("the offer m-7 has ended", hint="plan it again")
        return self.answer

    def retract(self, ask: Ask) -> None:
        raise AssertionError("nobody edits anything here")

    def refuse(self, refusal: Refusal, ask: Ask) -> None:
        self.refusals.append((refusal, ask))


class NoHistory:
    """Nobody has done anything yet."""

    def search(self, what: str, since: datetime | None, most: int) -> Found:
        return Found(deeds=(), total=0)


def make_dispatcher(
    desk: Tray,
    registry: Registry,
    policy: Policy | None = None,
    *,
    # Without hosts no command may look at one: that would end in an incident, as with operations.
    hosts: Hosts | None = None,
    clock: Clock | None = None,
) -> Dispatcher:
    return Dispatcher(
        registry,
        Authority(policy or Policy(rules=simple([ALICE], [ALICE])), FixedClock()),
        cast(Hosts, hosts),
        cast(Operations, None),
        NoHistory(),
        cast(Evacuations, None),
        desk,
        Limits(),
        clock or FixedClock(),
        Calendar(),
        bot_user=lambda: "UFERRY",
        stale_after_s=120,
    )


def said(text: str, actor: UserId = ALICE, kind: str = "message", age_s: float = 1) -> Ask:
    at = NOW - timedelta(seconds=age_s)
    return Ask(
        key=f"T1/C1/{text}",
        text=text,
        actor=actor,
        place=Place(team="T1", channel="C1"),
        at=at,
        received_at=NOW,
        kind=kind,
    )


def plain(line: Line) -> str:
    def one(span: Span) -> str:
        if isinstance(span, Code):
            return f"`{span.text}`"
        return span.text if isinstance(span, Strong) else str(span)

    return "".join(map(one, line))


def text_of(reply: Reply) -> str:
    lines = [plain(reply.title)]
    for part in reply.parts:
        lines += [plain(line) for line in part.lines] if isinstance(part, Text) else []
    return "\n".join(lines)
