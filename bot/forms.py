"""Which forms there are, for whom, and what becomes of them: between the commands and a chat service's modals."""

from __future__ import annotations

from collections.abc import Callable

from bot.command import Command
from bot.core.estate import Estate
from bot.core.form import Filled, Form, Values, fill, is_choosable, make_fields
from bot.core.names import UserId
from bot.core.policy import Policy, decide
from bot.core.suggestions import Choices, suggest_hosts, suggest_vms
from bot.registry import Registry


class CommandForms:
    """Implements `ports.Forms`: each command that plans something with VMs or hosts has a form. Asks no host.

    Args:
        estate: the hosts as last seen.
    """

    def __init__(self, registry: Registry, policy: Policy, estate: Callable[[], Estate]) -> None:
        commands = (each for each in registry.values() if each.plans and is_choosable(make_fields(each.usage)))
        # As help lists them: what concerns one VM comes first.
        ordered = sorted(commands, key=lambda each: not each.action.startswith("vm."))
        self._commands = {each.name: each for each in ordered}
        self._policy = policy
        self._estate = estate

    def open(self, actor: UserId, command: str = "") -> Form | None:
        allowed = [each for each in self._commands.values() if self._permits(actor, each)]
        found = next((each for each in allowed if command in ("", each.name)), None)
        if found is None:
            return None
        names = tuple(each.name for each in allowed)
        return Form(command=found.name, about=found.summary, fields=make_fields(found.usage), others=names)

    def suggest(self, actor: UserId, command: str, field: str, typed: str) -> tuple[Choices, ...]:
        form = self.open(actor, command)
        kind = next((each.kind for each in form.fields if each.name == field), "text") if form else "text"
        match kind:
            case "vm" | "vms":
                return suggest_vms(self._estate(), typed)
            case "host" | "hosts":
                return suggest_hosts(self._estate(), typed)
            case _:
                return ()

    def fill(self, command: str, values: Values) -> Filled | None:
        found = self._commands.get(command)
        return fill(found.usage, values, self._estate()) if found else None

    def _permits(self, actor: UserId, command: Command) -> bool:
        return decide(self._policy, actor, command.action).allowed
