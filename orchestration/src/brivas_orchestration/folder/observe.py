"""What a folder looks like from outside: names, sizes and times of its files. Equal means: nothing to read again."""

from __future__ import annotations

from pathlib import Path

from brivas.errors import ConfigError
from brivas.resources.config import list_files

Observation = tuple[tuple[str, int, int, int], ...]


def observe(folder: Path, also: tuple[Path, ...] = ()) -> Observation:
    """Of each file: path, inode, size, time of change. `also`: the files that hold its secrets."""
    try:
        files = list_files(folder)
    except ConfigError:
        files = []
    seen: list[tuple[str, int, int, int]] = []
    for file in [*files, *also]:
        try:
            status = file.stat()
        except OSError:
            continue
        seen.append((str(file), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(seen)
