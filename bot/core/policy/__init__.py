"""Who may do what to what, where and when; and who has to approve it.

`model` is what a policy is made of, `decide` asks it, `approvals` counts, `lint` finds what cannot be meant, and
`explain` says why. All of it is pure: who is in which group, and what time it is, come in as arguments.
"""

from __future__ import annotations

from bot.core.policy.approvals import Wanted, count, counts_for, find_needed
from bot.core.policy.decide import (
    HOLD_FREEZE,
    HOLD_LOCK,
    HOLD_UNFREEZE,
    HOLD_UNLOCK,
    NAMED,
    PLANNED,
    Question,
    decide,
    decide_over,
    find_misses,
    level_of,
)
from bot.core.policy.explain import render_why
from bot.core.policy.lint import Known, Problem, lint
from bot.core.policy.model import (
    DIRECT,
    Approval,
    Groups,
    Hours,
    Level,
    Policy,
    Rule,
    Scope,
    Target,
    Verdict,
    Where,
    is_group,
    matches,
    may_match_one,
    simple,
)
from bot.core.policy.outside import ADMISSIBLE, PEOPLE, Mark, Marks, asks_about
from bot.core.policy.targets import AnyPlan, Facts, count_vms, target_of_hold, targets_of

__all__ = [
    "ADMISSIBLE",
    "DIRECT",
    "HOLD_FREEZE",
    "HOLD_LOCK",
    "HOLD_UNFREEZE",
    "HOLD_UNLOCK",
    "NAMED",
    "PEOPLE",
    "PLANNED",
    "AnyPlan",
    "Approval",
    "Facts",
    "Groups",
    "Hours",
    "Known",
    "Level",
    "Mark",
    "Marks",
    "Policy",
    "Problem",
    "Question",
    "Rule",
    "Scope",
    "Target",
    "Verdict",
    "Wanted",
    "Where",
    "asks_about",
    "count",
    "count_vms",
    "counts_for",
    "decide",
    "decide_over",
    "find_misses",
    "find_needed",
    "is_group",
    "level_of",
    "lint",
    "matches",
    "may_match_one",
    "render_why",
    "simple",
    "target_of_hold",
    "targets_of",
]
