"""Pipelines: objects, errors, progress, silence, large values, back-pressure, stopping."""

from __future__ import annotations

import pytest
from pypsrp.complex_objects import PSInvocationState as State
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell
from pypsrp.shell import SignalCode, WinRS
from pypsrp.wsman import SelectorSet

from bot.lab.winrm import Limits, WinRmServer

from .client import POWERSHELL, TIMED_OUT, Lab, begin, invoke, percents, poll_to_end, poll_until
from .cmdlets import KIB, Cmdlets


def test_a_pipeline_has_several_cmdlets_and_statements(lab: Lab, server: WinRmServer) -> None:
    with PowerShell(lab.open(server)) as shell:
        shell.add_cmdlet("Write-Text").add_parameter("Text", "a").add_cmdlet("Write-Text").add_parameter("Text", "b")
        shell.add_statement().add_cmdlet("Write-Text").add_parameters({"Text": "ä<&>\0", "Count": 2})
        assert shell.invoke() == ["a", "b", "ä<&>\0", "ä<&>\0"]
        assert not shell.had_errors


def test_one_pool_carries_many_pipelines(lab: Lab, server: WinRmServer) -> None:
    pool = lab.open(server)
    assert [invoke(pool, "Write-Text", Text=str(number)) for number in range(20)] == [[str(n)] for n in range(20)]
    pool.close()
    assert server.stats.actions["Signal"] == server.stats.actions["Command"] == 20


def test_a_short_pipeline_is_two_round_trips_and_its_end_one(lab: Lab, server: WinRmServer) -> None:
    pool = lab.open(server)
    before = server.stats
    invoke(pool, "Get-User")
    used = server.stats - before
    assert used.http_requests == 3
    assert used.actions == {"Command": 1, "Receive": 1, "Signal": 1}
    assert used.bytes_in > 3 * KIB
    assert used.bytes_out > 2 * KIB


def test_a_non_terminating_error_leaves_the_pipeline_completed(lab: Lab, server: WinRmServer) -> None:
    with PowerShell(lab.open(server)) as shell:
        shell.add_cmdlet("Find-Item").add_parameter("Name", "ghost")
        shell.add_statement().add_cmdlet("Get-User")
        assert shell.invoke() == ["admin"]
        assert shell.state == State.COMPLETED
        (error,) = shell.streams.error
    assert str(error) == 'unable to find "ghost"'
    assert error.fq_error == "InvalidParameter,FindItem"
    assert str(error.message).startswith("InvalidArgument: (x:) [Find-Item], ItemException")


def test_error_action_stop_fails_the_pipeline(lab: Lab, server: WinRmServer) -> None:
    with PowerShell(lab.open(server)) as shell:
        shell.add_cmdlet("Find-Item").add_parameters({"Name": "ghost", "ErrorAction": "Stop"})
        shell.add_statement().add_cmdlet("Get-User")
        assert shell.invoke() == []
        assert shell.state == State.FAILED
        assert shell.had_errors
        assert [error.fq_error for error in shell.streams.error] == ["InvalidParameter,FindItem"]


def test_a_bug_in_a_cmdlet_ends_the_pipeline_and_not_the_endpoint(
    lab: Lab, server: WinRmServer, caplog: pytest.LogCaptureFixture
) -> None:
    pool = lab.open(server)
    with PowerShell(pool) as shell:
        shell.add_cmdlet("Break-Down").invoke()
        assert shell.state == State.FAILED
        assert "a bug in a cmdlet" in str(shell.streams.error[0])
    assert "runner_crashed" in caplog.text
    assert invoke(pool, "Get-User") == ["admin"]


def test_progress_arrives_while_the_pipeline_runs(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    shell = begin(lab.open(server), "Move-Item")
    poll_until(shell, lambda: percents(shell) == [10])
    assert shell.state == State.RUNNING
    cmdlets.open_gate()
    poll_to_end(shell)
    assert percents(shell) == [10, 100]
    assert list(shell.output) == ["moved"]


def test_silence_is_answered_with_a_time_out_after_the_operation_timeout(
    lab: Lab, server: WinRmServer, cmdlets: Cmdlets
) -> None:
    shell = begin(lab.open(server, operation_timeout=1), "Move-Item")
    poll_until(shell, lambda: percents(shell) == [10])
    shell.poll_invoke()  # pypsrp takes the time-out for "nothing yet"
    assert server.stats.faults == {TIMED_OUT: 1}
    cmdlets.open_gate()
    assert list(poll_to_end(shell).output) == ["moved"]


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_command_whose_time_is_over_may_run_all_the_same(
    lab: Lab, server: WinRmServer, cmdlets: Cmdlets, carried_out: bool
) -> None:
    pool = lab.open(server)
    server.time_out(carried_out=carried_out)
    with pytest.raises(WSManFaultError) as raised:
        begin(pool, "Move-Item")
    assert (raised.value.code, server.stats.faults) == (TIMED_OUT, {TIMED_OUT: 1})
    assert pool.get_available_runspaces() == (0 if carried_out else 1)
    cmdlets.open_gate()
    assert invoke(lab.open(server), "Move-Item") == ["moved"]  # that was one command's time, and no more


def test_large_parameters_and_results_pass(lab: Lab, server: WinRmServer) -> None:
    text = "".join(chr(33 + number % 90) for number in range(2_000_000))
    assert invoke(lab.open(server), "Write-Text", Text=text) == [text]


def test_runspaces_limit_what_runs_at_once(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    first = begin(pool, "Move-Item")
    poll_until(first, lambda: percents(first) == [10])
    assert pool.get_available_runspaces() == 0
    second = begin(pool, "Get-User")
    pool.connection.operation_timeout = 1
    second.poll_invoke()
    assert second.state == State.RUNNING
    pool.max_runspaces = 2
    assert list(poll_to_end(second).output) == ["admin"]
    cmdlets.open_gate()
    poll_to_end(first)


def test_a_full_buffer_holds_the_pipeline_and_drops_nothing(lab: Lab, cmdlets: Cmdlets) -> None:
    server = lab.start(limits=Limits(buffer_bytes=55 * KIB))
    pool = lab.open(server, max_runspaces=2)
    shell = begin(pool, "Write-Much", Count=40)
    with cmdlets.wrote:
        assert cmdlets.wrote.wait_for(lambda: cmdlets.written >= 6, timeout=10)
    for _ in range(5):
        invoke(pool, "Get-User")
    assert cmdlets.written == 6
    numbers = [int(text.split()[0]) for text in poll_to_end(shell).output]
    assert numbers == list(range(40))


def test_key_exchange_and_application_data(lab: Lab, server: WinRmServer) -> None:
    pool = lab.open(server)
    pool.exchange_keys()
    assert pool.application_private_data is not None
    assert pool.application_private_data.data["PSVersionTable"]["PSEdition"] == "Desktop"
    assert pool.is_alive()


def test_stop_cancels_the_cmdlet(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    assert cmdlets.waiting.wait(10)
    shell.stop()
    assert cmdlets.stopped.wait(10)
    assert shell.state == State.STOPPED
    assert invoke(pool, "Get-User") == ["admin"]


def test_a_signal_over_another_connection_is_seen_by_the_poller(
    lab: Lab, server: WinRmServer, cmdlets: Cmdlets
) -> None:
    pool = lab.open(server)
    shell = begin(pool, "Move-Item")
    assert cmdlets.waiting.wait(10)
    side = lab.connect(server)
    side.session_id = pool.connection.session_id
    channel = WinRS(side, resource_uri=f"{POWERSHELL}/Microsoft.PowerShell", id=pool.id)
    channel._selector_set = SelectorSet()
    channel._selector_set.add_option("ShellId", pool.id)
    channel.signal(SignalCode.PS_CTRL_C, str(shell.id).upper())
    poll_to_end(shell)
    assert shell.state == State.STOPPED
    assert [error.fq_error for error in shell.streams.error] == ["PipelineStopped"]
    assert str(shell.streams.error[0].message).startswith("OperationStopped: (:) [], PipelineStoppedException")


def test_a_pipeline_that_waits_for_a_runspace_can_be_stopped(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    first, second = begin(pool, "Move-Item"), begin(pool, "Get-User")
    second.stop()
    second.close()
    cmdlets.open_gate()
    assert list(poll_to_end(first).output) == ["moved"]


def test_closing_the_pool_stops_what_runs_in_it(lab: Lab, server: WinRmServer, cmdlets: Cmdlets) -> None:
    pool = lab.open(server)
    begin(pool, "Move-Item")
    assert cmdlets.waiting.wait(10)
    pool.close()
    assert cmdlets.stopped.wait(10)
