"""`brivas up` as scripts see it: the ready file, restarts, signals, live reload."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.up import READY_SECONDS, running


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
    # At once: the next one waits until they have drained and left ports and journal.
    with running(data) as up:
        assert up.ready()["smpp"] == ready["smpp"]
        assert all(ended(pid) for pid in ready["pids"].values())


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
    (folder / "a.yaml").write_text(
        "apiVersion: brivas.io/v1\nkind: Carrier\nmetadata: {name: one}\nspec: {systemId: me}\n"
    )
    with running(data, "--config", str(folder)) as up:
        assert up.process.wait(30) == 3
        assert "a.yaml:4:7: $.spec.host: `host` is missing" in up.said()


def test_with_a_configuration_of_ones_own_there_is_no_sample(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with running(data, "--config", str(folder), "--no-sample-carrier", "--json") as up:
        ready = up.ready()
        assert "carrier" not in ready
        assert "system_id" not in ready["smpp"]
        assert not (data / "config").exists()
        up.close()
        (said,) = (data.parent / "stdout").read_text().splitlines()
        assert set(json.loads(said)["ports"]) == {"smpp", "messaging", "control", "http"}


def test_the_samples_credentials_are_told_only_while_its_account_is_in_force(data: Path, tmp_path: Path) -> None:
    with running(data) as up:
        sample = up.ready()
    folder = tmp_path / "mine"
    folder.mkdir()
    with running(data, "--config", str(folder)) as up:
        ready = up.ready()
        assert ready["smpp"] == {key: sample["smpp"][key] for key in ("host", "port")}
        assert ready["messaging"] == {"target": sample["messaging"]["target"]}
        assert ready["http"] == {"url": sample["http"]["url"]}
        up.close()
        assert "--api-key KEY" in (data.parent / "stdout").read_text()
    with running(data) as up:
        assert up.ready()["http"] == sample["http"]
    (data / "config" / "wrong.yaml").write_text("kind: Nothing\n")
    with running(data) as up:
        assert up.ready()["smpp"] == sample["smpp"], "the last good configuration has the account"


def test_a_taken_port_is_refused_by_name_before_anything_starts(data: Path) -> None:
    with running(data) as up:
        port = up.ready()["http"]["url"].rpartition(":")[2]
    with socket.create_server(("127.0.0.1", int(port))), running(data) as up:
        assert up.process.wait(30) == 1
        assert f"http cannot listen on 127.0.0.1:{port}: address already in use" in up.said()
        assert f"hint: stop what listens there, or remove {data / 'run' / 'ports.json'}" in up.said()
        assert "Traceback" not in up.said()


def test_what_cannot_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for options in (("--data", str(tmp_path / "file" / "x")), ("--ready-file", str(tmp_path / "file" / "x"))):
        with running(tmp_path / "data", *options) as up:
            assert up.process.wait(30) == 1
            assert f"error: cannot make the folder {tmp_path / 'file'}" in up.said()
            assert "hint:" in up.said()
            assert "Traceback" not in up.said()


def test_a_ready_file_of_an_earlier_run_is_removed_even_if_this_one_never_is_ready(data: Path) -> None:
    stale, folder = data.parent / "mine.json", data.parent / "mine"
    stale.write_text("{}")
    folder.mkdir()
    (folder / "wrong.yaml").write_text("kind: Nothing\n")
    with running(data, "--ready-file", str(stale), "--config", str(folder)) as up:
        assert up.process.wait(30) == 3
    assert not stale.exists()


def test_a_second_supervisor_of_the_same_data_is_refused(data: Path) -> None:
    with running(data) as up:
        up.ready()
        second = up.run("up", "--ports", "auto")
        assert second.returncode == 1
        assert f"in use by another `brivas up` (process {up.process.pid})" in second.stderr
