"""What an earlier `brivas up` left running is waited for, and nothing else is."""

from __future__ import annotations

import asyncio
import os
import subprocess
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
def left(supervisor: int = SUPERVISOR) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when its input does."""
    environment = {**os.environ, settings.SUPERVISOR_PID.variable: str(supervisor)}
    with subprocess.Popen(["/bin/cat"], env=environment, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def wait(layout: Layout, seconds: float) -> None:
    async def run() -> None:
        await wait_for_leftovers(layout, Log("test"), seconds, asyncio.Event())

    asyncio.run(run())


def test_a_process_that_does_not_end_is_named(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with left() as process:
        write_private_json(layout.endpoints, {"pid": SUPERVISOR, "pids": {"gateway": process.pid}})
        with pytest.raises(BrivasError, match=f"still run .*{process.pid}") as caught:
            wait(layout, 0.1)
        assert caught.value.hint == f"end them: kill -9 {process.pid}"
        process.kill()
        process.wait()
        wait(layout, 10.0)


def test_another_process_with_that_id_is_not_waited_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    wait(layout, 0.0)
    with left(supervisor=SUPERVISOR + 1) as process:
        write_private_json(layout.endpoints, {"pid": SUPERVISOR, "pids": {"gateway": process.pid, "api": None}})
        wait(layout, 0.0)
