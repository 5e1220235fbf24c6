"""SIGTERM: nothing new is taken, what is under way ends, everybody is parted with; the rest waits in the journal."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import wire
from tests.integration.gateway import HOST, PASSWORD, Gateway
from tests.integration.recorder import Recorder
from tests.integration.simulation import read_bitmap, read_records, simulated_load, simulated_smsc
from tests.support.process import wait_until

NUMBER = "491701234567"
DRAIN_SECONDS = 10
MESSAGES = 10_000


def test_sigterm_under_load_drains_and_the_rest_goes_out_once_after_the_restart(
    gateway: Gateway, tmp_path: Path
) -> None:
    records, bitmap = tmp_path / "records", tmp_path / "bitmap"
    with simulated_smsc(verify=True, bitmap_file=str(bitmap), latency_ms=50, receipt_delay_ms=20) as smsc:
        gateway.account(windowMax=1000)
        # 2,000 a second at most, so that queues are never empty.
        gateway.carrier(smsc.address, binds=2, windowMax=50)
        gateway.route()
        gateway.start()
        gateway.wait_carrier_up()
        sending = {
            "target": f"{HOST}:{gateway.smpp[1]}",
            "system_id": "acme",
            "password": PASSWORD,
            "binds": 4,
            "messages": MESSAGES,
            "rate": 10_000,
            "record_file": str(records),
            "reconnect": True,
            "drain_seconds": 30,
        }
        with simulated_load(**sending) as load:
            load.wait_for("accepted", 2_000)
            began = time.monotonic()
            assert gateway.terminate() == 0
            assert time.monotonic() - began < DRAIN_SECONDS, "in flight was little"
            before = smsc.progress()
            # Answered, and what was not answered was not sent: nothing is sent twice.
            assert before["submits"] == before["accepted"]
            gateway.start()
            ended = load.finish()
        gateway.wait_drained()
        took = smsc.stop()
    acknowledged = read_records(records)
    assert before["unique_delivered"] < len(acknowledged), "nothing was left for the restart: nothing was proved"
    assert ended["error"] is None
    # What crossed with our unbind was not taken over: it is not in the carrier's set either.
    assert ended["accepted"] + ended["refused"] + ended["unknown"] == MESSAGES
    assert ended["receipts_missing"] == 0
    assert took["duplicates"] == 0
    assert read_bitmap(bitmap) == acknowledged.keys()
    finals = [event.id for event in gateway.events("final")]
    assert sorted(finals) == sorted(acknowledged.values())


def test_customers_and_carriers_are_parted_with_in_order(gateway: Gateway, recorder: Recorder) -> None:
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route()
    gateway.start()
    gateway.wait_carrier_up()
    with gateway.bind() as client:
        sequences = range(50, 150)
        body = wire.submit_body(NUMBER, b"last", receipt=False)
        client.socket.sendall(b"".join(wire.pdu(wire.SUBMIT_SM, body, sequence=each) for each in sequences))
        assert client.response(sequences[-1]).status == wire.ESME_ROK
        client.answers = False
        gateway.begin_terminate()
        unbind = client.read()
        assert unbind.command_id == wire.UNBIND
        client.send(wire.UNBIND | wire.RESPONSE, sequence=unbind.sequence)
        assert client.ends() == []
    assert gateway.terminate() == 0
    assert "drained" in gateway.logged()
    assert recorder.unbinds == 1


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that drains for a second only."""
    with Gateway(tmp_path / "hasty", "--drain-timeout-ms", "1000") as gateway:
        gateway.account()
        gateway.route()
        yield gateway


def test_a_carrier_that_never_answers_ends_the_drain_at_its_deadline_and_nothing_is_lost(hasty: Gateway) -> None:
    with simulated_smsc(silent_ratio=1.0) as silent:
        hasty.carrier(silent.address)
        hasty.start()
        hasty.wait_carrier_up()
        with hasty.bind() as client:
            assert [client.submit(NUMBER, b"%d" % each).status for each in range(30)] == [wire.ESME_ROK] * 30
            began = time.monotonic()
            assert hasty.terminate() == 0
            assert 0.9 < time.monotonic() - began < 8
    with Recorder() as recorder:
        hasty.carrier(recorder.address)
        hasty.start()
        wait_until(lambda: len(recorder.messages) == 30, "all are sent to the new carrier")
        assert sorted(int(each.short_message) for each in recorder.messages) == list(range(30))


def test_a_customer_that_answers_no_unbind_is_left_at_the_deadline(hasty: Gateway, recorder: Recorder) -> None:
    hasty.carrier(recorder.address)
    hasty.start()
    with hasty.bind() as client:
        client.answers = False
        began = time.monotonic()
        assert hasty.terminate() == 0
        assert time.monotonic() - began < 8
        assert [each.command_id for each in client.ends()] == [wire.UNBIND]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_customers_it_ends_at_once(hasty: Gateway, recorder: Recorder, number: signal.Signals) -> None:
    hasty.carrier(recorder.address)
    hasty.start()
    hasty.wait_carrier_up()
    began = time.monotonic()
    assert hasty.terminate(number) == 0
    assert time.monotonic() - began < 5
