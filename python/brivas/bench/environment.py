"""The machine and the programs that were measured, for the results."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """In short: what a figure depends on first."""
    return {"cpu": _cpu(), "cores": os.cpu_count(), "memory_bytes": _memory_bytes(), "kernel": platform.release()}


def environment() -> dict[str, Any]:
    """In full."""
    from brivas import _core

    return {
        "machine": machine(),
        "load_average": os.getloadavg(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "brivas": metadata.version("brivas"),
        "engine": _core.__version__,
        "profile": _core.PROFILE,
        "placement": "load, gateway or mover, and carrier: a process each, unpinned, over loopback TCP",
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
