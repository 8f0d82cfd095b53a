"""Shells: configurations, owners, quotas, and clients that come and go."""

from __future__ import annotations

import pytest
from pypsrp.complex_objects import RunspacePoolState
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import SelectorSet

from bot.lab.winrm import Limits, WinRmServer

from .client import (
    ALREADY_CONNECTED,
    DISCONNECTED,
    NO_CONFIGURATION,
    NOT_FOUND,
    POWERSHELL,
    QUOTA,
    Lab,
    adopt,
    begin,
    invoke,
    percents,
    poll_to_end,
    poll_until,
    reattach,
)
from .cmdlets import Cmdlets


def test_an_unknown_configuration_gets_the_fault_of_windows(lab: Lab, server: WinRmServer) -> None:
    with pytest.raises(WSManFaultError, match="Cannot find the Nowhere session configuration") as raised:
        lab.open(server, configuration_name="Nowhere")
    assert raised.value.code == NO_CONFIGURATION


def test_a_restricted_configuration_shows_its_cmdlets_only(lab: Lab) -> None:
    server = lab.start(configurations={"Microsoft.PowerShell": None, "Restricted": frozenset({"Get-User"})})
    pool = lab.open(server, configuration_name="Restricted")
    assert invoke(pool, "Get-User") == ["admin"]
    with PowerShell(pool) as shell:
        shell.add_cmdlet("Write-Text").add_parameter("Text", "a").invoke()
        assert [error.fq_error for error in shell.streams.error] == ["CommandNotFoundException"]
    assert invoke(lab.open(server), "Write-Text", Text="a") == ["a"]


def test_a_restricted_shell_is_not_found_under_another_resource_uri(lab: Lab) -> None:
    server = lab.start(configurations={"Microsoft.PowerShell": None, "Restricted": frozenset({"Get-User"})})
    pool = lab.open(server, configuration_name="Restricted")
    pool.shell.resource_uri = f"{POWERSHELL}/Microsoft.PowerShell"
    with pytest.raises(WSManFaultError) as raised:
        invoke(pool, "Get-User")
    assert raised.value.code == NOT_FOUND


def test_a_shell_belongs_to_its_user(lab: Lab, server: WinRmServer) -> None:
    pool = lab.open(server)
    stranger = lab.connect(server, username="other@contoso.com", password="x")
    assert RunspacePool.get_runspace_pools(stranger) == []
    theirs, _ = adopt(stranger, pool.id)
    with pytest.raises(WSManFaultError) as raised:
        theirs.connect()
    assert raised.value.code == NOT_FOUND


def test_shells_per_user_are_limited(lab: Lab) -> None:
    server = lab.start(limits=Limits(shells_per_user=2))
    first, _ = lab.open(server), lab.open(server)
    with pytest.raises(WSManFaultError, match="concurrent shells") as raised:
        lab.open(server)
    assert raised.value.code == QUOTA
    lab.open(server, username="other@contoso.com", password="x")
    first.close()
    lab.open(server)


def test_commands_per_shell_count_until_they_are_terminated(lab: Lab) -> None:
    pool = lab.open(lab.start(limits=Limits(commands_per_shell=2)))
    shells = [PowerShell(pool).add_cmdlet("Get-User") for _ in range(3)]
    assert [shell.invoke() for shell in shells[:2]] == [["admin"], ["admin"]]
    with pytest.raises(WSManFaultError, match="concurrent commands") as raised:
        shells[2].invoke()
    assert raised.value.code == QUOTA
    shells[0].close()
    assert invoke(pool, "Get-User") == ["admin"]


def test_a_command_id_cannot_be_used_twice(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server, max_runspaces=2)
    first = begin(pool, "Move-Item")
    second = PowerShell(pool).add_cmdlet("Move-Item")
    second.id = first.id
    with pytest.raises(WSManFaultError):
        second.begin_invoke()
    pool.pipelines[first.id] = first
    cmdlets.open_gate()
    assert list(poll_to_end(first).output) == ["moved"]


def test_the_same_client_disconnects_and_reconnects(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    poll_until(shell, lambda: percents(shell) == [10])
    pool.disconnect()
    with pytest.raises(WSManFaultError) as raised:
        invoke(pool, "Get-User")
    assert raised.value.code == DISCONNECTED
    cmdlets.open_gate()
    pool.connect()
    reattach(shell)
    assert list(poll_to_end(shell).output) == ["moved"]
    shell.close()
    assert invoke(pool, "Get-User") == ["admin"]


def test_another_client_finds_and_connects_to_a_disconnected_pool(
    lab: Lab, server: WinRmServer, cmdlets: Cmdlets
) -> None:
    pool = lab.open(server)
    begin(pool, "Move-Item")
    assert cmdlets.waiting.wait(10)
    pool.disconnect()
    cmdlets.open_gate()
    (found,) = RunspacePool.get_runspace_pools(lab.connect(server))
    assert found.id == pool.id
    found.connect()
    (resumed,) = found.create_disconnected_power_shells()
    reattach(resumed)
    poll_to_end(resumed)
    assert percents(resumed) == [10, 100]
    assert list(resumed.output) == ["moved"]
    resumed.close()
    assert invoke(found, "Get-User") == ["admin"]
    with pytest.raises(WSManFaultError):
        pool.connect()  # it belongs to the other client session now


def test_a_connected_shell_cannot_be_connected_to(lab: Lab, server: WinRmServer) -> None:
    pool = lab.open(server)
    theirs, _ = adopt(lab.connect(server), pool.id)
    with pytest.raises(WSManFaultError) as raised:
        theirs.connect()
    assert raised.value.code == ALREADY_CONNECTED


def test_reconnect_by_session_id_adopts_a_connected_shell(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    """What a process does that was killed in mid-poll and has written the ids down."""
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    assert cmdlets.waiting.wait(10)
    server.drop()
    wsman = lab.connect(server)
    wsman.session_id = pool.connection.session_id
    adopted, resumed = adopt(wsman, pool.id, shell.id)
    adopted._new_client = False
    adopted.connect()
    reattach(resumed)
    cmdlets.open_gate()
    assert list(poll_to_end(resumed).output) == ["moved"]


def test_a_silent_shell_becomes_disconnected_and_its_pipeline_runs_on(lab: Lab, cmdlets: Cmdlets) -> None:
    server = lab.start(limits=Limits(auto_disconnect_s=0.5))
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    watcher = lab.connect(server)
    selectors = SelectorSet()
    selectors.add_option("ShellId", pool.id)
    states: set[str | None] = set()
    while "Disconnected" not in states:
        answer = watcher.get(pool.shell.resource_uri, selector_set=selectors)
        states.add(next(each.text for each in answer.iter() if each.tag.endswith("}State")))
    with pytest.raises(WSManFaultError) as raised:
        shell.poll_invoke()
    assert raised.value.code == DISCONNECTED
    pool.state = RunspacePoolState.DISCONNECTED
    pool.connect()
    cmdlets.open_gate()
    assert list(poll_to_end(shell).output) == ["moved"]


def test_an_abandoned_shell_is_removed(lab: Lab) -> None:
    server = lab.start(limits=Limits(idle_shell_s=0.3, auto_disconnect_s=0.4))
    pool = lab.open(server)
    watcher = lab.connect(server)
    while RunspacePool.get_runspace_pools(watcher):
        pass
    with pytest.raises(WSManFaultError) as raised:
        invoke(pool, "Get-User")
    assert raised.value.code == NOT_FOUND
