"""The log: one line per event, `key=value`, on standard error. Tokens and passwords never pass.

Not the journal: the journal says what was decided and done, the log says how the program fares.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

# Slack's tokens ("Token types", docs.slack.dev), the tickets of its sockets, and passwords inside URLs, wherever a
# library may print them.
_SECRETS = re.compile(r"(x(?:ox[a-z]|app)-|[?&]ticket=)[\w-]+|(://[^:/@\s]+:)[^@/\s]+(?=@)")
# Libraries that would log requests with bodies at levels below these: all that people write, and hosts answer.
_QUIET = {
    "pypsrp": logging.CRITICAL,  # it logs a traceback for every time-out; ours say the same in the host's words
    **dict.fromkeys(("spnego", "psrpcore", "urllib3", "aiohttp", "dbos", "sqlalchemy"), logging.WARNING),
    **dict.fromkeys(("slack_sdk", "slack_bolt", "bot.slack.listeners.bolt"), logging.INFO),
}


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def redact(text: str) -> str:
    return _SECRETS.sub(lambda match: f"{match[1] or match[2]}…", text)


def configure(level: str) -> None:
    """Set up the process's log. Call once, from the command line only."""
    _install(logging.StreamHandler(), level)


def to_file(path: Path, level: str) -> None:
    """The same, into a file: a terminal that shows cards has no room for a log."""
    _install(logging.FileHandler(path, encoding="utf-8"), level)


def _install(handler: logging.Handler, level: str) -> None:
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)
