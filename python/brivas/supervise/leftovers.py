"""Processes of an earlier `brivas up` that was killed: they drain and end by themselves.

The next one waits for them, or it would find its ports and its journal taken.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from brivas import settings
from brivas.errors import BrivasError
from brivas.layout import Layout, read_json
from brivas.log import Log

POLL_SECONDS = 0.05
PROCESSES = Path("/proc")


async def wait_for_leftovers(layout: Layout, log: Log, timeout_seconds: float, stop: asyncio.Event) -> None:
    """Returns once none is left, or `stop` is set; an error names those that do not end."""
    left = _leftovers(layout)
    if not left:
        return
    log.info("waiting_for_earlier_processes", pids=left)
    try:
        async with asyncio.timeout(timeout_seconds):
            # They are no children of ours: nothing tells their end.
            while (left := _leftovers(layout)) and not stop.is_set():  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        names = ", ".join(str(pid) for pid in left)
        raise BrivasError(
            f"processes of an earlier `brivas up` still run after {timeout_seconds:.0f} seconds: {names}",
            hint=f"end them: kill -9 {names.replace(',', '')}",
        ) from None


def _leftovers(layout: Layout) -> list[int]:
    """The processes of the supervisor that the last endpoints name; a clean stop removes that file.

    They are known by their environment, which workers of the HTTP face inherit: an id alone may be another's by now.
    """
    supervisor = (read_json(layout.endpoints) or {}).get("pid")
    if not isinstance(supervisor, int):
        return []
    marks = {
        f"{settings.SUPERVISOR_PID.variable}={supervisor}".encode(),
        f"{settings.DATA.variable}={layout.data}".encode(),
    }
    return sorted(int(each.name) for each in PROCESSES.glob("[0-9]*") if marks <= _environment(each))


def _environment(process: Path) -> set[bytes]:
    """Nothing of a process that has ended, or is another user's."""
    try:
        return set((process / "environ").read_bytes().split(b"\0"))
    except OSError:
        return set()
