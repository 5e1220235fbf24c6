"""PyPI smpplib, unmodified, as a customer: it sends, gets its receipts, and its octets are those that arrive."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

from tests.integration import wire
from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.recorder import Recorder
from tests.integration.up import Up
from tests.support.process import wait_until

NUMBER = "491701234567"


class Customer:
    """A bind of smpplib, and what came on it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.client = smpplib.client.Client(*address, timeout=20, allow_unknown_opt_params=True)
        self.answers: list[Any] = []
        self.deliveries: list[Any] = []
        self.client.set_message_sent_handler(lambda pdu: self.answers.append(pdu))
        self.client.set_message_received_handler(lambda pdu: self.deliveries.append(pdu))
        self.client.connect()

    def send(self, **fields: Any) -> str:
        """Submits, and waits for the answer: the message's id."""
        whole = {
            "source_addr_ton": smpplib.consts.SMPP_TON_ALNUM,
            "source_addr": "Brivas",
            "dest_addr_ton": smpplib.consts.SMPP_TON_INTL,
            "dest_addr_npi": smpplib.consts.SMPP_NPI_ISDN,
            "destination_addr": NUMBER,
            "short_message": b"hello",
            "registered_delivery": True,
        } | fields
        sent = self.client.send_message(**whole)
        self.read_until(lambda: any(answer.sequence == sent.sequence for answer in self.answers))
        answer = next(answer for answer in self.answers if answer.sequence == sent.sequence)
        return str(answer.message_id.decode())

    def receipt(self, message_id: str) -> Any:
        """Waits for the receipt of a message."""

        def of_it() -> list[Any]:
            return [each for each in self.deliveries if each.receipted_message_id == message_id.encode()]

        self.read_until(lambda: bool(of_it()))
        return of_it()[0]

    def read_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "nothing came in time"
            self.client.read_once(auto_send_enquire_link=False)


@contextlib.contextmanager
def customer(up: Up) -> Iterator[Customer]:
    """Connected, not bound."""
    smpp = up.ready()["smpp"]
    one = Customer((smpp["host"], smpp["port"]))
    try:
        yield one
    finally:
        one.client.disconnect()


@contextlib.contextmanager
def bound(up: Up, mode: str = "transceiver") -> Iterator[Customer]:
    smpp = up.ready()["smpp"]
    with customer(up) as one:
        bind = getattr(one.client, f"bind_{mode}")
        answer = bind(system_id=smpp["system_id"], password=smpp["password"])
        assert answer.system_id == b"brivas"
        yield one
        one.client.unbind()


def test_a_transceiver_gets_a_receipt_with_the_id_that_it_was_answered(brivas_up: Up) -> None:
    with bound(brivas_up) as one:
        message_id = one.send()
        assert re.fullmatch("[0-9a-f]{16}", message_id)
        receipt = one.receipt(message_id)
        assert receipt.esm_class == wire.ESM_CLASS_RECEIPT
        assert receipt.message_state == smpplib.consts.SMPP_MESSAGE_STATE_DELIVERED
        assert receipt.source_addr == NUMBER.encode()
        assert receipt.destination_addr == b"Brivas"
        text = receipt.short_message.decode()
        assert text.startswith(f"id:{message_id} sub:001 dlvrd:001 submit date:")
        assert "stat:DELIVRD err:000 text:hello" in text


def test_what_a_transmitter_sends_has_its_receipt_on_the_receiver(brivas_up: Up) -> None:
    with bound(brivas_up, "receiver") as receiver, bound(brivas_up, "transmitter") as transmitter:
        ids = [transmitter.send(short_message=f"message {number}".encode()) for number in range(5)]
        for message_id in ids:
            receiver.receipt(message_id)
        assert transmitter.deliveries == []


def test_a_message_that_asks_for_no_receipt_gets_none(brivas_up: Up) -> None:
    with bound(brivas_up) as one:
        silent = one.send(registered_delivery=False)
        # The same destination: the carrier's receipts come in the order of its messages.
        one.receipt(one.send())
        wait_until(lambda: state(brivas_up, silent) == "accepted", "the final state of the silent one")
        assert [each.receipted_message_id for each in one.deliveries if each.receipted_message_id == silent] == []
        assert len(one.deliveries) == 1


def state(up: Up, message_id: str) -> str:
    return str(up.json("messages", "show", message_id)["state"])


@pytest.mark.parametrize("wrong", ["password", "system_id"])
def test_wrong_credentials_are_refused_with_rinvpaswd(brivas_up: Up, wrong: str) -> None:
    smpp = brivas_up.ready()["smpp"]
    credentials = {name: smpp[name] for name in ("system_id", "password")} | {wrong: "wrong"}
    with customer(brivas_up) as one:
        with pytest.raises(smpplib.exceptions.PDUError) as refused:
            one.client.bind_transceiver(**credentials)
        assert refused.value.args[1] == smpplib.consts.SMPP_ESME_RINVPASWD
        with pytest.raises(smpplib.exceptions.ConnectionError):
            one.client.read_pdu()


def test_a_receiver_may_not_submit(brivas_up: Up) -> None:
    with bound(brivas_up, "receiver") as one:
        # smpplib itself keeps to the rule, unless it is told that it is a transmitter.
        one.client.state = smpplib.consts.SMPP_CLIENT_STATE_BOUND_TX
        with pytest.raises(smpplib.exceptions.PDUError) as refused:
            one.send()
        assert refused.value.args[1] == smpplib.consts.SMPP_ESME_RINVBNDSTS


def test_the_link_is_answered_for(brivas_up: Up) -> None:
    with bound(brivas_up) as one:
        one.client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=one.client))
        assert one.client.read_pdu().command == "enquire_link_resp"


def test_an_unknown_command_is_nacked_and_the_bind_goes_on(brivas_up: Up) -> None:
    with brivas_up.bind() as client:
        answer = client.request(0x0000_0777, b"whatever")
        assert (answer.command_id, answer.status) == (wire.GENERIC_NACK, wire.ESME_RINVCMDID)
        assert client.submit(NUMBER).status == wire.ESME_ROK


def test_a_known_command_that_is_not_offered_is_answered_with_rinvcmdid(brivas_up: Up) -> None:
    with brivas_up.bind() as client:
        answer = client.request(wire.BROADCAST_SM, b"\0\0\0\0\0\0\0\0\0\0\0\0")
        assert (answer.command_id, answer.status) == (wire.BROADCAST_SM | wire.RESPONSE, wire.ESME_RINVCMDID)
        assert client.submit(NUMBER).status == wire.ESME_ROK


def test_a_second_bind_on_a_connection_is_refused_with_ralybnd(brivas_up: Up) -> None:
    smpp = brivas_up.ready()["smpp"]
    with brivas_up.bind() as client:
        assert client.bind(smpp["system_id"], smpp["password"]).status == wire.ESME_RALYBND
        assert client.submit(NUMBER).status == wire.ESME_ROK


def test_a_submit_before_the_bind_is_refused_with_rinvbndsts(brivas_up: Up) -> None:
    smpp = brivas_up.ready()["smpp"]
    with wire.Client((smpp["host"], smpp["port"])) as client:
        assert client.submit(NUMBER).status == wire.ESME_RINVBNDSTS


# What arrives at the carrier.


@pytest.fixture
def sender(gateway: Gateway, recorder: Recorder) -> Iterator[Customer]:
    """A bind of smpplib to a gateway whose carrier keeps what it gets."""
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route()
    gateway.start()
    one = Customer(gateway.smpp)
    try:
        one.client.bind_transceiver(system_id="acme", password=PASSWORD)
        yield one
        one.client.unbind()
    finally:
        one.client.disconnect()


def test_ucs2_text_arrives_octet_for_octet(sender: Customer, recorder: Recorder) -> None:
    text = "Grüße, Привет, 你好, 🎉".encode("utf-16-be")
    sender.receipt(sender.send(short_message=text, data_coding=smpplib.consts.SMPP_ENCODING_ISO10646))
    [arrived] = recorder.messages
    assert (arrived.short_message, arrived.data_coding) == (text, 8)
    assert (arrived.source, arrived.destination) == (b"Brivas", NUMBER.encode())


def test_every_octet_of_a_binary_message_arrives(sender: Customer, recorder: Recorder) -> None:
    everything = bytes(range(256))
    for part in (everything[:140], everything[116:]):
        sender.receipt(sender.send(short_message=part, data_coding=smpplib.consts.SMPP_ENCODING_BINARY))
    assert [arrived.short_message for arrived in recorder.messages] == [everything[:140], everything[116:]]


def test_a_message_payload_arrives_octet_for_octet(sender: Customer, recorder: Recorder) -> None:
    # smpplib takes up to 260 octets of payload.
    payload = ("long " * 52).encode()
    sender.receipt(sender.send(short_message=b"", message_payload=payload))
    [arrived] = recorder.messages
    assert arrived.short_message == b""
    assert arrived.tlvs[wire.MESSAGE_PAYLOAD] == payload


def test_the_parts_of_a_segmented_message_keep_their_headers(sender: Customer, recorder: Recorder) -> None:
    parts, data_coding, esm_class = smpplib.gsm.make_parts("Teil um Teil: äöüß€ " * 20)
    assert len(parts) > 2
    for part in parts:
        sender.receipt(sender.send(short_message=part, data_coding=data_coding, esm_class=esm_class))
    assert [arrived.short_message for arrived in recorder.messages] == list(parts)
    assert {arrived.esm_class for arrived in recorder.messages} == {smpplib.consts.SMPP_GSMFEAT_UDHI}


def test_64_kilobytes_of_payload_and_unknown_tlvs_arrive_octet_for_octet(gateway: Gateway, recorder: Recorder) -> None:
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route()
    gateway.start()
    payload = bytes(number % 251 for number in range(64_000))
    tlvs = {wire.MESSAGE_PAYLOAD: payload, 0x1501: b"an operator's own", 0x0204: b"\x12\x34"}
    with gateway.bind() as client:
        answer = client.request(wire.SUBMIT_SM, wire.submit_body(NUMBER, b"", tlvs=tlvs))
        assert answer.status == wire.ESME_ROK
        client.receipt(answer.text)
    [arrived] = recorder.messages
    assert arrived.tlvs == tlvs
