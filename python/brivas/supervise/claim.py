"""A data directory has one supervisor: a lock that ends with its process, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brivas import settings
from brivas.errors import BrivasError
from brivas.layout import Layout


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Holds the data directory; an error says who has it already."""
    make_folder(layout.data)
    make_folder(layout.run)
    file = layout.run / "up.lock"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            hint = f"stop process {holder}, or name another folder with --data"
            raise BrivasError(f"{layout.data} is in use by another `brivas up` (process {holder})", hint=hint) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """A private folder, if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = f"--data or {settings.DATA.variable} names another folder"
        raise BrivasError(f"cannot make {folder}: {error.strerror}", hint=hint) from error
