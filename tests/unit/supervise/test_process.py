"""A supervised process is started again, given up, stopped in time, and never outlives its supervisor."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys

import pytest

from brivas.errors import BrivasError
from brivas.log import Log
from brivas.supervise import process
from brivas.supervise.process import EARLY_FAILURES_MAX, Plan, SupervisedProcess


def supervised(script: str, *, stop_seconds: float = 5.0) -> tuple[SupervisedProcess, asyncio.Queue[int | None]]:
    """A process that runs `script`, and its process ids as they come."""
    pids: asyncio.Queue[int | None] = asyncio.Queue()
    plan = Plan("test", (sys.executable, "-c", script), {}, stop_seconds)
    each = SupervisedProcess(plan, Log("test"), lambda: pids.put_nowait(each.pid))
    return each, pids


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RESTART_INITIAL_SECONDS", 0.01)


async def test_a_process_that_dies_is_started_again() -> None:
    each, pids = supervised("import signal; signal.pause()")
    each.settled = True
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(each.run())
        first = await pids.get()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        second = await pids.get()
        assert second not in (None, first)
        await each.stop()


@pytest.mark.parametrize(("code", "starts"), [(1, EARLY_FAILURES_MAX), (3, 1)])
async def test_before_all_is_ready_a_process_that_fails_is_given_up(code: int, starts: int) -> None:
    each, pids = supervised(f"raise SystemExit({code})")
    with pytest.raises(BrivasError, match=f"exit code {code}, tried {starts} times"):
        await asyncio.wait_for(each.run(), 20)
    assert pids.qsize() == starts


DEAF = """
import signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
socket.create_connection(("127.0.0.1", PORT)).close()
signal.pause()
"""


async def test_a_process_that_ignores_sigterm_is_killed_after_its_deadline() -> None:
    deaf = asyncio.Event()

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        deaf.set()
        writer.close()

    async with asyncio.timeout(20), await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        each, pids = supervised(DEAF.replace("PORT", str(port)), stop_seconds=0.1)
        async with asyncio.TaskGroup() as group:
            group.create_task(each.run())
            pid = await pids.get()
            assert pid is not None
            await deaf.wait()
            await each.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


CHILD = """
import signal
from brivas.supervised import end_with_supervisor
end_with_supervisor()
print("up", flush=True)
signal.pause()
"""
PARENT = """
import os, subprocess, sys
environment = {**os.environ, "BRIVAS_SUPERVISOR_PID": str(os.getpid())}
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env=environment)
print(child.pid, flush=True)
child.wait()
"""


def test_a_process_ends_when_its_supervisor_is_killed() -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    assert supervisor.stdout.readline() == "up\n"
    watched = os.pidfd_open(pid)
    supervisor.kill()
    supervisor.wait()
    try:
        assert select.select([watched], [], [], 20)[0], "the child is still running"
    finally:
        os.close(watched)
        supervisor.stdout.close()
