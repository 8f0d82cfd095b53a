"""Where a terminal puts the files that were shared in chat, since it cannot show them. Made with the first of them."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from bot.lab.slack import SharedFile

_UNFIT = re.compile(r'[\x00-\x1f<>:"/\\|?*]|^\.+')  # in file names, on any system


class Folder:
    """Thread-safe. A file that is there already, of this lab or another, is left alone: the new one gets a number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved: dict[str, Path] = {}
        self._lock = threading.Lock()

    def save(self, file: SharedFile) -> Path:
        """Once; afterwards it is only told where. OSError if the folder takes nothing."""
        with self._lock:
            if file.id not in self._saved:
                self._path.mkdir(parents=True, exist_ok=True)
                self._saved[file.id] = self._write(file)
            return self._saved[file.id]

    def _write(self, file: SharedFile) -> Path:
        name = Path(_UNFIT.sub("_", file.name) or "_")
        path, number = self._path / name, 1
        while True:
            try:
                with path.open("xb") as new:
                    new.write(file.data)
            except FileExistsError:
                number += 1
                path = self._path / f"{name.stem}-{number}{name.suffix}"
            else:
                return path
