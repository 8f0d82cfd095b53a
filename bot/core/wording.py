"""How numbers, durations and Hyper-V's states are said: the one place, so that every answer says them alike.

Sizes are binary, as Hyper-V Manager and Explorer show them: 1 GB is 1024 MB. Nothing here knows chat or mark-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.estate import DrainStatus, GroupState, NodeState, Status, VmState
from bot.core.grammar.words import plain, quote

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_STATES: dict[int, str] = {
    VmState.OTHER: "in a state of its own",
    VmState.RUNNING: "running",
    VmState.OFF: "off",
    VmState.STOPPING: "stopping",
    VmState.SAVED: "saved",
    VmState.PAUSED: "paused",
    VmState.STARTING: "starting",
    VmState.SAVING: "being saved",
    VmState.PAUSING: "pausing",
    VmState.RESUMING: "resuming",
    VmState.RUNNING_CRITICAL: "running, critical",
    VmState.OFF_CRITICAL: "off, critical",
    VmState.SAVED_CRITICAL: "saved, critical",
    VmState.PAUSED_CRITICAL: "paused, critical",
}

_STATUSES: dict[int, str] = {
    Status.OK: "operating normally",
    Status.DEGRADED: "degraded",
    Status.IN_SERVICE: "busy",
    Status.CREATING_SNAPSHOT: "making a checkpoint",
    Status.DELETING_SNAPSHOT: "deleting a checkpoint",
    Status.MERGING_DISKS: "merging disks",
    Status.EXPORTING: "being exported",
    Status.MIGRATING: "migrating",
    Status.BACKING_UP: "being backed up",
    Status.STORAGE_MIGRATION_PHASE_ONE: "moving its storage",
    Status.STORAGE_MIGRATION_PHASE_TWO: "finishing the move of its storage",
    Status.MIGRATING_PLANNED: "arriving by migration",
    Status.CHECKING_COMPATIBILITY: "being checked for compatibility",
    Status.CRITICAL_IO_ERROR: "cut off from its storage",
}

_NODE_STATES: dict[int, str] = {
    NodeState.UNKNOWN: "in an unknown state",
    NodeState.UP: "up",
    NodeState.DOWN: "down",
    NodeState.PAUSED: "paused",
    NodeState.JOINING: "joining",
}

_DRAINS: dict[int, str] = {
    DrainStatus.NOT_INITIATED: "",
    DrainStatus.IN_PROGRESS: "draining",
    DrainStatus.COMPLETED: "drained",
    DrainStatus.FAILED: "drain failed",
}

_GROUP_STATES: dict[int, str] = {
    GroupState.UNKNOWN: "in an unknown state",
    GroupState.ONLINE: "online",
    GroupState.OFFLINE: "offline",
    GroupState.FAILED: "failed",
    GroupState.PARTIAL_ONLINE: "partly online",
    GroupState.PENDING: "pending",
}


def render_bytes(count: float) -> str:
    """`8589934592` is "8.0 GB", `136365211648` is "127 GB": two digits at least, never false precision."""
    value, unit = float(count), 0
    while unit < len(_UNITS) - 1 and round(value) >= 1024:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} B" if unit == 0 else f"{_digits(value)} {_UNITS[unit]}"


def render_share(part: float, whole: float) -> str:
    """A part of a whole, the unit said once where it is the same: "52 of 128 GB"."""
    some, all_of_it = render_bytes(part), render_bytes(whole)
    number, unit = some.split(" ")
    return f"{number} of {all_of_it}" if all_of_it.endswith(f" {unit}") else f"{some} of {all_of_it}"


def render_rate(bytes_s: float) -> str:
    return f"{render_bytes(bytes_s)}/s"


def render_duration(seconds: float) -> str:
    """Measured time, in the two largest units that matter: "47 s", "4 min 5 s", "2 h 10 min", "41 days"."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole // _MINUTE, "min", whole % _MINUTE, "s")
    if whole < 2 * _DAY:
        return _two(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "min")
    return f"{whole // _DAY} days"


def render_about(seconds: float) -> str:
    """Estimated time, as exact as an estimate may sound: "about 8 s", "about 25 s", "about 4 min", "about 2 h 30 min".

    Below ten seconds to the second, then to 5 seconds, 1 minute, 10 minutes, 1 hour.
    """
    whole = max(1, round(seconds))
    if whole < 10:
        return f"about {whole} s"
    if (near := _nearest(whole, 5)) < _MINUTE:
        return f"about {near} s"
    if (near := _nearest(whole, _MINUTE)) < _HOUR:
        return f"about {near // _MINUTE} min"
    if (near := _nearest(whole, 10 * _MINUTE)) < 10 * _HOUR:
        return f"about {_two(near // _HOUR, 'h', near % _HOUR // _MINUTE, 'min')}"
    return f"about {_nearest(whole, _HOUR) // _HOUR} h"


def render_ago(then: datetime, now: datetime) -> str:
    """How long ago, coarsely: "just now", "12 s ago", "3 days ago". Clocks that disagree give "just now"."""
    seconds = (now - then).total_seconds()
    if seconds < 5:
        return "just now"
    if seconds < _MINUTE:
        return f"{seconds // 1:.0f} s ago"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min ago"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h ago"
    return f"{seconds // _DAY:.0f} days ago"


def render_count(count: int, noun: str, plural: str = "") -> str:
    """ "1 disk", "2 disks", "no disks"."""
    return f"{count or 'no'} {noun if count == 1 else plural or noun + 's'}"


def render_use(count: int, limit: int, what: str) -> str:
    """Of a limit, which may have been lowered meanwhile: "2 of 2 live migrations", "3 live migrations and allows 2"."""
    return f"{count} of {limit} {what}" if count <= limit else f"{count} {what} and allows {limit}"


def render_range(low_s: float, high_s: float) -> str:
    """Between two estimates, each as exact as one may sound: " (2 min to 5 min)"; nothing where both sound alike."""
    low, high = (render_about(seconds).removeprefix("about ") for seconds in (low_s, high_s))
    return f" ({low} to {high})" if low != high else ""


def render_list(items: Sequence[str], most: int = 4, last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"; empty for nothing. At most so many: "a, b, c, d and 60 more"."""
    if len(items) > most + 1:
        items = [*items[:most], f"{len(items) - most} more"]
    return f" {last} ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def capital(text: str, *names: str) -> str:
    """A capital first letter, unless a name stands first: one of these, or what is no plain word, like host02."""
    first = text.split(" ", 1)[0].rstrip(",:;")
    named = not first.isalpha() or any(first == name or text.startswith(f"{name} ") for name in names)
    return text if named else text[:1].upper() + text[1:]


def render_word(text: str) -> str:
    """A name as it would be typed in a command: in quotes where it needs them."""
    return text if plain(text) else quote(text)


def render_state(state: int) -> str:
    """A VM's state. Hosts may report numbers that Ferry has no name for; those are said as numbers."""
    return _STATES.get(state, f"in state {state}")


def render_node_state(state: int) -> str:
    return _NODE_STATES.get(state, f"in state {state}")


def render_drain(status: int) -> str:
    """Empty where nothing is or was drained."""
    return _DRAINS.get(status, f"drain status {status}")


def render_group_state(state: int) -> str:
    return _GROUP_STATES.get(state, f"in state {state}")


def render_status(status: Sequence[int]) -> str:
    """What a VM is busy with, from its operational statuses: the second one where there is one."""
    telling = next((value for value in reversed(status) if value not in (Status.OK, Status.IN_SERVICE)), None)
    if telling is None:
        telling = status[0] if status else Status.OK
    return _STATUSES.get(telling, f"in operational status {telling}")


def render_busy(status: Sequence[int]) -> str:
    """The same, but nothing for a VM that is not busy and well."""
    return "" if tuple(status) in ((), (Status.OK,)) else render_status(status)


def _digits(value: float) -> str:
    return f"{value:.1f}" if round(value, 1) < 10 else f"{value:.0f}"


def _nearest(value: float, step: int) -> int:
    return step * round(value / step)


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")
