"""A session as roles make it: the traps of JEA, each as PowerShell's engine has it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.hyperv.cmdlets import CMDLETS, GET_VM, Cmdlet
from bot.hyperv.jea import ENDPOINT, Identity, render_roles, render_session
from bot.lab import cmdlets as lab
from bot.lab import engine
from bot.lab.jea import Malformed, NotAllowed, Role, enter, read_data_file
from bot.lab.prepared import ferry_role

SESSION = render_session(Identity("LAB\\Ferry"))


class Everything:
    """A machine that has every command the lab knows, wherever it is a host of."""

    def __init__(self) -> None:
        self._cmdlets = {cmdlet.name.casefold(): cmdlet for cmdlet in lab.CMDLETS}

    def cmdlet(self, name: str) -> engine.Cmdlet | None:
        return self._cmdlets.get(name.casefold())


@pytest.fixture(scope="module")
def machine() -> Everything:
    return Everything()


def role(*capabilities: str) -> Role:
    return Role(read_data_file(f"@{{ ModulesToImport = 'Hyper-V'; {text} }}") for text in capabilities)


def shown(machine: Everything, session: Role, name: str) -> dict[str, Any] | None:
    """The parameters that can be named, with what they take; None if there is no such command."""
    cmdlet = session.cmdlet(machine, name)
    if cmdlet is None:
        return None
    rules = {one.name: one.validation for one in cmdlet.parameters if not one.hidden}
    return {name: rule and (rule.pattern or rule.set) for name, rule in rules.items()}


def test_an_empty_role_has_the_sessions_own_commands_only(machine: Everything) -> None:
    session = role("")
    assert shown(machine, session, "Get-VM") is None
    assert shown(machine, session, "Measure-Object") == {"InputObject": None}
    select = shown(machine, session, "select-object")
    assert select
    assert select.keys() == {"InputObject", "Property"}
    assert "CommandType" in select["Property"]
    assert "State" not in select["Property"]


def test_a_limited_select_object_is_still_the_sessions_own(machine: Everything) -> None:
    """It becomes a proxy of the proxy, so -ExpandProperty, which that does not know, gets nowhere."""
    entry = "@{ Name = 'Select-Object'; Parameters = @{ Name = 'InputObject' }, @{ Name = 'ExpandProperty' } }"
    assert shown(machine, role(f"VisibleCmdlets = {entry}"), "Select-Object") == {"InputObject": None}


def test_an_unlimited_command_is_found_by_either_name(machine: Everything) -> None:
    for written in ("Get-VMHost", "Hyper-V\\Get-VMHost"):
        session = role(f"VisibleCmdlets = '{written}'")
        assert shown(machine, session, "get-vmhost") is not None
        assert shown(machine, session, "Hyper-V\\Get-VMHost") is not None
        assert shown(machine, session, "Storage\\Get-VMHost") is None


def test_a_limited_command_is_found_by_the_name_in_the_role_only(machine: Everything) -> None:
    qualified = role("VisibleCmdlets = @{ Name = 'Hyper-V\\Get-VM'; Parameters = @{ Name = 'Id' } }")
    assert shown(machine, qualified, "Get-VM") is None
    assert shown(machine, qualified, "Hyper-V\\Get-VM") == {"Id": None}
    plain = role("VisibleCmdlets = @{ Name = 'Get-VM'; Parameters = @{ Name = 'Id' } }")
    assert shown(machine, plain, "Get-VM") == {"Id": None}
    assert shown(machine, plain, "Hyper-V\\Get-VM") is None


def test_a_command_whose_module_is_not_imported_is_silently_missing(machine: Everything) -> None:
    entry = "VisibleFunctions = @{ Name = 'Get-Volume'; Parameters = @() }"
    assert shown(machine, role(entry), "Get-Volume") is None
    imported = Role([read_data_file(f"@{{ ModulesToImport = 'Storage'; {entry} }}")])
    assert shown(machine, imported, "Get-Volume") == {}


def test_a_node_gets_both_roles(machine: Everything) -> None:
    roles = render_roles((GET_VM, Cmdlet("Get-VMHost", "FailoverClusters")))
    session = render_session(Identity(), roles)
    assert list(roles) == ["Ferry", "FerryClusterNode"]
    entered = enter(session, roles, ["CONTOSO\\Ferry"])
    assert shown(machine, entered, "Get-VM") is not None
    assert shown(machine, entered, "Get-VMHost") == {}


def test_several_roles_allow_what_any_of_them_allows(machine: Everything) -> None:
    def entry(values: str) -> str:
        return f"VisibleCmdlets = @{{ Name = 'Get-VMSwitch'; Parameters = @{{ Name = 'Name'{values} }} }}"

    one, other = entry("; ValidateSet = 'a'"), entry("; ValidateSet = 'b', 'c'")
    assert shown(machine, role(one, other), "Get-VMSwitch") == {"Name": ("a", "b", "c")}
    assert shown(machine, role(one, entry("")), "Get-VMSwitch") == {"Name": None}
    patterns = entry("; ValidatePattern = 'x'"), entry("; ValidatePattern = 'y.*'")
    assert shown(machine, role(*patterns), "Get-VMSwitch") == {"Name": "^(x|y.*)$"}
    assert shown(machine, role(one, *patterns), "Get-VMSwitch") == {"Name": "^(x|y.*)$"}
    whole = shown(machine, role(one, "VisibleCmdlets = 'Get-VMSwitch'"), "Get-VMSwitch")
    assert whole is not None
    assert "Id" in whole


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("VisibleProviders = 'Registry'", "visibleproviders is not known here"),
        ("VisibleCmdlets = 'Get-*'", "wildcards"),
        ("VisibleCmdlets = @{ Name = 'Get-VM' }", "has a Name and Parameters"),
        ("VisibleFunctions = 'Start-Anything'; FunctionDefinitions = @{ Name = 'Start-Anything' }", "ScriptBlock"),
        (
            "VisibleFunctions = 'X'; FunctionDefinitions = @{ Name = 'X'; ScriptBlock = { Get-Process } }",
            "no param",
        ),
    ],
)
def test_what_a_role_may_not_say_here(text: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        role(text)


@pytest.mark.parametrize("cmdlet", CMDLETS, ids=lambda cmdlet: cmdlet.name)
def test_a_role_made_without_a_cmdlet_lets_nobody_do_what_it_does(machine: Everything, cmdlet: Cmdlet) -> None:
    declared = {parameter.name for parameter in cmdlet.parameters}
    whole, lacking = ferry_role(), ferry_role(tuple(one for one in CMDLETS if one is not cmdlet))
    assert shown(machine, whole, cmdlet.name) is not None
    assert declared == (shown(machine, whole, cmdlet.name) or {}).keys()
    left = shown(machine, lacking, cmdlet.name)  # the session's own Select-Object is left
    assert left is None or not declared <= left.keys()


def test_a_functions_text_may_not_change_behind_its_stand_in() -> None:
    changed = render_roles()[ENDPOINT].replace("-ne 'PlannedVirtualMachine'", "-ne 'RealizedVirtualMachine'")
    with pytest.raises(Malformed, match="nothing stands in for this text of the function Remove-VM"):
        enter(SESSION, {ENDPOINT: changed}, ["LAB\\Ferry"])


def test_only_members_enter() -> None:
    roles = render_roles()
    assert enter(SESSION, roles, ["lab\\ferry", "LAB\\Domain Users"])
    with pytest.raises(NotAllowed):
        enter(SESSION, roles, ["LAB\\Domain Users"])
    with pytest.raises(Malformed, match="could not find the role capability Ferry"):
        enter(SESSION, {}, ["LAB\\Ferry"])


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("RestrictedRemoteServer", "Default", "only RestrictedRemoteServer"),
        ("NoLanguage", "FullLanguage", "only RestrictedRemoteServer in NoLanguage"),
        ("RunAsVirtualAccount = $true", "RunAsVirtualAccount = $false", "runs as a virtual account or"),
        ("Author =", "MountUserDrive =", "MountUserDrive is not known here"),
    ],
)
def test_what_a_session_may_not_say_here(before: str, after: str, words: str) -> None:
    assert before in SESSION
    with pytest.raises(Malformed, match=words):
        enter(SESSION.replace(before, after), render_roles(), ["LAB\\Ferry"])
