"""npm smpp, unmodified, on either side of the gateway: as a customer, and as the carrier's SMSC."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import smpplib.client

from tests.integration import wire
from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.node import NodePeer
from tests.integration.up import Up
from tests.support.process import wait_until

NUMBER = "491701234567"
# npm smpp writes GSM letters beyond ASCII under the data_coding of ASCII: those are left out.
TEXTS = ["hello", "Привет, 你好", "hello again"]


def test_npm_smpp_sends_gets_its_receipts_and_parts_in_order(brivas_up: Up) -> None:
    with NodePeer("client.js", **brivas_up.ready()["smpp"], destination=NUMBER, texts=TEXTS) as peer:
        assert peer.finish() == 0, peer.said
    assert peer.said[0] == {"what": "bound", "status": 0, "system_id": "brivas"}
    submitted = [each for each in peer.said if each["what"] == "submitted"]
    receipts = [each for each in peer.said if each["what"] == "receipt"]
    assert [each["status"] for each in submitted] == [0] * len(TEXTS)
    assert all(re.fullmatch("[0-9a-f]{16}", each["id"]) for each in submitted)
    assert [each["id"] for each in receipts] == [each["id"] for each in submitted]
    assert {(each["message_state"], each["esm_class"]) for each in receipts} == {(2, 4)}
    assert all(f"id:{each['id']} " in each["text"] and "stat:DELIVRD" in each["text"] for each in receipts)
    assert peer.said[-3:] == [
        {"what": "link", "status": 0, "command": "enquire_link_resp"},
        {"what": "unbound", "status": 0, "command": "unbind_resp"},
        {"what": "closed"},
    ]
    for text, each in zip(TEXTS, submitted, strict=True):
        assert brivas_up.json("messages", "show", each["id"])["text"] == text


def test_npm_smpp_is_told_that_its_password_is_wrong(brivas_up: Up) -> None:
    smpp = brivas_up.ready()["smpp"] | {"password": "wrong"}
    with NodePeer("client.js", **smpp, destination=NUMBER, texts=[]) as peer:
        assert peer.finish() == 0, peer.said
    assert peer.said[0]["status"] == wire.ESME_RINVPASWD


@pytest.fixture
def smsc() -> Iterator[NodePeer]:
    told = {"state": "DELIVRD", "message_state": 2, "error": "000"}
    with NodePeer("smsc.js", system_id="brivas", password="npm-pass", **told) as peer:
        yield peer


def with_carrier(gateway: Gateway, smsc: NodePeer) -> None:
    """A gateway whose carrier is npm smpp's server."""
    (gateway.data / "carrier.password").write_text("npm-pass")
    gateway.account()
    gateway.carrier(
        ("127.0.0.1", smsc.next("listening")["port"]), password={"file": "carrier.password"}, enquireLinkMs=200
    )
    gateway.route()
    gateway.start()
    bound = smsc.next("bound")
    assert (bound["right"], bound["system_id"], bound["interface_version"]) == (True, "brivas", 0x34)
    gateway.wait_carrier_up()


def test_a_message_goes_to_npm_smpps_server_and_its_receipt_comes_back_to_smpplib(
    gateway: Gateway, smsc: NodePeer
) -> None:
    with_carrier(gateway, smsc)
    client = smpplib.client.Client(*gateway.smpp, timeout=20, allow_unknown_opt_params=True)
    client.connect()
    try:
        answers, receipts = [], []
        client.set_message_sent_handler(lambda pdu: answers.append(pdu))
        client.set_message_received_handler(lambda pdu: receipts.append(pdu))
        client.bind_transceiver(system_id="acme", password=PASSWORD)
        text = "Grüße".encode("utf-16-be")
        client.send_message(
            source_addr="Brivas",
            source_addr_ton=5,
            destination_addr=NUMBER,
            dest_addr_ton=1,
            dest_addr_npi=1,
            short_message=text,
            data_coding=8,
            registered_delivery=True,
        )
        while not (answers and receipts):
            client.read_once(auto_send_enquire_link=False)
        assert receipts[0].receipted_message_id == answers[0].message_id
        assert receipts[0].message_state == 2
        client.unbind()
    finally:
        client.disconnect()
    arrived = smsc.next("submitted")
    assert (arrived["text"], arrived["destination"], arrived["source"]) == ("Grüße", NUMBER, "Brivas")
    assert smsc.next("delivered") == {"what": "delivered", "id": "npm-1", "status": 0}


def test_the_gateway_keeps_its_link_to_npm_smpps_server_and_parts_in_order(gateway: Gateway, smsc: NodePeer) -> None:
    with_carrier(gateway, smsc)
    smsc.next("link")
    smsc.next("link")
    assert gateway.carrier_stats().binds_up == 1
    assert gateway.terminate() == 0
    smsc.next("unbound")
    smsc.next("closed")


def test_a_failure_that_npm_smpps_server_reports_reaches_the_customer(gateway: Gateway) -> None:
    told = {"state": "UNDELIV", "message_state": 5, "error": "011"}
    with NodePeer("smsc.js", system_id="brivas", password="npm-pass", **told) as smsc:
        with_carrier(gateway, smsc)
        with gateway.bind() as client:
            receipt = client.receipt(client.submit(NUMBER).text)
            assert b"stat:UNDELIV err:011" in receipt.short_message


def test_a_carrier_that_went_away_is_bound_again_and_gets_what_waited(gateway: Gateway, smsc: NodePeer) -> None:
    with_carrier(gateway, smsc)
    port = int(gateway.client.binds().binds[0].peer.rpartition(":")[2])
    smsc.close()
    wait_until(lambda: gateway.carrier_stats().binds_up == 0, "the carrier is seen to be gone")
    with gateway.bind() as client:
        message_id = client.submit(NUMBER).text
        told = {"state": "DELIVRD", "message_state": 2, "error": "000", "port": port}
        with NodePeer("smsc.js", system_id="brivas", password="npm-pass", **told) as again:
            again.next("bound")
            assert b"stat:DELIVRD" in client.receipt(message_id).short_message
