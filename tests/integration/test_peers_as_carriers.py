"""SMPP implementations of others as carriers: the gateway binds to each, sends, gets receipts and messages, unbinds.

A customer made of octets stands on the other side, so that what arrives is what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import wire
from tests.integration.gateway import Gateway
from tests.integration.peers import KINDS, Peer, Peers
from tests.integration.wiretap import Wiretap
from tests.support.alphabet import decode_gsm, encode_gsm
from tests.support.parts import UDHI
from tests.support.process import wait_until

CARRIERS = [name for name, kind in KINDS.items() if kind.carrier]
PASSWORD = "peer-pw"
NUMBER = "491701234567"
REFUSED = "491700000000"
REACHED_BY = "7700"
SHORT = "Hello @ £10 {each}, 5 €"
UNICODE = "Привет, 你好, Grüße 🎉"
PARTS = tuple(bytes((5, 0, 3, 0x7A, 2, number)) + encode_gsm(f"part {number} of £2 {{{number}}}") for number in (1, 2))
HEADER = bytes.fromhex("0605040b8423f0")
BINARY = bytes(range(256))[-128:] + b"\0\xff\0"
UCS2, EIGHT_BIT = 8, 4


@pytest.fixture(scope="module", params=CARRIERS)
def carrier(request: pytest.FixtureRequest, peers: Peers) -> Peer:
    """One peer that listens."""
    return peers[request.param]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, wiretap: Wiretap, carrier: Peer) -> Iterator[Gateway]:
    """A gateway that is bound to it."""
    with Gateway(tmp_path_factory.mktemp("carriers") / "gateway", wiretap=wiretap) as gateway:
        port = carrier.ask("listen", system_id="brivas", password=PASSWORD, refused=REFUSED)["port"]
        (gateway.data / "carrier.password").write_text(PASSWORD)
        gateway.account()
        gateway.carrier(("127.0.0.1", port), password={"file": "carrier.password"}, enquireLinkMs=500)
        gateway.route()
        gateway.resource("Route", "phones", {"direction": "mo", "prefix": REACHED_BY, "toAccount": "acme"})
        gateway.start()
        assert carrier.see("bound")["accepted"]
        gateway.wait_carrier_up()
        yield gateway


@pytest.fixture
def customer(served: Gateway) -> Iterator[wire.Client]:
    """A bind of the customer."""
    with served.bind() as client:
        yield client


def submit(client: wire.Client, octets: bytes, *, destination: str = NUMBER, **fields: Any) -> str:
    """Sends a message; its id."""
    answer = client.request(wire.SUBMIT_SM, wire.submit_body(destination, octets, **fields))
    assert answer.status == wire.ESME_ROK
    return answer.text


def received(carrier: Peer, **fields: Any) -> bytes:
    """The next message at the carrier, as octets; its receipt was taken."""
    message = carrier.see("submitted", destination=NUMBER, source="Brivas", **fields)
    carrier.see("answered", id=message["id"], status=wire.ESME_ROK)
    if "octets" in message:
        return bytes.fromhex(message.get("udh", "") + message["octets"])
    # Its library reads texts by itself.
    text = message["text"]
    encoded = text.encode("utf-16-be") if message["data_coding"] == UCS2 else encode_gsm(text)
    return bytes.fromhex(message.get("udh", "")) + encoded


def test_a_short_message_arrives_and_its_receipt_comes_back(carrier: Peer, customer: wire.Client) -> None:
    message_id = submit(customer, encode_gsm(SHORT))
    assert decode_gsm(received(carrier, data_coding=0, esm_class=0)) == SHORT
    assert b"stat:DELIVRD err:000" in customer.receipt(message_id).short_message


def test_the_parts_of_a_long_message_arrive_with_their_headers(carrier: Peer, customer: wire.Client) -> None:
    ids = [submit(customer, part, esm_class=UDHI) for part in PARTS]
    # smpp34's server tells of them in any order.
    assert sorted(received(carrier, esm_class=UDHI) for _ in PARTS) == list(PARTS)
    for message_id in ids:
        customer.receipt(message_id)


def test_a_message_payload_arrives(carrier: Peer, customer: wire.Client) -> None:
    payload = encode_gsm("a payload of £ and @ " * 30)
    message_id = submit(customer, b"", tlvs={wire.MESSAGE_PAYLOAD: payload})
    assert received(carrier, payload=True) == payload
    customer.receipt(message_id)


def test_emoji_and_all_alphabets_arrive(carrier: Peer, customer: wire.Client) -> None:
    message_id = submit(customer, UNICODE.encode("utf-16-be"), data_coding=UCS2)
    assert received(carrier, data_coding=UCS2).decode("utf-16-be") == UNICODE
    customer.receipt(message_id)


def test_every_octet_of_a_binary_message_and_its_header_arrives(carrier: Peer, customer: wire.Client) -> None:
    message_id = submit(customer, HEADER + BINARY, data_coding=EIGHT_BIT, esm_class=UDHI)
    assert received(carrier, data_coding=EIGHT_BIT, esm_class=UDHI) == HEADER + BINARY
    customer.receipt(message_id)


@pytest.mark.parametrize(
    ("octets", "data_coding"),
    [(encode_gsm("Hello @ £10"), 0), (UNICODE.encode("utf-16-be"), UCS2)],
    ids=["default alphabet", "unicode"],
)
def test_a_message_from_a_phone_reaches_the_customer(
    carrier: Peer, customer: wire.Client, octets: bytes, data_coding: int
) -> None:
    told = {"source": NUMBER, "destination": REACHED_BY, "data_coding": data_coding, "octets": octets.hex()}
    assert carrier.ask("deliver", **told)["status"] == wire.ESME_ROK

    def is_here() -> bool:
        # Reading deals with what came before the answer.
        customer.ping()
        return any(message.destination == REACHED_BY.encode() for message in customer.deliveries)

    wait_until(is_here, "the message")
    [message] = [each for each in customer.deliveries if each.destination == REACHED_BY.encode()]
    assert (message.source, message.data_coding, message.short_message) == (NUMBER.encode(), data_coding, octets)


def test_a_message_to_nobody_is_not_taken(carrier: Peer, served: Gateway) -> None:
    told = {"source": NUMBER, "destination": "8800", "data_coding": 0, "octets": "41"}
    assert carrier.ask("deliver", **told)["status"] == wire.ESME_RX_P_APPN


def test_a_refusal_reaches_the_customer(carrier: Peer, customer: wire.Client) -> None:
    message_id = submit(customer, b"hello", destination=REFUSED)
    assert b"stat:REJECTD err:00B" in customer.receipt(message_id).short_message


def test_the_link_is_kept(carrier: Peer, served: Gateway) -> None:
    if carrier.kind.tells_links:
        carrier.see("link")
        carrier.see("link")
    else:
        before = answers(served)
        wait_until(lambda: answers(served) > before + 1, "answers to enquire_link")
    assert served.carrier_stats().binds_up == 1


def test_a_wrong_password_is_refused_and_not_tried_in_a_flood(tmp_path: Path, carrier: Peer) -> None:
    if not carrier.kind.checks:
        # It takes every bind.
        return
    with Gateway(tmp_path / "gateway") as gateway:
        port = carrier.ask("listen", system_id="brivas", password=PASSWORD, refused=REFUSED)["port"]
        (gateway.data / "carrier.password").write_text("wrong")
        gateway.carrier(("127.0.0.1", port), password={"file": "carrier.password"}, reconnectMaxMs=3_600_000)
        gateway.start()
        assert not carrier.see("bound")["accepted"]
        wait_until(lambda: "ESME_RINVPASWD" in last_error(gateway), "the refusal is shown")


def answers(gateway: Gateway) -> int:
    """The PDUs that the carrier has sent."""
    return sum(bind.pdus_in for bind in gateway.client.binds().binds if bind.side == "carrier")


def last_error(gateway: Gateway) -> str:
    """Why the carrier's bind is down."""
    return "".join(bind.last_error for bind in gateway.client.binds().binds if bind.side == "carrier")


def test_the_gateway_unbinds_when_it_ends(carrier: Peer, served: Gateway) -> None:
    carrier.events.clear()
    assert served.terminate() == 0
    carrier.see("unbound")
