"""Writing the files to a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.errors import Refused


def write_files(folder: Path, contents: Mapping[str, str], *, force: bool = False) -> tuple[Path, ...]:
    """All of them or none. A file that is there already with the same content is no obstacle, another one is.

    Args:
        contents: by path below the folder, with / between its parts.
        force: overwrites.

    Raises:
        Refused: a file differs, or one cannot be written.
    """
    files = {folder / path: text.encode() for path, text in contents.items()}
    try:
        differing = [file for file, content in files.items() if file.exists() and file.read_bytes() != content]
        if differing and not force:
            raise Refused(f"{differing[0]} is there and differs", hint="--force overwrites it; --out writes elsewhere")
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    except OSError as error:
        raise Refused(f"{error.filename} cannot be written: {error.strerror}") from None
    return tuple(files)
