"""The session configurations of a lab's hosts: PowerShell's own, and the one that `ferry jea` writes, entered for real.

So whatever Ferry does in the lab it does within the role that an administrator would give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from bot.hyperv.cmdlets import CMDLETS, Cmdlet
from bot.hyperv.jea import ENDPOINT, Identity, render_roles, render_session
from bot.lab.engine import Visible
from bot.lab.jea import Role, enter

__all__ = ["ENDPOINT", "PLAIN", "configurations", "ferry_role"]

PLAIN = "Microsoft.PowerShell"


@cache
def ferry_role(cmdlets: tuple[Cmdlet, ...] = CMDLETS) -> Role:
    """What a member of Ferry's group sees; the files are made and read once per process.

    Every role at once: on a host that is no cluster node, the commands that only nodes have are not there to be shown.
    """
    identity, roles = Identity(), render_roles(cmdlets)
    return enter(render_session(identity, roles), roles, (identity.group,))


def configurations(cmdlets: tuple[Cmdlet, ...] = CMDLETS) -> Mapping[str, Visible]:
    """By name, for a WinRM endpoint.

    Args:
        cmdlets: what the role was made from; those of an older or newer Ferry, perhaps.
    """
    return {PLAIN: None, ENDPOINT: ferry_role(cmdlets)}
