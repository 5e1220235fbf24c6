"""One supervised process: started, watched, started again after a pause that grows, stopped with a deadline.

Watching is a pidfd in the event loop: no thread, no signal handler for children. The process gets its own process group
(Ctrl-C reaches the supervisor only, which stops them in order) and ends with the supervisor (`brivas.supervised`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from brivas import settings
from brivas.errors import BrivasError
from brivas.log import Log

RESTART_INITIAL_SECONDS = 0.2
RESTART_MAX_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A process that ran this long is started again without delay."""

EARLY_FAILURES_MAX = 3
"""Before everything was ready once, a process may fail this often; then `brivas up` gives up."""

_WILL_NOT_HELP = (2, 3)
"""Exit codes after which another start would fail alike: usage, configuration."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_seconds: float


class SupervisedProcess:
    """A process that is kept running until `stop`."""

    def __init__(self, plan: Plan, log: Log, changed: Callable[[], None]) -> None:
        self.name = plan.name
        self._plan = plan
        self._log = log
        self._changed = changed
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = asyncio.Event()
        self._failures = 0
        self.settled = False
        """Everything was ready once: from now on failures are answered by starts only."""

    @property
    def pid(self) -> int | None:
        """Of the running process; None while there is none."""
        return self._child.pid if self._child else None

    async def run(self) -> None:
        """Keeps the process running; returns once stopped. Raises when it cannot be started at all."""
        pause = RESTART_INITIAL_SECONDS
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self._log.error("process_ended", process=self.name, exit_code=code)
            self._give_up_early(code)
            if loop.time() - started > STEADY_SECONDS:
                pause = RESTART_INITIAL_SECONDS
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                pause = min(pause * 2, RESTART_MAX_SECONDS)

    async def stop(self) -> None:
        """SIGTERM, then after the deadline SIGKILL."""
        self._stopping.set()
        child = self._child
        if child is None:
            return
        child.terminate()
        try:
            await asyncio.wait_for(_ended(child), self._plan.stop_seconds)
        except TimeoutError:
            self._log.error("process_killed", process=self.name, after_seconds=self._plan.stop_seconds)
            child.kill()
            await _ended(child)

    async def _run_once(self) -> int:
        child = self._child = _spawn(self._plan)
        self._changed()
        try:
            await _ended(child)
        finally:
            if child.poll() is None:
                # Cancelled: nothing may outlive the supervisor's loop.
                child.send_signal(signal.SIGTERM)
            self._child = None
        return child.returncode

    def _give_up_early(self, code: int) -> None:
        if self.settled:
            return
        self._failures += 1
        if code in _WILL_NOT_HELP or self._failures >= EARLY_FAILURES_MAX:
            raise BrivasError(
                f"{self.name} does not start (exit code {code}, tried {self._failures} times)",
                hint="its last lines above say why; `brivas doctor` looks for the usual causes",
            )


def _spawn(plan: Plan) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        plan.command,
        env={**os.environ, **plan.environment, settings.SUPERVISOR_PID.variable: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        process_group=0,
    )


async def _ended(child: subprocess.Popen[bytes]) -> None:
    """Waits until the process has ended, and reaps it."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = os.pidfd_open(child.pid) if child.poll() is None else -1
    if descriptor < 0:
        return
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    child.wait()
