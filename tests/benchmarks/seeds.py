"""The made-up instances that figures are reported of: none on which a rule, a limit or an assumption was tuned.

Whoever tunes anything does it on other ones: `FERRY_FIRST_SEED=100`. An instance that was looked into to change
something is used up, and `FRESH` moves on.
"""

from __future__ import annotations

import os

FRESH = 10_000
FIRST = int(os.environ.get("FERRY_FIRST_SEED", str(FRESH)))


def seeds(count: int) -> range:
    return range(FIRST, FIRST + count)
