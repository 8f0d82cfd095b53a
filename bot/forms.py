"""Which forms there are, for whom, and what becomes of them: between the commands and a chat service's modals."""

from __future__ import annotations

from collections.abc import Callable

from bot.command import Command
from bot.core import decline_form
from bot.core.estate import Estate
from bot.core.form import Filled, Form, Values, fill, is_choosable, make_fields
from bot.core.form_time import NoSuchTime, make_time_fields, read_ending
from bot.core.later import Calendar
from bot.core.names import UserId
from bot.core.operation import Place
from bot.core.suggestions import Choices, suggest_hosts, suggest_vms
from bot.registry import Registry

Permits = Callable[[UserId, Place, str], bool]


class CommandForms:
    """Implements `ports.Forms`: each command that plans something with VMs or hosts has a form, and so has the reason
    of a decline. Asks no host.

    Args:
        permits: whether policy lets a person do there what an action names.
        estate: the hosts as last seen.
        calendar: by which times to begin at are said.
    """

    def __init__(
        self, registry: Registry, permits: Permits, estate: Callable[[], Estate], calendar: Calendar | None = None
    ) -> None:
        commands = (each for each in registry.values() if each.plans and is_choosable(make_fields(each.usage)))
        # As help lists them: what concerns one VM comes first.
        ordered = sorted(commands, key=lambda each: not each.action.startswith("vm."))
        self._commands = {each.name: each for each in ordered}
        self._decline = registry.get(decline_form.COMMAND)
        self._permits = permits
        self._estate = estate
        self._calendar = calendar or Calendar()

    def open(self, actor: UserId, place: Place, command: str = "") -> Form | None:
        if (declined := _declined(command)) and self._decline:
            permitted = self._permits(actor, place, self._decline.action)
            return decline_form.make_decline(declined) if permitted else None
        allowed = [each for each in self._commands.values() if self._permits(actor, place, each.action)]
        found = next((each for each in allowed if command in ("", each.name)), None)
        if found is None:
            return None
        names = tuple(each.name for each in allowed)
        fields = (*make_fields(found.usage), *make_time_fields(self._calendar))
        return Form(command=found.name, about=found.summary, fields=fields, others=names)

    def suggest(self, actor: UserId, place: Place, command: str, field: str, typed: str) -> tuple[Choices, ...]:
        found = next((each for each in self._commands.values() if self._opens(each, actor, place, command)), None)
        fields = make_fields(found.usage) if found else ()
        match next((each.kind for each in fields if each.name == field), "text"):
            case "vm" | "vms":
                return suggest_vms(self._estate(), typed)
            case "host" | "hosts":
                return suggest_hosts(self._estate(), typed)
            case _:
                return ()

    def _opens(self, each: Command, actor: UserId, place: Place, command: str) -> bool:
        """Whether that is the form asked for: asked at every key pressed, so policy is asked of no other."""
        return command in ("", each.name) and self._permits(actor, place, each.action)

    def fill(self, command: str, values: Values) -> Filled | None:
        if declined := _declined(command):
            return decline_form.fill_decline(declined, values)
        found = self._commands.get(command)
        return self._fill(found, values) if found else None

    def _fill(self, command: Command, values: Values) -> Filled:
        filled = fill(command.usage, values, self._estate())
        try:
            ending = read_ending(values, self._calendar)
        except NoSuchTime as error:
            return Filled(problems={**(filled.problems or {}), error.field: str(error)})
        return Filled(command=f"{filled.command} {ending}") if filled.command and ending else filled


def _declined(command: str) -> str:
    """The operation of "decline m-12"; empty: the command is another one."""
    name, _, operation = command.partition(" ")
    return operation if name == decline_form.COMMAND else ""
