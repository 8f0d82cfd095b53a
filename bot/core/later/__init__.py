"""Changes that are agreed to now and begin later: `calendar` says when, `differences` what has changed by then."""

from __future__ import annotations

from bot.core.later.calendar import Calendar
from bot.core.later.differences import find_differences

__all__ = ["Calendar", "find_differences"]
