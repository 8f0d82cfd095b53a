"""What the log never says."""

from __future__ import annotations

import logging

import pytest

from bot.log import _QUIET, redact


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("token xoxb-1234-abcd used", "1234-abcd"),
        ("token xapp-1-A0-99-ff used", "1-A0-99-ff"),
        ("wss://wss.slack.com/link/?ticket=7f3a-91&app_id=A1", "7f3a-91"),
        ("postgresql://ferry:hunter2@server/ferry", "hunter2"),
    ],
)
def test_secrets_are_cut(said: str, secret: str) -> None:
    assert secret not in redact(said)


def test_libraries_that_log_what_people_write_are_kept_above_debug() -> None:
    for name in ("slack_sdk", "slack_bolt", "bot.slack.listeners.bolt", "psrpcore", "pypsrp", "urllib3"):
        assert _QUIET[name] > logging.DEBUG
