"""How old is what was last seen, and when does it have to be asked again before it is the last word?

What was seen is shown at once, with its age; whatever is decided on is read live, and never goes by this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.core.estate import Seen
from bot.core.reply import Interim, Reply
from bot.core.wording import render_ago

FRESH_S = 5.0
"""What is no older is "just now" to people, and is shown without asking again."""

NOT_YET = "Ferry has not looked at it yet"
"""Why nothing is known of a host, until the first look at it has ended."""

ASKING = "being asked now, and then this answer is replaced"


def is_fresh(hosts: Sequence[Seen], now: datetime) -> bool:
    return all(seen.failure != NOT_YET and (now - seen.at).total_seconds() < FRESH_S for seen in hosts)


def moments_of(hosts: Sequence[Seen]) -> list[datetime]:
    """When those that have been looked at were last looked at, answer or not."""
    return [seen.at for seen in hosts if seen.failure != NOT_YET]


def render_seen(moments: Sequence[datetime], now: datetime) -> str:
    """ "seen just now", "seen 12 s ago", "seen just now to 4 min ago", "not seen yet"."""
    if not moments:
        return "not seen yet"
    newest, oldest = render_ago(max(moments), now), render_ago(min(moments), now)
    return f"seen {oldest}" if newest == oldest else f"seen {newest} to {oldest}"


def interim(reply: Reply, moments: Sequence[datetime], now: datetime, learn: Callable[[], Reply]) -> Interim:
    """What was seen, marked as such, until `learn` has asked the hosts."""
    return Interim(reply.model_copy(update={"badge": f"{render_seen(moments, now)} · {ASKING}"}), learn)
