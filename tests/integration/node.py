"""Peers made of npm smpp, unmodified: programs of tests/peers/node. A peer that is missing fails the test."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import pytest

FOLDER: Final = Path(__file__).parents[1] / "peers" / "node"
SECONDS: Final = 30.0


class NodePeer:
    """A running program; what it says is JSON, one object a line."""

    def __init__(self, program: str, **told: Any) -> None:
        command = (node(), str(FOLDER / program), json.dumps(told))
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said: list[dict[str, Any]] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def __enter__(self) -> NodePeer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def next(self, what: str) -> dict[str, Any]:
        """The next thing of this kind that it says; the others are kept in `said`."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                pytest.fail(f"no {what!r} from the peer within {SECONDS:g} s; it said {self.said}")
            if line is None:
                pytest.fail(f"the peer ended without {what!r}; it said {self.said}")
            self._note(line)
            if self.said[-1]["what"] == what:
                return self.said[-1]

    def finish(self) -> int:
        """Waits for its end; its exit code. All that it said stands in `said`."""
        code = self._process.wait(SECONDS)
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            self._note(line)
        return code

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait(SECONDS)
        self._reader.join(SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _note(self, line: str) -> None:
        try:
            self.said.append(json.loads(line))
        except ValueError:
            # Node's own words, when it fails.
            self.said.append({"what": "error", "why": line})

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


def node() -> str:
    """The program `node`, with npm smpp as the lock file pins it."""
    program = shutil.which("node")
    if program is None:
        pytest.fail("node is missing: the integration tests have npm smpp as a peer; install Node.js (.ci/run does)")
    locked = json.loads((FOLDER / "package-lock.json").read_text())["packages"]["node_modules/smpp"]["version"]
    installed = FOLDER / "node_modules" / "smpp" / "package.json"
    if not installed.is_file() or json.loads(installed.read_text())["version"] != locked:
        pytest.fail(f"npm smpp {locked} is missing: run `make peers`")
    return program
