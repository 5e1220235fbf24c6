"""`brivas trace` on a running gateway: what it says, and that tshark reads its capture without a hint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brivas.clients.control import ControlClient
from brivas.errors import UnauthenticatedError
from brivas.v1 import control_pb2
from tests.integration import wire
from tests.integration.gateway import Gateway
from tests.integration.simulation import simulated_smsc
from tests.support import codec, tshark
from tests.support.dissection import as_shown, comparable, is_same
from tests.support.process import WAIT_SECONDS, wait_until

NUMBER = "491701234567"
LONG = b"A text of many packets. " * 2_500


class Tracing:
    """A `brivas trace --json` that runs."""

    def __init__(self, gateway: Gateway, *options: str) -> None:
        self.said = gateway.data / "trace.jsonl"
        self.log = gateway.data / "trace.log"
        arguments = ("--data", str(gateway.data), "trace", "--json", "--show-text", *options)
        with self.said.open("wb") as said, self.log.open("wb") as log:
            command = [sys.executable, "-m", "brivas.cli", *arguments]
            self.process = subprocess.Popen(command, stdout=said, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(lambda: b"tracing" in self.log.read_bytes() or self.process.poll() is not None, "it traces")
        assert self.process.poll() is None, self.log.read_text()

    def pdus(self) -> list[dict[str, Any]]:
        """What was traced so far, without the ends of connections."""
        lines = self.said.read_text().splitlines(keepends=True)
        said = [json.loads(line) for line in lines if line.endswith("\n")]
        return [each for each in said if "pdu" in each]

    def wait_for(self, command: str, count: int) -> None:
        """Returns when it has seen so many of these PDUs."""

        def has_come() -> bool:
            return [each["pdu"]["command"] for each in self.pdus()].count(command) >= count

        wait_until(has_come, f"{count} {command}")

    def finish(self) -> int:
        """Ctrl-C, and its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WAIT_SECONDS)


@contextmanager
def tracing(gateway: Gateway, *options: str) -> Iterator[Tracing]:
    one = Tracing(gateway, *options)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait(WAIT_SECONDS)


@pytest.fixture
def carried(gateway: Gateway) -> Iterator[Gateway]:
    """A gateway with a simulated carrier."""
    with simulated_smsc(listen="127.0.0.1:0") as smsc:
        gateway.account()
        gateway.carrier(smsc.address)
        gateway.route()
        gateway.start()
        gateway.wait_carrier_up()
        yield gateway


@pytest.mark.skipif(tshark.TSHARK is None and os.environ.get("CI") != "true", reason="tshark is missing")
def test_tshark_sees_in_the_capture_what_the_trace_says(carried: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "trace.pcapng"
    with tracing(carried, "--pcap", str(file)) as trace:
        with carried.bind() as client:
            everything = [client.submit(NUMBER, f"message {number}".encode()).text for number in range(20)]
            tlvs = {wire.MESSAGE_PAYLOAD: LONG}
            body = wire.submit_body(NUMBER, b"", tlvs=tlvs)
            everything.append(client.request(wire.SUBMIT_SM, body).text)
            part = b"\x05\x00\x03\x07\x02\x01a part"
            body = wire.submit_body(NUMBER, part, esm_class=0x40, data_coding=4)
            everything.append(client.request(wire.SUBMIT_SM, body).text)
            for message_id in everything:
                client.receipt(message_id)
            client.ping()
            client.request(wire.UNBIND)
        trace.wait_for("unbind_resp", 1)
        trace.wait_for("deliver_sm_resp", 2 * len(everything))
        assert trace.finish() == 0
        assert "0 octets" not in trace.log.read_text()
    said = trace.pdus()
    seen = tshark.dissect_file(file)
    assert not [each.layers for each in seen if "_ws.malformed" in each.layers]
    wrong = [name for each in seen for name, _ in each.fields if "analysis.lost" in name or "retransmission" in name]
    assert wrong == []
    tags = codec.tables()["tlvs"]
    ours = [list(as_shown(without_words(each["pdu"]), tags)) for each in said]
    theirs = [list(comparable(each)) for each in seen if "smpp" in each.layers and each.fields]
    assert len(ours) == len(theirs)
    different = [
        (one, other)
        for one, other in zip(ours, theirs, strict=True)
        if len(one) != len(other) or not all(map(is_same, one, other))
    ]
    assert different == []
    commands = {each["pdu"]["command"] for each in said}
    assert {"bind_transceiver", "submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp", "unbind"} <= commands
    assert b"secret" not in file.read_bytes()


def without_words(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a PDU, without what the trace adds for people."""
    return {name: value for name, value in fields.items() if name not in ("status", "text", "text_octets")}


def test_a_number_and_a_bind_are_followed_alone(carried: Gateway) -> None:
    binds = carried.client.binds().binds
    carriers = [str(bind.connection) for bind in binds if bind.side == "carrier"]
    with tracing(carried, "--number", f"+{NUMBER}", "--bind", carriers[0], "--bind", "acme") as trace:
        with carried.bind() as client:
            client.receipt(client.submit("491709999999").text)
            client.receipt(client.submit(NUMBER).text)
        trace.wait_for("deliver_sm_resp", 2 if len(carriers) == 1 else 1)
        assert trace.finish() == 0
    assert {each["pdu"].get("destination_addr") for each in trace.pdus()} <= {NUMBER, "Brivas", None}
    assert NUMBER in {each["pdu"].get("destination_addr") for each in trace.pdus()}


def test_a_trace_ends_by_its_limit_and_writes_to_a_pipe(carried: Gateway) -> None:
    command = [sys.executable, "-m", "brivas.cli", "--data", str(carried.data), "trace", "--pcap", "-", "--limit", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"tracing" in process.stderr.readline()
        with carried.bind() as client:
            client.ping()
        written, said = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0
    assert written[:4] == bytes.fromhex("0a0d0d0a")
    assert said.decode().strip() == "2 PDUs"


def test_an_api_key_may_not_trace(carried: Gateway) -> None:
    with ControlClient(carried.control, carried.api_key()) as client, pytest.raises(UnauthenticatedError):
        next(client.trace(control_pb2.TraceRequest()))
