"""Can this move be done? What was read of VM and hosts goes in, findings come out: fine, warning, blocking.

Not the last word: the hosts compare themselves once a move is confirmed, and may see what Ferry cannot. A check
that has nothing to tell says nothing; a check that could not see says so. Each finding has a stable `code`:

    cluster   role node possible_owner preferred_owner rules apart interruption
    machine   clustered state busy shared_disk passthrough_disk differencing dvd checkpoints
    hosts     same_host migration authentication authentication_differs switch switch_type memory version limit
    files     storage cluster_storage drive room share already_stored collision
"""

from __future__ import annotations

from bot.core.preflight.changes import changes
from bot.core.preflight.checks import CHECKS, check

__all__ = ["CHECKS", "changes", "check"]
