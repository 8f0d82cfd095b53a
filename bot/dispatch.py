"""What a person said, answered: policy, grammar, command. The only place that turns exceptions into chat text.

UsageError   the typist's: only to them
Refused      nobody's, rules or state say no: saw, needed, what to type
HostError    a host's: which, doing what, its own words, what to do
other        ours: an incident id, and the traceback in the log under that id
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Protocol, TypeVar

from bot.command import Answer, Command, Context
from bot.core.evacuation import EvacuationPlan
from bot.core.evacuation.offered import render_preview
from bot.core.grammar import Arguments, Ending, Word, normalise, split
from bot.core.host_change import HostPlan
from bot.core.journal import Refusal
from bot.core.later import Calendar
from bot.core.names import UserId
from bot.core.operation import Ask
from bot.core.plan import Plan
from bot.core.planner import Limits
from bot.core.policy import AnyPlan, Verdict
from bot.core.refusal import render_blocked, render_host_error, render_incident, render_refused, render_usage
from bot.core.reply import Interim, Reply
from bot.core.signal import Agreement, Cancel, Close, Pause, Resume, Signal
from bot.core.wording import render_duration
from bot.errors import HostError, Misnamed, Refused, UsageError
from bot.ports import Clock, Evacuations, History, Hosts, Operations
from bot.registry import NotACommand, Registry, find

log = logging.getLogger(__name__)

T = TypeVar("T")

Wish = Callable[[], tuple[str, Mapping[str, object]]]
"""A command in Ferry's own spelling, and its arguments."""

UNKNOWN_ACTION = "unknown"
"""What policy is asked about when the text is no command: a stranger learns nothing about what would be one."""


class Desk(Protocol):
    """Where plans and signals go. Both are idempotent by the ask's key."""

    def propose(self, plan: Plan, ask: Ask) -> object: ...

    def propose_evacuation(self, plan: EvacuationPlan, ask: Ask) -> object: ...

    def propose_host_change(self, plan: HostPlan, ask: Ask) -> object: ...

    def has_offered(self, ask: Ask) -> bool:
        """Whether this ask has made an offer before."""

    def apply(self, signal: Signal, ask: Ask) -> Reply | None:
        """None: the operation's updated card is the answer. Raises Refused."""

    def retract(self, ask: Ask) -> None:
        """The message of that key was edited or deleted: its offer ends, if it is still one."""

    def refuse(self, refusal: Refusal, ask: Ask) -> None:
        """Keep who was refused what."""


class Authority(Protocol):
    """Who may do what. Answers at once."""

    @property
    def zone(self) -> tzinfo:
        """That times of day are in which people say."""

    def decide(self, actor: UserId, channel: str, action: str, plan: AnyPlan | None = None) -> Verdict: ...

    def why(self, actor: UserId, channel: str, command: str, action: str, plan: AnyPlan | None) -> Reply: ...


class Dispatcher:
    """Holds no state of its own; safe to call from any thread. `answer` may wait for hosts."""

    def __init__(
        self,
        registry: Registry,
        authority: Authority,
        hosts: Hosts,
        operations: Operations,
        history: History,
        evacuations: Evacuations,
        desk: Desk,
        limits: Limits,
        clock: Clock,
        calendar: Calendar,
        *,
        bot_user: str | Callable[[], str],
        stale_after_s: float,
    ) -> None:
        self._registry = registry
        self._authority = authority
        self._hosts = hosts
        self._operations = operations
        self._history = history
        self._evacuations = evacuations
        self._desk = desk
        self._limits = limits
        self._clock = clock
        self._calendar = calendar
        self._bot_user = bot_user if callable(bot_user) else lambda: bot_user
        self._stale_after_s = stale_after_s

    def answer(self, ask: Ask, again: bool = False) -> Reply | Interim | None:
        """What to say; None if an operation's card says it. Never raises, nor does what an interim answer learns by.

        Args:
            again: a former process took it, and may have carried it out before it died.
        """
        return self._told(ask, lambda: self._take(ask, again))

    def _take(self, ask: Ask, again: bool) -> Reply | Interim | None:
        if again and self._desk.has_offered(ask):
            return None
        if ask.kind == "retraction":
            self._desk.retract(ask)
            return None
        return self._answer(ask, again)

    def _told(self, ask: Ask, work: Callable[[], T]) -> T | Reply:
        """What comes of it, in words at any rate."""
        try:
            answer = work()
        except UsageError as error:
            log.debug("not understood key=%s actor=%s problem=%r", ask.key, ask.actor, error.message)
            return render_usage(error)
        except Refused as error:
            log.info("refused key=%s actor=%s saw=%r needed=%r", ask.key, ask.actor, error.saw, error.needed)
            # A button is seen by everybody and pressed by one: the card tells the rest what they need to know.
            return render_refused(error, private=ask.kind == "button")
        except HostError as error:
            log.warning(
                "host error key=%s host=%s doing=%r code=%r words=%r",
                *(ask.key, error.host, error.doing, error.code, error.words),
            )
            return render_host_error(error)
        except Exception:
            incident = uuid.uuid4().hex[:8]
            log.exception("incident %s key=%s actor=%s text=%r", incident, ask.key, ask.actor, ask.text[:200])
            return render_incident(incident)
        log.info("answered key=%s actor=%s by=%s", ask.key, ask.actor, "card" if answer is None else "reply")
        return answer

    def _answer(self, ask: Ask, again: bool) -> Reply | Interim | None:
        try:
            command, words = find(self._registry, split(normalise(ask.text, self._bot_user())))
        except UsageError as error:
            if ask.kind == "bare" and not (isinstance(error, NotACommand) and error.likely):
                return None  # people talk to each other in a channel that Ferry reads, not to Ferry
            self._permit(ask, UNKNOWN_ACTION)
            raise
        self._permit(ask, command.action, partial(_read_wish, command, words) if command.changes else None)
        self._refuse_late(ask, doubtful=again and command.changes)
        return self._act(self._handle(command, *command.read(words), ask), ask)

    def plan_again(self, ask: Ask) -> AnyPlan:
        """What a command plans now that was agreed to for now. Nothing is offered, and no policy is asked.

        Args:
            ask: a command as Ferry writes it, and who wants it.

        Raises:
            UsageError, Refused, HostError: it cannot be planned any more, or not now.
        """
        command, words = find(self._registry, split(ask.text))
        arguments, _ = command.read(words)
        answer = self._handle(command, arguments, None, ask)
        if not isinstance(answer, AnyPlan):
            raise Refused(f"`{ask.text}` plans nothing any more")
        return answer

    def _handle(self, command: Command, arguments: Arguments, ending: Ending | None, ask: Ask) -> Answer:
        """What the command answers. A name that was not right is answered with the whole command to type instead."""
        begins_at = self._calendar.find_begin(ending, self._clock.now()) if ending else None
        try:
            answer = command.handler(arguments, self._context(ask))
        except Misnamed as error:
            slot, said = error.slot, error.said
            error.spell_out(lambda name: command.write(_respelt(arguments, slot, said, name), ending))
            raise
        if ending is not None and not isinstance(answer, AnyPlan):
            text = command.write(arguments)
            raise Refused(f"`{text}` is done at once", needed="a change to be planned, for later", hint=f"`{text}`")
        if begins_at is None or not isinstance(answer, AnyPlan):
            return answer
        return answer.model_copy(update={"command": f"{answer.command} {ending}", "begins_at": begins_at})

    def _act(self, answer: Answer, ask: Ask) -> Reply | Interim | None:
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, Interim):
            return Interim(answer.reply, partial(self._told, ask, answer.learn))
        if isinstance(answer, Plan):
            about = {"vm": answer.move.vm_name, "host": answer.move.destination}
            self._permit(ask, answer.action, lambda: (answer.command, about), answer)
            if answer.blocked:
                return render_blocked(answer)
            self._desk.propose(answer, ask)
            return None
        if isinstance(answer, HostPlan):
            self._permit(ask, answer.action, lambda: (answer.command, {"host": answer.host}), answer)
            self._desk.propose_host_change(answer, ask)
            return None
        if isinstance(answer, EvacuationPlan):
            self._permit(ask, answer.action, lambda: (answer.command, {"host": ", ".join(answer.hosts)}), answer)
            if not answer.legs:
                return render_preview(answer)
            self._desk.propose_evacuation(answer, ask)
            return None
        return self._desk.apply(answer, ask)

    def _permit(self, ask: Ask, action: str, wish: Wish | None = None, plan: AnyPlan | None = None) -> None:
        """`wish` says what is wanted, where that would change something: a no to it is journalled."""
        verdict = self._authority.decide(ask.actor, ask.place.channel, action, plan)
        if verdict.allowed:
            return
        if wish is not None:
            command, arguments = wish()
            refusal = Refusal(action=action, reason=verdict.reason, command=command, arguments=arguments)
            self._desk.refuse(refusal, ask)
        raise Refused(verdict.reason, needed=verdict.needed, hint=verdict.hint, private=True)

    def _refuse_late(self, ask: Ask, *, doubtful: bool) -> None:
        """Chat services deliver up to hours late; nobody expects yesterday's command to be carried out today.

        Args:
            doubtful: it may have been carried out, and the answer was lost with the process that did it.
        """
        age_s = (self._clock.now() - ask.at).total_seconds()
        if age_s > self._stale_after_s:
            if doubtful:
                raise Refused(
                    f"Ferry was restarted while it was at this, {render_duration(age_s)} ago; it does not know whether"
                    " this was carried out",
                    hint="`status` shows what there is; say it again if it is still wanted",
                    private=True,
                )
            raise Refused(
                f"this reached Ferry {render_duration(age_s)} after it was sent, and was not carried out",
                needed=f"a command that is at most {render_duration(self._stale_after_s)} old",
                hint="press the button again" if ask.kind == "button" else "say it again if it is still wanted",
                private=True,
            )

    def _context(self, ask: Ask) -> Context:
        return Context(
            actor=ask.actor,
            now=self._clock.now(),
            zone=self._authority.zone,
            hosts=self._hosts,
            operations=self._operations,
            history=self._history,
            evacuations=self._evacuations,
            commands=self._registry,
            limits=self._limits,
            why=partial(self._why, ask),
            permits=lambda action: self._authority.decide(ask.actor, ask.place.channel, action).allowed,
        )

    def _why(self, ask: Ask, person: str, words: Sequence[str]) -> Reply:
        """What would be answered to that person here, as far as policy goes. What is planned for it is thrown away."""
        command, rest = find(self._registry, tuple(map(Word, words)))
        arguments, ending = command.read(rest)
        answer = self._handle(command, arguments, ending, ask) if command.changes else None
        plan = answer if isinstance(answer, AnyPlan) else None
        if isinstance(answer, Agreement | Cancel | Pause | Resume | Close):
            row = self._operations.find_shown(answer.operation)
            plan = row.plan if row is not None else None
        text = command.write(arguments, ending)
        return self._authority.why(UserId(person), ask.place.channel, text, command.action, plan)


def _read_wish(command: Command, words: tuple[Word, ...]) -> tuple[str, Mapping[str, object]]:
    """The command as Ferry would write it, and its arguments; the name alone where the rest was not understood."""
    try:
        arguments, ending = command.read(words)
    except UsageError:
        return command.name, {}
    return command.write(arguments, ending), arguments.model_dump(mode="json", exclude_defaults=True)


def _respelt(arguments: Arguments, slot: str, said: str, name: str) -> Arguments:
    """The arguments with another name for the one that was said: in that slot, or in the first that holds it."""
    values = dict(arguments)
    fields = [field for field in (slot, *values) if values.get(field) == said]
    if fields:
        return arguments.model_copy(update={fields[0]: name})
    lists = [field for field, value in values.items() if isinstance(value, tuple) and said in value]
    changed = {field: tuple(name if one == said else one for one in values[field]) for field in lists[:1]}
    return arguments.model_copy(update=changed)
