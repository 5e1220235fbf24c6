"""Large files that resources name: the engine reads them itself; here they are found, and known by their checksum.

The checksum stands in the snapshot: a file that has changed is a configuration that has changed.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from brivas.errors import ConfigError
from brivas.v1 import control_pb2

FileName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_024,
        description="A file: absolute, or relative to the configuration folder, or else to the data directory.",
        examples=["numbers/ported.csv"],
    ),
]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """Where it is, and what is in it."""

    path: str
    sha256: str

    def compiled(self) -> control_pb2.DataFile:
        """For the engine."""
        return control_pb2.DataFile(path=self.path, sha256=bytes.fromhex(self.sha256))


@dataclass(frozen=True, slots=True)
class FileSource:
    """Finds files under one of `folders`: the first that has it."""

    folders: tuple[Path, ...]

    def find(self, name: str) -> FoundFile:
        """The file; a ConfigError says why there is none."""
        path = Path(name)
        candidates = [path] if path.is_absolute() else [folder / path for folder in self.folders]
        for candidate in candidates:
            try:
                status = candidate.stat()
                if not candidate.is_file():
                    continue
                absolute = str(candidate.resolve())
                digest = _sha256(absolute, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise ConfigError(
                    f"{candidate}: {error.strerror}", hint="the process must be able to read it"
                ) from error
            return FoundFile(absolute, digest)
        looked = ", ".join(str(candidate) for candidate in candidates)
        raise ConfigError(f"no such file: {name}", hint=f"looked for {looked}")


@functools.lru_cache(maxsize=256)
def _sha256(path: str, device: int, inode: int, size: int, changed_ns: int) -> str:
    """Of a file that looks like this from outside: it is read again when it looks different."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
