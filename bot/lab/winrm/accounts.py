"""Who may log on to an endpoint, and how pyspnego's NTLM acceptor is told of it.

Facts
1. The acceptor reads names and passwords from the file that the environment variable NTLM_USER_FILE names, one
   DOMAIN:USER:PASSWORD a line, when a context is made and when it checks a response (pyspnego 0.12, _ntlm.py).
2. The environment belongs to the process. So the variable is set around each step only, under one lock for the process,
   and several endpoints may have different users.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "NTLM_USER_FILE"
_ENVIRONMENT = threading.Lock()  # guards what the process has only one of


class Accounts:
    """Users by name, as "name", "DOMAIN\\name" or "name@domain"; names are compared without regard to case."""

    def __init__(self, users: Mapping[str, str]) -> None:
        for text in (*users, *users.values()):
            if set(text) & set(":\r\n"):
                raise ValueError("names and passwords cannot hold a colon or a line break: the file has no escape")
        self._users = dict(users)
        self._names = {name.casefold(): name for name in users}
        self._file: Path | None = None

    def open(self) -> None:
        """Write the file for NTLM, readable by this user only."""
        handle, path = tempfile.mkstemp(prefix="ntlm-users-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for name, password in self._users.items():
                domain, _, user = name.rpartition("\\")
                file.write(f"{domain}:{user}:{password}\n")
        self._file = Path(path)

    def close(self) -> None:
        """Remove the file. Idempotent."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file = None

    def known(self, name: str) -> str | None:
        """The user's name as it was given to this object."""
        return self._names.get(name.casefold())

    def check(self, name: str, password: str) -> str | None:
        """The user's name if the password is right."""
        user = self.known(name)
        return user if user is not None and self._users[user] == password else None

    @contextmanager
    def for_ntlm(self) -> Iterator[None]:
        """Within this block, pyspnego's acceptor knows these users. Keep it short: it holds the lock."""
        with _ENVIRONMENT:
            before = os.environ.get(_VARIABLE)
            os.environ[_VARIABLE] = str(self._file)
            try:
                yield
            finally:
                if before is None:
                    del os.environ[_VARIABLE]
                else:
                    os.environ[_VARIABLE] = before
