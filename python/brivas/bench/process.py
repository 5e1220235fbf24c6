"""Processes of a round, and the CPU time that each has used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from brivas.errors import BrivasError

STOP_SECONDS = 15.0

Progress = Callable[[dict[str, Any]], None]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # The name is field 2; utime and stime are fields 14 and 15.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Part:
    """A simulation in a process of its own (`brivas.bench.part`)."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        self.kind = kind
        self._process = subprocess.Popen(
            [sys.executable, "-m", "brivas.bench.part", kind, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            stdin = self._process.stdin
            if stdin is not None:
                stdin.write(json.dumps(options) + "\n")
                stdin.flush()
            self._address = self._read().get("address")
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Part:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def address(self) -> str:
        """host:port where it listens."""
        if not isinstance(self._address, str):
            raise BrivasError(f"the {self.kind} does not listen")
        return self._address

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def wait(self, progress: Progress) -> dict[str, Any]:
        """Its result, when it has ended by itself; tells its progress meanwhile."""
        while True:
            line = self._read()
            if "progress" in line:
                progress(line["progress"])
            if "result" in line:
                return self._checked(line["result"])

    def finish(self) -> dict[str, Any]:
        """Ends it; its result."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        return self.wait(lambda _: None)

    def kill(self) -> None:
        """Ends the process, however it stands."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def _read(self) -> dict[str, Any]:
        text = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not text:
            raise BrivasError(f"the {self.kind} ended without a result", hint="its last lines above say why")
        line: dict[str, Any] = json.loads(text)
        if "error" in line:
            raise BrivasError(f"the {self.kind} did not start: {line['error']}")
        return line

    def _checked(self, result: dict[str, Any]) -> dict[str, Any]:
        if result.get("error"):
            raise BrivasError(f"the {self.kind} failed: {result['error']}")
        return result
