"""What a role lets a parameter take: one row per kind of value, as ValidateSet or ValidatePattern.

Facts (PowerShell source, InitialSessionState.ProcessCommandModification; Microsoft Learn, JEA Role Capabilities):
1. The engine writes patterns as ^(…)$ and matches them without regard to case.
2. $ lets one line feed at the end through, so each pattern ends in \\z. Each says its case itself, so that no letter
   counts that a host's culture holds for another case of an ASCII one.
3. A pattern is matched against the value converted to the parameter's type, then to text: a GUID is lower case with
   hyphens. In an array each element is validated.
4. The value of a hashtable cannot be validated at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.hyperv.cmdlets import Kind, Parameter

_HEX = "[0-9A-Fa-f]"
_GUID = rf"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_LABEL = "[A-Za-z0-9][A-Za-z0-9-]{0,62}"
# What Windows forbids in a file name (Microsoft Learn, "Naming Files, Paths, and Namespaces"), and wildcards. No part
# ends in a blank or a full stop, so none is . or .. either.
_NAMED = r'[^\x00-\x1f\x7f<>"|/:*?\[\]\\]'
_PATH = rf"(?!.*[ .](?:\\|\z))(?:[A-Za-z]:\\{_NAMED}*|\\\\{_NAMED}+\\{_NAMED}+)(?:\\{_NAMED}+)*"

Rule = Mapping[str, str | tuple[str, ...]]
"""What stands beside a parameter's name: nothing, a ValidateSet or a ValidatePattern."""


class NotExpressible(ValueError):
    """No role can check this value: the cmdlet needs a function of its own."""


def _anything(_: Parameter) -> Rule:
    return {}


def _pattern(text: str) -> Callable[[Parameter], Rule]:
    rule = {"ValidatePattern": rf"(?-i:{text})\z"}
    return lambda _: rule


def _choices(parameter: Parameter) -> Rule:
    return {"ValidateSet": tuple(str(choice) for choice in parameter.choices)}


def _refuse(parameter: Parameter) -> Rule:
    raise NotExpressible(f"-{parameter.name} takes a hashtable, which no role can check")


RULES: Mapping[Kind, Callable[[Parameter], Rule]] = {
    Kind.PIPED: _anything,  # mostly a type that nothing sent by a client can become
    Kind.SWITCH: _anything,
    Kind.GUID: _pattern(_GUID),
    Kind.HOST: _pattern(rf"(?=.{{1,255}}\z){_LABEL}(?:\.{_LABEL})*"),
    Kind.PATH: _pattern(_PATH),
    Kind.CHOICE: _choices,
    Kind.INSTANCE: _pattern(f"InstanceID='{_GUID}'"),
    Kind.SECONDS: _pattern("[0-9]{1,9}"),
    Kind.STATE: _refuse,
}


def rule_of(parameter: Parameter) -> Rule:
    """
    Raises:
        NotExpressible: its cmdlet needs a function of its own in the role, or its kind a row in RULES.
    """
    if parameter.kind not in RULES:
        raise NotExpressible(f"RULES says nothing of the kind {parameter.kind}, which -{parameter.name} is of")
    return RULES[parameter.kind](parameter)
