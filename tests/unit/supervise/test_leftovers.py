"""What an earlier `brivas up` left running is waited for, and nothing else is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brivas import settings
from brivas.errors import BrivasError
from brivas.layout import Layout, write_private_json
from brivas.log import Log
from brivas.supervise.leftovers import wait_for_leftovers

SUPERVISOR = 4_194_305
"""Above every process id."""


@contextmanager
def left(data: Path, supervisor: int = SUPERVISOR) -> Iterator[subprocess.Popen[bytes]]:
    """A process that `brivas up` started, it seems."""
    told = {settings.SUPERVISOR_PID.variable: str(supervisor), settings.DATA.variable: str(data)}
    environment = {**os.environ, **told}
    with subprocess.Popen(["/bin/cat"], env=environment, stdin=subprocess.PIPE) as process:
        try:
            _shows(process, f"{settings.SUPERVISOR_PID.variable}={supervisor}".encode())
            yield process
        finally:
            process.kill()


def _shows(process: subprocess.Popen[bytes], mark: bytes) -> None:
    """`Popen` returns when exec closed its pipe, a moment before the kernel shows the new environment."""
    ends = time.monotonic() + 10.0
    while mark not in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
        assert time.monotonic() < ends, "the environment was never shown"
        time.sleep(0.001)


def wait(layout: Layout, seconds: float) -> None:
    async def run() -> None:
        await wait_for_leftovers(layout, Log("test"), seconds, asyncio.Event())

    asyncio.run(run())


def test_a_process_that_does_not_end_is_named(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_private_json(layout.endpoints, {"pid": SUPERVISOR})
    with left(tmp_path) as process:
        with pytest.raises(BrivasError, match=f"still run .*{process.pid}") as caught:
            wait(layout, 0.1)
        assert caught.value.hint == f"end them: kill -9 {process.pid}"
        process.kill()
        process.wait()
        wait(layout, 10.0)


def test_processes_of_another_supervisor_or_data_directory_are_not_waited_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with left(tmp_path):
        wait(layout, 0.0)
    write_private_json(layout.endpoints, {"pid": SUPERVISOR})
    with left(tmp_path, SUPERVISOR + 1), left(tmp_path / "other"):
        wait(layout, 0.0)
