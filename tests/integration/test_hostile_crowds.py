"""Crowds of connections that never bind: memory stays bounded, and customers get in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.integration import wire
from tests.integration.bystander import NUMBER, undisturbed
from tests.integration.crowd import crowd, ended
from tests.integration.gateway import Gateway
from tests.integration.simulation import simulated_smsc
from tests.integration.wire import ConnectionEndedError
from tests.support.process import wait_until

CROWD: Final = 5_000
STRANGER_KIB_MAX: Final = 8
"""What a connection without a bind may cost, whatever it sends."""
DESCRIPTORS: Final = 600
"""So few that half are kept for the journal and the like."""
BIND: Final = wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("nobody", "nothing"))
LONG_PDU: Final = wire.pdu(wire.SUBMIT_SM, bytes(900), length=1_000)


@pytest.mark.parametrize("octets", [b"", BIND[:20], LONG_PDU], ids=["silent", "half a bind", "most of a long PDU"])
def test_5000_connections_without_a_bind_cost_little_and_leave_room_for_those_who_bind(
    guarded: Gateway, octets: bytes
) -> None:
    before, before_mib = guarded.stats().totals, guarded.rss_mib()
    with undisturbed(guarded, grows_mib=CROWD * STRANGER_KIB_MAX / 1024), crowd(guarded.smpp, CROWD, octets):
        assert guarded.stats().totals.connections_accepted >= before.connections_accepted + CROWD
        with guarded.bind() as client:
            client.receipt(client.submit(NUMBER).text)
        each_kib = (guarded.rss_mib() - before_mib) * 1024 / CROWD
        print(f"{each_kib:.2f} KiB a connection")  # noqa: T201 - `pytest -s` shows it.
        assert each_kib < STRANGER_KIB_MAX
    wait_until(lambda: guarded.stats().totals.connections <= before.connections, "the crowd is gone")


def test_a_long_pdu_before_the_bind_is_refused_before_it_is_kept(guarded: Gateway) -> None:
    with undisturbed(guarded), guarded.connect() as client:
        client.socket.sendall(wire.pdu(wire.SUBMIT_SM, sequence=5, length=1_025))
        assert client.ends() == [wire.Pdu(wire.GENERIC_NACK, wire.ESME_RINVCMDLEN, 5, b"")]


def test_messages_right_behind_the_bind_are_taken_however_long_they_are(guarded: Gateway) -> None:
    payload = wire.submit_body(NUMBER, b"", tlvs={wire.MESSAGE_PAYLOAD: b"x" * 60_000})
    with undisturbed(guarded), guarded.connect() as client:
        bind = wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("acme", "secret"), sequence=1)
        client.socket.sendall(bind + wire.pdu(wire.SUBMIT_SM, payload, sequence=2))
        assert [client.response(1).status, client.response(2).status] == [wire.ESME_ROK] * 2


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with few descriptors and small segments."""
    options = ("--segment-bytes", str(1 << 20), "--retention-bytes", str(4 << 20))
    with (
        simulated_smsc() as smsc,
        Gateway(tmp_path / "gateway", *options, descriptors=DESCRIPTORS) as gateway,
    ):
        gateway.account()
        gateway.account("other")
        gateway.carrier(smsc.address)
        gateway.route()
        gateway.start()
        gateway.wait_carrier_up()
        yield gateway


def test_a_crowd_that_takes_every_connection_drives_out_itself_and_neither_customers_nor_the_journal(
    narrow: Gateway,
) -> None:
    room = DESCRIPTORS - DESCRIPTORS // 2
    with narrow.bind() as loyal, undisturbed(narrow), crowd(narrow.smpp, 3 * room) as sockets:
        wait_until(lambda: ended(sockets) >= 2 * room, "the crowd makes room for itself")
        assert narrow.stats().totals.connections <= room
        # Who binds gets in, sooner or later; who is bound is not driven out; and segments go on being opened.
        segments = narrow.stats().journal.start_offset
        body = wire.submit_body(NUMBER, b"", tlvs={wire.MESSAGE_PAYLOAD: b"x" * 20_000})
        with crowd(narrow.smpp, room):
            wait_until(lambda: is_served(narrow), "a customer gets in")
            while narrow.stats().journal.start_offset == segments:
                sequences = [loyal.send(wire.SUBMIT_SM, body) for _ in range(9)]
                assert {loyal.response(each).status for each in sequences} == {wire.ESME_ROK}
        assert narrow.stats().acceptance_stopped == ""


def is_served(gateway: Gateway) -> bool:
    """Whether somebody who comes now gets in."""
    try:
        with gateway.bind() as client:
            client.receipt(client.submit(NUMBER).text)
    except (ConnectionEndedError, ConnectionError):
        return False
    return True
