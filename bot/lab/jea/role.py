r"""What a restricted session shows of a machine's commands.

Facts (PowerShell source, DISCPowerShellConfiguration and InitialSessionState; Microsoft Learn, JEA Role Capabilities
and JEA Session Configurations):
1. RestrictedRemoteServer shows eight commands of its own. Those that a program may use are here, as the proxies they
   are: Select-Object takes -InputObject, and -Property for eleven names; Measure-Object takes -InputObject.
2. A command with Parameters becomes a proxy function of exactly the name written in the role; parameters that are not
   listed are gone. What a function of that name was before is wrapped, else a cmdlet of an imported module; where
   there is none, the entry is silently without effect.
3. A command without Parameters is shown as it is, by its name and by its module's and its name.
4. Functions go before cmdlets. Functions that the role defines replace those the session has.
5. Several roles are one: lists are joined. A command that one of them does not limit is not limited; of limits on the
   same parameter all values count. Several patterns are joined with |.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.lab.engine import Cmdlet, Machine, Parameter, Validation
from bot.lab.jea.data_file import Data, Malformed, Script
from bot.lab.jea.functions import function

_ALWAYS_IMPORTED = frozenset({"microsoft.powershell.core", "microsoft.powershell.utility"})
# The module that a cmdlet's class belongs to, and that of functions, which have none.
_MODULES = (
    ("Microsoft.HyperV.PowerShell.", "hyper-v"),
    ("Microsoft.Vhd.PowerShell.", "hyper-v"),
    ("Microsoft.FailoverClusters.PowerShell.", "failoverclusters"),
    ("Microsoft.Management.Infrastructure.CimCmdlets.", "cimcmdlets"),
    ("Microsoft.PowerShell.Commands.", "microsoft.powershell.utility"),
    ("Get-Volume", "storage"),
    ("Test-NetConnection", "nettcpip"),
)
_KNOWN = frozenset(
    {"guid", "author", "description", "companyname", "copyright", "schemaversion"}
    | {"modulestoimport", "visiblecmdlets", "visiblefunctions", "functiondefinitions"}
)

Limits = Mapping[str, Validation | None]
"""The parameters a role lists, in lower case, with what it lets each take."""

_SESSION: Mapping[str, Limits] = {
    "get-command": {"name": None},
    "measure-object": {"inputobject": None},
    "select-object": {
        "inputobject": None,
        "property": Validation(
            set=(
                *("ModuleName", "Namespace", "OutputType", "Count", "HelpUri", "Name", "CommandType"),
                *("ResolvedCommandName", "DefaultParameterSet", "CmdletBinding", "Parameters"),
            )
        ),
    },
}
"""The session's own commands, as far as a machine has them here."""


class Role:
    """Every role of one session. Looking a command up is a dictionary's work after the first time."""

    def __init__(self, capabilities: Iterable[Mapping[str, Data]]) -> None:
        """
        Raises:
            Malformed: a role capability says what is not known here.
        """
        self._modules = set(_ALWAYS_IMPORTED)
        self._functions: dict[str, Cmdlet] = {}
        self._limits: dict[str, dict[str, list[Mapping[str, Data]]]] = {}
        self._names: dict[str, str] = {}
        self._whole: set[str] = set()
        self._shown: dict[str, tuple[Cmdlet | None, Cmdlet | None]] = {}
        for capability in capabilities:
            self._add({key.casefold(): value for key, value in capability.items()})

    def _add(self, capability: Mapping[str, Data]) -> None:
        if unknown := capability.keys() - _KNOWN:
            raise Malformed(f"a role capability's {', '.join(sorted(unknown))} is not known here")
        self._modules |= {str(module).casefold() for module in _listed(capability.get("modulestoimport"))}
        visible = [*_listed(capability.get("visiblecmdlets")), *_listed(capability.get("visiblefunctions"))]
        for entry in visible:
            self._show(entry)
        for definition in _listed(capability.get("functiondefinitions")):
            name, body = _table(definition).get("Name"), _table(definition).get("ScriptBlock")
            if not isinstance(name, str) or not isinstance(body, Script):
                raise Malformed("a function definition has a Name and a ScriptBlock")
            if name.casefold() in self._whole:  # else the session has it, but does not show it
                self._functions[name.casefold()] = function(name, body)

    def _show(self, entry: Data) -> None:
        if isinstance(entry, str):
            if "*" in entry or "?" in entry:
                raise Malformed(f"wildcards are not known here: {entry}")
            self._whole.add(entry.casefold())
            return
        table = _table(entry)
        name, parameters = table.get("Name"), table.get("Parameters")
        if not isinstance(name, str) or parameters is None:
            raise Malformed("a limited command has a Name and Parameters")
        self._names.setdefault(name.casefold(), name)
        limits = self._limits.setdefault(name.casefold(), defaultdict(list))
        for parameter in map(_table, _listed(parameters)):
            limits[str(parameter["Name"]).casefold()].append(parameter)

    def cmdlet(self, machine: Machine, name: str) -> Cmdlet | None:
        """What a client gets who calls this name on this machine; None if the session shows no such command."""
        key = name.casefold()
        original = machine.cmdlet(key.rpartition("\\")[2])
        known = self._shown.get(key)
        if known is None or known[0] is not original:
            known = self._shown[key] = (original, self._make(key, original))
        return known[1]

    def _make(self, key: str, original: Cmdlet | None) -> Cmdlet | None:
        module, _, short = key.rpartition("\\")
        imported = original if original and self._has_module(original, module) else None
        function = self._function(key, original)
        if key in self._limits and key not in self._whole:
            limits = {name: _validation(given) for name, given in self._limits[key].items()}
            before = function or imported
            return _limited(before, self._names[key], limits) if before else None
        if function or imported is None or self._function(short, original):
            return function
        return imported if self._whole & {key, short, f"{_module(imported)}\\{short}"} else None

    def _function(self, key: str, original: Cmdlet | None) -> Cmdlet | None:
        """The role's own function of that name, else the session's."""
        if own := self._functions.get(key):
            return own
        return _limited(original, original.name, _SESSION[key]) if original and key in _SESSION else None

    def _has_module(self, cmdlet: Cmdlet, wanted: str) -> bool:
        """Whether the session has imported the command's module, and it is the one named, if one is."""
        module = _module(cmdlet)
        named = {name.rpartition("\\")[0] for name in self._whole if "\\" in name}  # naming it imports it
        return module in self._modules | named and wanted in ("", module)


def _module(cmdlet: Cmdlet | None) -> str:
    return next((module for type_name, module in _MODULES if cmdlet and cmdlet.type.startswith(type_name)), "")


def _limited(cmdlet: Cmdlet, name: str, limits: Limits) -> Cmdlet:
    """The proxy. Its own name stands in its errors; those of the command within keep theirs."""
    return replace(cmdlet, type=name, parameters=tuple(_parameter(one, limits) for one in cmdlet.parameters))


def _parameter(parameter: Parameter, limits: Limits) -> Parameter:
    name = parameter.name.casefold()
    if name not in limits or parameter.hidden:
        return replace(parameter, hidden=True)
    return replace(parameter, validation=limits[name] or parameter.validation)


def _validation(given: Iterable[Mapping[str, Data]]) -> Validation | None:
    """Of one parameter, over all roles that list it."""
    rules = [{key.casefold(): value for key, value in one.items()} for one in given]
    if unknown := {key for rule in rules for key in rule} - {"name", "validateset", "validatepattern"}:
        raise Malformed(f"a parameter's {', '.join(sorted(unknown))} is not known here")
    if any(len(rule) == 1 for rule in rules):
        return None
    patterns = [str(one) for rule in rules for one in _listed(rule.get("validatepattern"))]
    values = tuple(str(one) for rule in rules for one in _listed(rule.get("validateset")))
    return Validation(set=() if patterns else values, pattern=f"^({'|'.join(patterns)})$" if patterns else "")


def _listed(value: Data) -> list[Data]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _table(value: Data) -> Mapping[str, Data]:
    if not isinstance(value, dict):
        raise Malformed(f"expected a hashtable, found {value!r}")
    return value
