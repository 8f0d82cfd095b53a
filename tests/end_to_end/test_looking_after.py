"""What Ferry knows after a move because it looked at both hosts when the move ended: nothing else looks here.

A module of its own: a bot whose background look is switched off cannot run beside another one in the same process.
"""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.by_ferry import QuietFerry


def test_after_a_move_a_question_goes_to_the_host_that_has_the_vm_now(tmp_path: Path) -> None:
    """Nothing looks in the background here, so what Ferry knows of the move it has looked at because it ended."""
    with (ferry := QuietFerry(tmp_path, speed=100, rate_limits=False)):
        ferry.look_around()
        ferry.migrate("VM-06", "host03")
        assert ferry.world.wait_until(
            lambda: [vm.host for vm in ferry.bot.inventory.estate().named("VM-06")] == ["host03"], 5
        )
        before = {name: host.stats for name, host in ferry.lab.hosts.items()}
        assert "VM-06 is on host03" in ferry.text(ferry.say("where VM-06"))
        asked = {name: (host.stats - before[name]).actions["Command"] for name, host in ferry.lab.hosts.items()}
        assert asked == {"host01": 0, "host02": 0, "host03": 1}
