"""Settings: `ferry.toml` and the environment, read once.

A leaf beside `bot.errors`: adapters take their part of it as plain values. Secrets come from the environment or the
file as `SecretStr` and never leave it in a log, a message or the database.
"""

from __future__ import annotations

from bot.settings.loading import SettingsError, explain, load
from bot.settings.nodes import hosts_with, name_of_node
from bot.settings.policy import (
    DAYS,
    ApprovalSettings,
    HoursSettings,
    PolicySettings,
    RuleSettings,
    ScopeSettings,
)
from bot.settings.sections import (
    LOOPBACK,
    Authentication,
    EvacuationSettings,
    HostSettings,
    LogSettings,
    OperationSettings,
    Settings,
    SlackSettings,
)

__all__ = [
    "DAYS",
    "LOOPBACK",
    "ApprovalSettings",
    "Authentication",
    "EvacuationSettings",
    "HostSettings",
    "HoursSettings",
    "LogSettings",
    "OperationSettings",
    "PolicySettings",
    "RuleSettings",
    "ScopeSettings",
    "Settings",
    "SettingsError",
    "SlackSettings",
    "explain",
    "hosts_with",
    "load",
    "name_of_node",
]
