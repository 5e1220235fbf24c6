"""`brivas up` as scripts see it: the ready file, restarts, signals, live reload."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def ended(pid: int, timeout_seconds: float = 30) -> bool:
    """Whether a process that is not our child has ended in time."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], timeout_seconds)[0])
    finally:
        os.close(watched)


def test_the_first_message_gets_its_receipt_and_sigterm_exits_0(data: Path) -> None:
    with running(data) as up:
        ready = up.ready()
        assert up.ready_file.stat().st_mode & 0o777 == 0o600
        assert {"smpp", "carrier", "messaging", "http", "data", "pid", "pids"} <= ready.keys()
        assert ready["pid"] == up.process.pid
        sent = up.json("send", "--to", "+491701234567", "--from", "Brivas", "--text", "hello", "--wait")
        assert sent["state"] == "delivered"
        assert [event["kind"] for event in sent["history"]][:3] == ["accepted", "sent", "final"]
        tail = up.run("messages", "tail", "--no-follow", "--json").stdout.splitlines()
        assert sent["id"] in {json.loads(line)["id"] for line in tail}
        assert up.json("messages", "show", sent["id"])["text"] == "hello"
        assert {bind["state"] for bind in up.json("binds", "--side", "carrier")["binds"]} == {"bound_trx"}
        assert up.json("routes", "explain", "491701234567")["route"] == "default"
        assert up.json("doctor")["ok"] is True
        pids = ready["pids"].values()
        up.process.terminate()
        assert up.process.wait(40) == 0, up.said()
        assert all(ended(pid) for pid in pids)


def test_ports_and_credentials_stay_and_the_password_is_printed_once(data: Path) -> None:
    with running(data) as up:
        first = up.ready()
        up.close()
        assert first["smpp"]["password"] in (data.parent / "stdout").read_text()
    with running(data) as up:
        second = up.ready()
        for key in ("pid", "pids"):
            first.pop(key)
            second.pop(key)
        assert second == first
        up.close()
        assert first["smpp"]["password"] not in (data.parent / "stdout").read_text()


def test_a_process_that_is_killed_comes_back_and_the_ready_file_follows(data: Path) -> None:
    with running(data) as up:
        before = up.ready()
        sent = up.json("send", "--to", "491701234567", "--from", "Brivas", "--text", "before", "--wait")
        for name in ("ops", "api", "gateway"):
            pid = before["pids"][name]
            os.kill(pid, signal.SIGKILL)
            up.ready(lambda ready, name=name, pid=pid: ready["pids"].get(name) not in (None, pid))  # type: ignore[misc]
        end = time.monotonic() + READY_SECONDS
        while (shown := up.run("messages", "show", sent["id"], "--json")).returncode != 0:
            assert time.monotonic() < end, shown.stderr
        assert json.loads(shown.stdout)["state"] == "delivered"


def test_nothing_outlives_a_supervisor_that_is_killed(data: Path) -> None:
    with running(data) as up:
        ready = up.ready()
        up.process.kill()
        up.process.wait()
        assert all(ended(pid) for pid in ready["pids"].values())
    with running(data) as up:
        assert up.ready()["smpp"] == ready["smpp"]


def test_a_wrong_file_keeps_the_old_configuration_and_a_right_one_is_taken_live(data: Path) -> None:
    def settled(state: str, after: str) -> dict[str, Any]:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            status = up.json("config", "status")
            if status["state"] == state and status["at"] > after:
                return status
        pytest.fail(f"never {state}: {up.said()}")

    with running(data) as up:
        up.ready()
        first = up.json("config", "status")
        file = data / "config" / "route-default.yaml"
        right = file.read_text()
        file.write_text(right.replace("carrier: simulator", "carrier: nobody"))
        refused = settled("refused", first["at"])
        assert refused["problems"][0]["file"] == str(file)
        assert refused["problems"][0]["hint"] == "Carriers there are: simulator"
        assert (
            up.json("send", "--to", "491701234567", "--from", "Brivas", "--text", "x", "--wait")["state"] == "delivered"
        )
        binds = {bind["since_ms"] for bind in up.json("binds")["binds"]}
        file.write_text(right.replace('prefix: ""', 'prefix: "49"', 1))
        settled("applied", refused["at"])
        assert up.json("routes", "explain", "491701234567")["steps"] != []
        assert up.json("routes", "explain", "331701234567")["route"] is None
        assert {bind["since_ms"] for bind in up.json("binds")["binds"]} == binds, "a reload keeps the binds"


def test_a_wrong_configuration_of_the_first_start_is_refused_with_exit_code_3(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.yaml").write_text("apiVersion: brivas.io/v1\nkind: Carrier\nmetadata: {name: one}\nspec: {}\n")
    with running(data, "--config", str(folder)) as up:
        assert up.process.wait(30) == 3
        assert "a.yaml:4:7: $.spec.host: `host` is missing" in up.said()


def test_with_a_configuration_of_ones_own_there_is_no_sample(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with running(data, "--config", str(folder), "--no-sample-carrier") as up:
        ready = up.ready()
        assert "carrier" not in ready
        assert "system_id" not in ready["smpp"]
        assert not (data / "config").exists()


def test_a_second_supervisor_of_the_same_data_is_refused(data: Path) -> None:
    with running(data) as up:
        up.ready()
        second = up.run("up", "--ports", "auto")
        assert second.returncode == 1
        assert f"in use by another `brivas up` (process {up.process.pid})" in second.stderr
