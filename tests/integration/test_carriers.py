"""Carriers that behave as real ones do: early receipts, ids written in many ways, refusals, silence, hanging up."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from tests.integration import wire
from tests.integration.gateway import HOST, Gateway, lasting_ports
from tests.integration.recorder import Recorder, receipt_body
from tests.integration.simulation import Running, simulated_smsc
from tests.support.process import wait_until

COUNT = 40
UNKNOWN_RECEIPTS = 1_500
PARKED_SECONDS = 5
"""How long the engine waits for the response that a receipt belongs to."""


def numbers() -> list[str]:
    """As the simulated carrier counts them."""
    return [f"4915{number:011}" for number in range(COUNT)]


def carried(gateway: Gateway, smsc: Running, **carrier: Any) -> list[wire.Message]:
    """Sends messages through a carrier; their receipts, one each, in the order of the messages."""
    gateway.account()
    gateway.carrier(smsc.address, windowMax=20, **carrier)
    gateway.route()
    gateway.start()
    gateway.wait_carrier_up()
    with gateway.bind() as client:
        ids = [client.submit(number).text for number in numbers()]
        receipts = [client.receipt(message_id, timeout=40) for message_id in ids]
        client.ping()
        assert len(client.deliveries) == COUNT, "a message has more than one receipt"
    finals = [event.id for event in gateway.events("final")]
    assert sorted(finals) == sorted(ids), "a message has more or less than one final state"
    return receipts


def states(receipts: list[wire.Message]) -> set[str]:
    """What the receipts' texts say."""
    return {receipt.short_message.partition(b"stat:")[2].split()[0].decode() for receipt in receipts}


@pytest.mark.parametrize("form", ["hexadecimal", "decimal", "padded"])
def test_receipts_are_matched_however_ids_are_written(gateway: Gateway, form: str) -> None:
    with simulated_smsc(message_id=form) as smsc:
        assert states(carried(gateway, smsc)) == {"DELIVRD"}


def test_a_receipt_that_comes_before_its_response_is_matched(gateway: Gateway) -> None:
    with simulated_smsc(receipt_before_response=True, latency_ms=20) as smsc:
        began = time.monotonic()
        assert states(carried(gateway, smsc)) == {"DELIVRD"}
        assert time.monotonic() - began < PARKED_SECONDS


class Forgetful(Recorder):
    """Before it answers its first message it sends many receipts of messages that nobody knows, and the right one."""

    def answer(self, connection: socket.socket, octets: bytes) -> None:
        if int.from_bytes(octets[4:8]) == wire.SUBMIT_SM and not self.messages:
            message = wire.read_message(octets[16:])
            ids = [*(f"unknown{number}" for number in range(UNKNOWN_RECEIPTS)), "r1"]
            bodies = [receipt_body(message, each) for each in ids]
            early = [wire.pdu(wire.DELIVER_SM, body, sequence=1_000 + each) for each, body in enumerate(bodies)]
            connection.sendall(b"".join(early))
        super().answer(connection, octets)


def test_many_receipts_that_nobody_knows_do_not_hold_up_the_responses_behind_them(gateway: Gateway) -> None:
    with Forgetful() as carrier:
        gateway.account()
        gateway.carrier(carrier.address, windowMax=10)
        gateway.route()
        gateway.start()
        # A reload sets windows anew.
        gateway.account("another")
        gateway.reload()
        with gateway.bind() as client:
            began = time.monotonic()
            client.receipt(client.submit(numbers()[0]).text)
            assert time.monotonic() - began < PARKED_SECONDS
            wait_until(lambda: gateway.stats().totals.receipts_unmatched >= UNKNOWN_RECEIPTS, "the others are given up")
            client.receipt(client.submit(numbers()[1]).text)


def test_a_passing_error_is_tried_again_until_it_is_taken(gateway: Gateway) -> None:
    with simulated_smsc(error_rates=[{"command_status": "ESME_RSYSERR", "ratio": 0.5}], verify=True) as smsc:
        assert states(carried(gateway, smsc)) == {"DELIVRD"}
        assert smsc.progress()["errors"] > 0
        assert (smsc.progress()["unique_delivered"], smsc.progress()["duplicates"]) == (COUNT, 0)


def test_a_lasting_error_rejects_at_once_and_its_code_stands_in_the_receipt(gateway: Gateway) -> None:
    with simulated_smsc(error_rates=[{"command_status": "ESME_RINVDSTADR", "ratio": 1}]) as smsc:
        receipts = carried(gateway, smsc)
        assert states(receipts) == {"REJECTD"}
        assert all(b"err:00B" in receipt.short_message for receipt in receipts)
        assert smsc.progress()["submits"] == COUNT


def test_a_message_that_is_not_answered_is_sent_again(gateway: Gateway) -> None:
    with simulated_smsc(silent_ratio=0.3, verify=True) as smsc:
        assert states(carried(gateway, smsc, responseTimeoutMs=300)) == {"DELIVRD"}
        assert smsc.progress()["ignored"] > 0


def test_a_carrier_that_hangs_up_again_and_again_gets_every_message(gateway: Gateway) -> None:
    with simulated_smsc(disconnect_every=15, verify=True, latency_ms=2) as smsc:
        assert states(carried(gateway, smsc, binds=2)) == {"DELIVRD"}
        assert smsc.progress()["hung_up"] > 0
        assert smsc.progress()["unique_delivered"] == COUNT


def test_while_the_first_carrier_is_away_the_second_gets_the_messages(gateway: Gateway) -> None:
    [port] = lasting_ports(1)
    targets = [{"carrier": "first", "priority": 0}, {"carrier": "second", "priority": 1}]
    with Recorder() as second:
        gateway.account()
        gateway.carrier((HOST, port), "first")
        gateway.carrier(second.address, "second")
        gateway.resource("Route", "both", {"prefix": "", "targets": targets})
        gateway.start()
        gateway.wait_carrier_up("second")
        with gateway.bind() as client:
            client.receipt(client.submit(numbers()[0], b"to the second").text)
            with Recorder(port=port) as first:
                gateway.wait_carrier_up("first")
                client.receipt(client.submit(numbers()[1], b"to the first").text)
                assert [each.short_message for each in first.messages] == [b"to the first"]
            wait_until(lambda: gateway.carrier_stats("first").binds_up == 0, "the first is seen to be away")
            client.receipt(client.submit(numbers()[2], b"to the second again").text)
        assert [each.short_message for each in second.messages] == [b"to the second", b"to the second again"]


def test_a_message_from_a_mobile_reaches_the_account_that_has_the_number(gateway: Gateway) -> None:
    mobile = {"per_second": 20, "destination": "4915000", "source": "491700000001", "text": "STOP"}
    with simulated_smsc(mobile_originated=mobile) as smsc:
        gateway.account()
        gateway.carrier(smsc.address)
        gateway.route()
        gateway.resource("Route", "in", {"direction": "mo", "prefix": "4915", "toAccount": "acme"})
        gateway.start()
        with gateway.bind(mode="receiver") as client:
            wait_until(lambda: _incoming(client) >= 5, "messages from the mobile")
            arrived = client.deliveries[0]
            assert (arrived.source, arrived.destination) == (b"491700000001", b"4915000")
            assert (arrived.short_message, arrived.esm_class) == (b"STOP", 0)
        assert smsc.progress()["mobile_originated_acked"] >= 5


def _incoming(client: wire.Client) -> int:
    client.ping()
    return len(client.deliveries)
