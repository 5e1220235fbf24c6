"""A data directory has one supervisor: a lock that ends with its process, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from brivas.errors import BrivasError, FileError
from brivas.layout import Layout, make_folder


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Holds the data directory; an error says who has it already."""
    make_folder(layout.data)
    make_folder(layout.run)
    file = layout.run / "up.lock"
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FileError(error, f"write {file}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            hint = f"stop process {holder}, or name another folder with --data"
            raise BrivasError(f"{layout.data} is in use by another `brivas up` (process {holder})", hint=hint) from None
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            raise FileError(error, f"write {file}") from error
        yield
    finally:
        os.close(descriptor)
