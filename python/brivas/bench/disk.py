"""What the disk does at this moment: fdatasync beside every figure that waits for it."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

PROBES = 64
WRITE_BYTES = 64 * 1024


def probe_fdatasync(folder: Path) -> list[float]:
    """Milliseconds of fdatasync after each of some writes of 64 KiB, in a file laid out before, as a journal's is."""
    folder.mkdir(parents=True, exist_ok=True)
    block = os.urandom(WRITE_BYTES)
    with tempfile.TemporaryFile(dir=folder) as file:
        descriptor = file.fileno()
        os.posix_fallocate(descriptor, 0, PROBES * WRITE_BYTES)
        os.fsync(descriptor)
        times = []
        for index in range(PROBES):
            os.pwrite(descriptor, block, index * WRITE_BYTES)
            start = time.perf_counter()
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - start) * 1_000)
    return times
