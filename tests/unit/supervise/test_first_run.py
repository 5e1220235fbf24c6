"""The first run of `brivas up`: ports that stay, a sample that is right, private files, the ready file's shape."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from brivas.errors import BrivasError, ConfigError
from brivas.layout import Layout
from brivas.resources.config import load_folder
from brivas.resources.snapshot import compile_snapshot
from brivas.supervise.in_force import open_something, snapshot_in_force
from brivas.supervise.ports import FACES, choose_ports, refuse_taken
from brivas.supervise.ready import describe_endpoints
from brivas.supervise.sample import read_credentials, write_sample
from brivas.v1 import control_pb2


@contextmanager
def listening(address: str) -> Iterator[None]:
    host, _, port = address.rpartition(":")
    with socket.create_server((host, int(port))):
        yield


def test_ports_stay_across_starts(tmp_path: Path) -> None:
    file = tmp_path / "run" / "ports.json"
    first = choose_ports(file, "auto")
    assert len(set(first.values())) == len(FACES)
    assert choose_ports(file, "auto") == first
    assert choose_ports(file, None) == first


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BrivasError, match=f"smpp cannot listen on {address}") as caught:
            refuse_taken({"smpp": address})
    assert caught.value.hint is not None
    assert "--ports auto" in caught.value.hint


def test_every_port_that_is_taken_is_named_but_those_that_stay_off(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    chosen = choose_ports(file, "auto")
    with listening(chosen["http"]), listening(chosen["carrier"]):
        with pytest.raises(BrivasError, match=f"http cannot listen on {chosen['http']}.*, carrier cannot") as caught:
            choose_ports(file, "auto")
        assert caught.value.hint is not None
        assert f"remove {file}" in caught.value.hint, "`--ports auto` would choose the same again"
    with listening(chosen["carrier"]):
        assert choose_ports(file, None, off=("carrier",)) == chosen


def test_credentials_are_told_only_where_the_configuration_has_their_account(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = write_sample(layout, None)
    assert made is not None
    snapshot = snapshot_in_force(layout, layout.config)
    assert open_something(made, snapshot)
    assert not open_something(dataclasses.replace(made, api_key="brivas_another"), snapshot)
    assert not open_something(dataclasses.replace(made, system_id="another"), snapshot)
    assert not open_something(made, control_pb2.Snapshot())


def test_a_wrong_folder_leaves_the_last_good_configuration_in_force(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = write_sample(layout, None)
    assert made is not None
    snapshot = snapshot_in_force(layout, layout.config)
    (layout.config / "wrong.yaml").write_text("kind: Nothing\n")
    with pytest.raises(ConfigError):
        snapshot_in_force(layout, layout.config)
    body = snapshot.SerializeToString()
    layout.gateway.mkdir()
    layout.snapshot.write_bytes(hashlib.sha256(body).digest() + body)
    assert snapshot_in_force(layout, layout.config) == snapshot


def test_the_sample_is_a_configuration_that_its_credentials_open(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = write_sample(layout, "127.0.0.1:4242")
    assert made is not None
    snapshot = compile_snapshot(load_folder(layout.config, data=layout.data))
    account, carrier = snapshot.accounts[0], snapshot.carriers[0]
    assert PasswordHasher().verify(account.password_hash, made.password)
    assert (account.system_id, account.binds_max, account.window_max) == (made.system_id, 1000, 1000)
    assert account.throughput_per_second == 0
    assert (carrier.host, carrier.port) == ("127.0.0.1", 4242)
    assert len(made.password) == 8
    assert [route.targets[0].carrier for route in snapshot.routes if route.targets] == [carrier.name]
    assert read_credentials(layout) == made
    assert made.password not in "".join(file.read_text() for file in layout.config.iterdir())


def test_secrets_are_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_sample(layout, "127.0.0.1:4242")
    layout.ensure_control_token()
    assert layout.secrets.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in layout.secrets.iterdir()} == {0o600}


def test_the_token_of_control_stays(tmp_path: Path) -> None:
    assert Layout(tmp_path).ensure_control_token() == Layout(tmp_path).ensure_control_token()


def test_a_configuration_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.config.mkdir()
    (layout.config / "mine.yaml").write_text("")
    assert write_sample(layout, "127.0.0.1:4242") is None
    assert [file.name for file in layout.config.iterdir()] == ["mine.yaml"]
    assert read_credentials(layout) is None


def test_the_sample_carrier_follows_other_ports_unless_it_was_edited(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_sample(layout, "127.0.0.1:4242")
    write_sample(layout, "127.0.0.1:5353")
    file = layout.config / "carrier-simulator.yaml"
    assert "port: 5353" in file.read_text()
    file.write_text(file.read_text() + "# mine\n")
    write_sample(layout, "127.0.0.1:6464")
    assert "port: 5353" in file.read_text()


def test_the_ready_file_has_the_shape_that_scripts_rely_on(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    credentials = write_sample(layout, "127.0.0.1:5")
    assert credentials is not None
    ports = {face: f"127.0.0.1:{number}" for number, face in enumerate(FACES, 1)}
    pids = {"carrier": 9, "gateway": 2, "ops": 3, "api": None}
    ready = describe_endpoints(ports, credentials, data=tmp_path, pid=1, pids=pids, carrier=True)
    assert json.loads(json.dumps(ready)) == {
        "smpp": {"host": "127.0.0.1", "port": 1, "system_id": credentials.system_id, "password": credentials.password},
        "carrier": {"host": "127.0.0.1", "port": 5},
        "messaging": {"target": "127.0.0.1:2", "token": credentials.api_key},
        "http": {"url": "http://127.0.0.1:4", "api_key": credentials.api_key},
        "data": str(tmp_path),
        "pid": 1,
        "pids": {"gateway": 2, "ops": 3},
    }
    assert "carrier" not in describe_endpoints(ports, None, data=tmp_path, pid=1, pids={}, carrier=False)
