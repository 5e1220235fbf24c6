"""SMPP implementations of others as customers: each binds, sends, gets its receipts and messages, and unbinds.

What arrives at the carrier is compared as octets and as text; what arrives at the customer, as its library reads it.
Wireshark listens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration import wire
from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.peers import KINDS, Peer, Peers
from tests.integration.recorder import Recorder
from tests.integration.wiretap import Wiretap
from tests.support.alphabet import decode_gsm, encode_gsm
from tests.support.parts import UDHI, form, in_order
from tests.support.process import wait_until

CUSTOMERS = [name for name, kind in KINDS.items() if kind.customer]
SOURCE = "Brivas"
SHORT = "Hello @ £10 {each} for ÄÖÜ, 5 €"
LONG = "Part by part, £ and @ and all: " + "a long message of many parts. " * 14
UNICODE = "Привет, 你好, Grüße 🎉"
# Two ports, as application messages have them (3GPP TS 23.040 §9.2.3.24.4).
HEADER = bytes.fromhex("0605040b8423f0")
BINARY = bytes(range(256))[-128:] + b"\0\xff\0"
STORE_AND_FORWARD = 0x03
UCS2 = 8
# Both say "octets" (SMPP 3.4 §5.2.19).
EIGHT_BIT = (2, 4)

Numbers = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    """For each peer a number that it sends to, and one that phones reach it by."""
    return {name: (f"4917012345{index:02}", f"7700{index:02}") for index, name in enumerate(CUSTOMERS)}


@pytest.fixture(scope="module")
def carrier() -> Iterator[Recorder]:
    """The carrier behind the gateway."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, wiretap: Wiretap, carrier: Recorder, numbers: Numbers
) -> Iterator[Gateway]:
    """One gateway for all peers; each has an account of its name."""
    with Gateway(tmp_path_factory.mktemp("peers") / "gateway", wiretap=wiretap) as gateway:
        gateway.carrier(carrier.address)
        gateway.resource("Route", "default", {"prefix": "49", "targets": [{"carrier": "carrier"}]})
        for name, (_, reached_by) in numbers.items():
            gateway.account(name)
            gateway.resource("Route", name, {"direction": "mo", "prefix": reached_by, "toAccount": name})
        gateway.start()
        gateway.wait_carrier_up()
        yield gateway


@pytest.fixture(params=CUSTOMERS)
def peer(request: pytest.FixtureRequest, peers: Peers, served: Gateway) -> Peer:
    """One peer, in whatever state."""
    return peers[request.param]


def credentials(peer: Peer, gateway: Gateway) -> dict[str, Any]:
    """Where and as whom a peer binds."""
    host, port = gateway.smpp
    return {"host": host, "port": port, "system_id": peer.kind.name, "password": PASSWORD}


@pytest.fixture
def customer(peer: Peer, served: Gateway) -> Peer:
    """A peer that is bound as a transceiver."""
    if peer.mode != "transceiver":
        assert peer.bind(**credentials(peer, served)) == 0
    return peer


def submit(peer: Peer, destination: str, kind: str, text: str = "", **fields: str) -> list[dict[str, Any]]:
    """Has it send a message; its answers, one a part."""
    if kind == "binary":
        told = fields
    else:
        octets = text.encode("utf-16-be") if kind == "unicode" else encode_gsm(text)
        told = {"text": text, "octets": octets.hex()}
    answers: list[dict[str, Any]] = peer.ask("submit", kind=kind, source=SOURCE, destination=destination, **told)[
        "answers"
    ]
    return answers


def accepted(answers: list[dict[str, Any]]) -> list[str]:
    """The ids, of messages that were all taken."""
    assert [answer["status"] for answer in answers] == [wire.ESME_ROK] * len(answers)
    ids = [answer["id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    return ids


def arrived(carrier: Recorder, destination: str, before: int) -> list[wire.Message]:
    """The messages for a number that came since."""
    wait_until(lambda: len(carrier.to(destination)) > before, "a message at the carrier")
    return carrier.to(destination)[before:]


def test_a_short_message_arrives_and_its_receipt_has_its_id(
    customer: Peer, carrier: Recorder, numbers: Numbers
) -> None:
    destination, _ = numbers[customer.kind.name]
    before = len(carrier.to(destination))
    [message_id] = accepted(submit(customer, destination, "short", SHORT))
    customer.see("receipt", id=message_id, state="DELIVRD")
    [message] = arrived(carrier, destination, before)
    assert (message.source, message.data_coding) == (SOURCE.encode(), 0)
    # Kannel names the mode that is the default anyway.
    assert message.esm_class & ~STORE_AND_FORWARD == 0
    assert message.short_message == encode_gsm(SHORT)


def test_a_long_message_arrives_whole_however_it_was_made_to_fit(
    customer: Peer, carrier: Recorder, numbers: Numbers
) -> None:
    kind = customer.kind
    destination, _ = numbers[kind.name]
    before = len(carrier.to(destination))
    ids = accepted(submit(customer, destination, "long", LONG))
    for message_id in ids:
        customer.see("receipt", id=message_id, state="DELIVRD")
    parts = arrived(carrier, destination, before)
    assert {form(part) for part in parts} == {kind.parts}
    assert len(parts) == len(ids) or kind.whole
    assert "".join(decode_gsm(part) for part in in_order(parts)) == LONG


def test_emoji_and_all_alphabets_arrive(customer: Peer, carrier: Recorder, numbers: Numbers) -> None:
    destination, _ = numbers[customer.kind.name]
    before = len(carrier.to(destination))
    [message_id] = accepted(submit(customer, destination, "unicode", UNICODE))
    customer.see("receipt", id=message_id, state="DELIVRD")
    [message] = arrived(carrier, destination, before)
    assert message.data_coding == UCS2
    assert message.short_message.decode("utf-16-be") == UNICODE


def test_every_octet_of_a_binary_message_and_its_header_arrives(
    customer: Peer, carrier: Recorder, numbers: Numbers
) -> None:
    if not customer.kind.header:
        # It takes texts only.
        with pytest.raises(AssertionError):
            submit(customer, "", "binary", udh=HEADER.hex(), octets=BINARY.hex())
        return
    destination, _ = numbers[customer.kind.name]
    before = len(carrier.to(destination))
    [message_id] = accepted(submit(customer, destination, "binary", udh=HEADER.hex(), octets=BINARY.hex()))
    customer.see("receipt", id=message_id, state="DELIVRD")
    [message] = arrived(carrier, destination, before)
    assert message.data_coding in EIGHT_BIT
    assert message.esm_class & ~STORE_AND_FORWARD == UDHI
    assert message.short_message == HEADER + BINARY


@pytest.mark.parametrize(
    ("text", "data_coding"), [("Hello @ £10", 0), (UNICODE, UCS2)], ids=["default alphabet", "unicode"]
)
def test_a_message_from_a_phone_arrives(
    customer: Peer, carrier: Recorder, numbers: Numbers, text: str, data_coding: int
) -> None:
    sender, reached_by = numbers[customer.kind.name]
    octets = text.encode("utf-16-be") if data_coding == UCS2 else encode_gsm(text)
    assert carrier.push(sender, reached_by, octets, data_coding=data_coding) == wire.ESME_ROK
    message = customer.see("message", source=sender, destination=reached_by)
    assert read(message, data_coding) == text


def test_a_message_that_has_no_route_is_refused_and_the_bind_goes_on(
    customer: Peer, carrier: Recorder, numbers: Numbers
) -> None:
    destination, _ = numbers[customer.kind.name]
    assert submit(customer, "33612345678", "short", SHORT) == [{"status": wire.ESME_RINVDSTADR, "id": ""}]
    before = len(carrier.to(destination))
    accepted(submit(customer, destination, "short", SHORT))
    arrived(carrier, destination, before)


def test_the_link_is_answered_for_and_the_bind_ends_by_unbind(customer: Peer, served: Gateway) -> None:
    name = customer.kind.name
    if customer.kind.links:
        assert customer.ask("link")["status"] == wire.ESME_ROK
    assert binds(served, name) == ["bound_trx"]
    assert customer.unbind() == (wire.ESME_ROK if customer.kind.unbinds else None)
    wait_until(lambda: binds(served, name) == [], "the bind is gone")


def test_a_transmitter_sends_and_the_receipt_goes_to_the_receiver(
    peer: Peer, served: Gateway, numbers: Numbers
) -> None:
    destination, _ = numbers[peer.kind.name]
    leave(peer)
    with served.bind(peer.kind.name, mode="receiver") as receiver:
        assert peer.bind("transmitter", **credentials(peer, served)) == wire.ESME_ROK
        [message_id] = accepted(submit(peer, destination, "short", SHORT))
        assert b"stat:DELIVRD" in receiver.receipt(message_id).short_message
        assert binds(served, peer.kind.name) == ["bound_rx", "bound_tx"]
        peer.unbind()


def test_a_receiver_gets_the_receipts_and_messages_of_its_account(
    peer: Peer, served: Gateway, carrier: Recorder, numbers: Numbers
) -> None:
    sender, reached_by = numbers[peer.kind.name]
    leave(peer)
    assert peer.bind("receiver", **credentials(peer, served)) == wire.ESME_ROK
    with served.bind(peer.kind.name, mode="transmitter") as transmitter:
        message_id = transmitter.submit(sender).text
        if peer.kind.only_own:
            wait_until(lambda: receipts_delivered(served, message_id), "the receipt is taken")
        else:
            peer.see("receipt", id=message_id, state="DELIVRD")
    assert carrier.push(sender, reached_by, b"hello") == wire.ESME_ROK
    assert read(peer.see("message", source=sender, destination=reached_by), 0) == "hello"
    peer.unbind()


def test_a_wrong_password_is_refused_with_its_status(peer: Peer, served: Gateway) -> None:
    leave(peer)
    wrong = credentials(peer, served) | {"password": "wrong"}
    told = peer.bind(**wrong)
    assert told == wire.ESME_RINVPASWD or (told is None and not peer.kind.says_why)
    assert binds(served, peer.kind.name) == []


def leave(peer: Peer) -> None:
    """Ends the bind that an earlier test left."""
    if peer.mode is not None:
        peer.unbind()


def receipts_delivered(gateway: Gateway, message_id: str) -> bool:
    """Whether the customer has answered for the receipt of a message."""
    return any(event.id == message_id for event in gateway.events("receipt_delivered"))


def binds(gateway: Gateway, name: str) -> list[str]:
    """The states of the binds of an account."""
    return sorted(bind.state for bind in gateway.client.binds().binds if bind.side == "customer" and bind.name == name)


def read(message: dict[str, Any], data_coding: int) -> str:
    """A message as its library read it, or as anybody would who got its octets."""
    if "text" in message:
        return str(message["text"])
    assert message["data_coding"] == data_coding
    octets = bytes.fromhex(message["octets"])
    return octets.decode("utf-16-be") if data_coding == UCS2 else decode_gsm(octets)
