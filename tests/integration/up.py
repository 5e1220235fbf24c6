"""A `brivas up` in a test: everything with one command, on free ports, in a data directory of the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.wire import Client

READY_SECONDS = 60
BRIVAS = (sys.executable, "-m", "brivas.cli")


class Up:
    """A running `brivas up`."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.ready_file = data.parent / "ready.json"
        self.ready_file.unlink(missing_ok=True)
        self.output = (data.parent / "stdout").open("w+")
        self.errors = (data.parent / "stderr").open("w+")
        command = (
            *BRIVAS,
            "up",
            "--data",
            str(data),
            "--ports",
            "auto",
            "--ready-file",
            str(self.ready_file),
            *options,
        )
        self.process = subprocess.Popen(command, stdout=self.output, stderr=self.errors)

    def ready(self, wanted: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """The ready file, once it says what is wanted."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                pytest.fail(f"ended with {self.process.returncode}: {self.said()}")
            if self.ready_file.exists():
                ready: dict[str, Any] = json.loads(self.ready_file.read_text())
                if wanted(ready):
                    return ready
            time.sleep(0.02)
        pytest.fail(f"not ready: {self.said()}")

    def said(self) -> str:
        return (self.data.parent / "stderr").read_text()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of ours on the same data."""
        command = (*BRIVAS, "--data", str(self.data), *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def json(self, *arguments: str) -> dict[str, Any]:
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        answer: dict[str, Any] = json.loads(ended.stdout)
        return answer

    def bind(self, mode: str = "transceiver") -> Client:
        """A bind of the sample account."""
        smpp = self.ready()["smpp"]
        client = Client((smpp["host"], smpp["port"]))
        try:
            assert client.bind(smpp["system_id"], smpp["password"], mode=mode).status == 0
        except BaseException:
            client.close()
            raise
        return client

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()
        self.errors.close()


@contextmanager
def running(data: Path, *options: str) -> Iterator[Up]:
    up = Up(data, *options)
    try:
        yield up
    finally:
        up.close()
