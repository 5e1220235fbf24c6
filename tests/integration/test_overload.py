"""Queues that are full and customers that are too fast: a clear status at once, then messages flow again."""

from __future__ import annotations

import collections
import time
from collections.abc import Iterator

import pytest

from brivas.clients.messaging import MessagingClient
from brivas.v1 import messaging_pb2
from tests.integration import wire
from tests.integration.gateway import HOST, Gateway, lasting_ports
from tests.integration.recorder import Recorder
from tests.integration.simulation import simulated_smsc
from tests.integration.wire import Client
from tests.support.process import wait_until

NUMBER = "491701234567"


def statuses(client: Client, count: int) -> list[int]:
    """The answers to some messages, one after the other."""
    return [client.submit(NUMBER, f"message {number}".encode()).status for number in range(count)]


@pytest.fixture
def away(gateway: Gateway) -> Iterator[int]:
    """The port of a carrier that is away; a gateway that may keep ten messages for it, and another carrier's routes."""
    [port] = lasting_ports(1)
    with simulated_smsc() as smsc:
        gateway.account()
        gateway.account("other")
        gateway.carrier((HOST, port), queueMax=10)
        gateway.carrier(smsc.address, "there")
        gateway.route()
        gateway.route("there", "elsewhere", prefix="33")
        gateway.start()
        gateway.wait_carrier_up("there")
        yield port


def test_a_full_queue_answers_rmsgqful_and_takes_messages_again_once_it_has_room(gateway: Gateway, away: int) -> None:
    with gateway.bind() as client:
        assert statuses(client, 15) == [wire.ESME_ROK] * 10 + [wire.ESME_RMSGQFUL] * 5
        assert gateway.carrier_stats().queued == 10
        # Other carriers' queues are not concerned.
        client.receipt(client.submit("33612345678").text)
        with Recorder(port=away) as recorder:
            wait_until(lambda: len(client_receipts(client)) == 11, "what waited is delivered")
            assert [each.short_message for each in recorder.messages] == [b"message %d" % each for each in range(10)]
            client.receipt(client.submit(NUMBER).text)
    assert gateway.stats().totals.queue_full == 5


def client_receipts(client: Client) -> list[wire.Message]:
    """The receipts that came until now: the answer to enquire_link comes after them."""
    client.ping()
    return client.deliveries


def test_a_full_queue_is_refused_over_grpc_with_the_same_status_and_a_hint(gateway: Gateway, away: int) -> None:
    del away
    with gateway.bind() as client:
        assert statuses(client, 10) == [wire.ESME_ROK] * 10
    with MessagingClient(gateway.messaging, gateway.api_key()) as caller:
        message = messaging_pb2.NewMessage(to=NUMBER, text="hello")
        setattr(message, "from", "Brivas")
        [refused] = caller.submit([message]).results
        assert (refused.id, refused.command_status) == ("", wire.ESME_RMSGQFUL)
        assert refused.hint


def test_messages_open_beyond_the_accounts_limit_are_answered_rmsgqful(gateway: Gateway, away: int) -> None:
    del away
    gateway.account("small", openMessagesMax=3)
    gateway.reload()
    with gateway.bind("small") as client, gateway.bind("other") as other:
        assert statuses(client, 5) == [wire.ESME_ROK] * 3 + [wire.ESME_RMSGQFUL] * 2
        assert other.submit(NUMBER).status == wire.ESME_ROK
    assert gateway.account_stats("small").queue_full == 2


def test_a_queue_that_is_full_is_still_full_after_a_kill(gateway: Gateway, away: int) -> None:
    with gateway.bind() as client:
        assert statuses(client, 11)[-1] == wire.ESME_RMSGQFUL
    gateway.kill()
    gateway.start()
    with gateway.bind() as client:
        assert client.submit(NUMBER).status == wire.ESME_RMSGQFUL
        with Recorder(port=away) as recorder:
            wait_until(lambda: len(client_receipts(client)) == 10, "what waited is delivered")
            assert len(recorder.messages) == 10


def test_a_message_without_a_route_is_refused_with_rinvdstadr(gateway: Gateway, recorder: Recorder) -> None:
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route(prefix="49")
    gateway.start()
    with gateway.bind() as client:
        assert client.submit("33612345678").status == 0x0B
        assert client.submit(NUMBER).status == wire.ESME_ROK


def test_who_is_too_fast_is_answered_rthrottled_and_others_are_not(gateway: Gateway, recorder: Recorder) -> None:
    gateway.account("slow", throughputPerSecond=20)
    gateway.account("other")
    gateway.carrier(recorder.address, windowMax=100)
    gateway.route()
    gateway.start()
    with gateway.bind("slow") as client, gateway.bind("other") as other:
        began = time.monotonic()
        counts = collections.Counter(statuses(client, 300))
        seconds = time.monotonic() - began
        assert counts.keys() == {wire.ESME_ROK, wire.ESME_RTHROTTLED}
        # A second's worth may be saved up.
        assert counts[wire.ESME_ROK] <= 20 * (seconds + 1) + 1
        assert set(statuses(other, 50)) == {wire.ESME_ROK}
        wait_until(lambda: client.submit(NUMBER).status == wire.ESME_ROK, "the throttle lets it in again", seconds=5)
    throttled = gateway.account_stats("slow").throttled
    assert throttled >= counts[wire.ESME_RTHROTTLED]
    assert gateway.account_stats("other").throttled == 0


def test_a_carriers_own_limit_slows_down_and_loses_nothing(gateway: Gateway) -> None:
    with simulated_smsc(throttle_per_second=100, verify=True, destination_prefix="4917", destination_digits=12) as smsc:
        gateway.account()
        gateway.carrier(smsc.address, windowMax=50)
        gateway.route()
        gateway.start()
        gateway.wait_carrier_up()
        with gateway.bind() as client:
            ids = [client.submit(f"4917{number:08}").text for number in range(40)]
            for message_id in ids:
                assert client.receipt(message_id, timeout=60).tlvs[0x0427] == b"\x02"
        assert smsc.progress()["throttled"] > 0
        assert smsc.progress()["unique_delivered"] == 40
        assert smsc.progress()["duplicates"] == 0
