"""Processes of ours in tests: started on free ports, waited for by what they answer, never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

WAIT_SECONDS = 30.0


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = WAIT_SECONDS) -> None:
    """Looks at short intervals until it holds; fails by name when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


class Brivas:
    """A running `brivas` command; its stderr stands in a file. `descriptors`: how many files it may have open."""

    def __init__(self, data: Path, *arguments: str, log: Path, descriptors: int | None = None) -> None:
        self.log = log
        limited = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}:{descriptors}", "--"]
        environment = {**os.environ, "NO_COLOR": "1"}
        environment.pop("BRIVAS_SUPERVISOR_PID", None)
        with log.open("ab") as opened:
            self.process = subprocess.Popen(
                [*limited, sys.executable, "-m", "brivas.cli", "--data", str(data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=opened,
                stderr=opened,
                env=environment,
                start_new_session=True,
            )

    def __enter__(self) -> Brivas:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def logged(self) -> str:
        """What it wrote so far."""
        return self.log.read_text()

    def terminate(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(WAIT_SECONDS)

    def kill(self) -> None:
        """SIGKILL to it and to all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(WAIT_SECONDS)
