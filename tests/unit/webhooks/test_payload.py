"""What is posted, and which events have which names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from brivas.events import EventName, event_name, journal_kinds
from brivas.v1 import events_pb2, messaging_pb2
from brivas_gateways.webhooks.payload import body, event_id


def watched(event: events_pb2.Event, **more: Any) -> messaging_pb2.WatchedEvent:
    return messaging_pb2.WatchedEvent(
        id="0a" * 8, at_ms=1_700_000_000_123, offset=255, event=event, account="acme", **more
    )


def posted(event: events_pb2.Event, **more: Any) -> dict[str, Any]:
    name = event_name(event)
    assert name is not None
    value: dict[str, Any] = json.loads(body(name, watched(event, **more)))
    assert value.pop("timestamp") == "2023-11-14T22:13:20.123Z"
    assert value["data"].pop("id") == "0a" * 8
    assert value["data"].pop("account") == "acme"
    return value


def test_a_receipt_names_state_and_addresses() -> None:
    final = events_pb2.Final(
        state=events_pb2.MESSAGE_STATE_EXPIRED, carrier="one", error="0000000E", done_at_ms=1_700_000_000_000
    )
    addresses = {
        "source": events_pb2.Address(digits=b"Acme"),
        "destination": events_pb2.Address(digits=b"447700900123"),
    }
    assert posted(events_pb2.Event(final=final), reference="order-1", **addresses) == {
        "type": "message.failed",
        "data": {
            "reference": "order-1",
            "to": "447700900123",
            "from": "Acme",
            "state": "expired",
            "carrier": "one",
            "error": "0000000E",
            "done_at": "2023-11-14T22:13:20.000Z",
        },
    }


def test_a_delivered_message_has_no_error_whatever_the_receipt_says() -> None:
    final = events_pb2.Final(state=events_pb2.MESSAGE_STATE_DELIVERED, carrier="one", error="000")
    value = {"type": "message.delivered", "data": {"state": "delivered", "carrier": "one"}}
    assert posted(events_pb2.Event(final=final)) == value


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (events_pb2.Content(short_message=b"Caf\x05 \x1b\x65", data_coding=0), {"text": "Café €", "data_coding": 0}),
        (
            events_pb2.Content(short_message="Привет".encode("utf-16-be"), data_coding=8),
            {"text": "Привет", "data_coding": 8},
        ),
        (events_pb2.Content(short_message=b"Zo\xeb", data_coding=3), {"text": "Zoë", "data_coding": 3}),
        (
            events_pb2.Content(short_message=b"Zo\xeb@", alphabet=events_pb2.DEFAULT_ALPHABET_LATIN1),
            {"text": "Zoë@", "data_coding": 0},
        ),
        (events_pb2.Content(short_message=b"\x00\xff", data_coding=4), {"data": "00ff", "data_coding": 4}),
        (events_pb2.Content(short_message=b"\xd8", data_coding=8), {"data": "d8", "data_coding": 8}),
        (events_pb2.Content(short_message=b"\xff", data_coding=0), {"data": "ff", "data_coding": 0}),
        (
            events_pb2.Content(short_message=b"\x05\x00\x03\x01\x02\x01Hi", esm_class=0x40),
            {"text": "Hi", "data_coding": 0, "part": {"reference": 1, "number": 1, "total": 2}},
        ),
        (events_pb2.Content(short_message=b"\x09Hi", esm_class=0x40), {"data": "094869", "data_coding": 0}),
        (events_pb2.Content(tlvs=b"\x00\x05\x00\x01\x07\x04\x24\x00\x02Hi"), {"text": "Hi", "data_coding": 0}),
        (events_pb2.Content(short_message=b"Hi", data_coding=0xF0), {"text": "Hi", "data_coding": 0xF0}),
        (events_pb2.Content(short_message=b"Hi", data_coding=0xF4), {"data": "4869", "data_coding": 0xF4}),
    ],
)
def test_an_incoming_message_has_text_or_octets(content: events_pb2.Content, expected: dict[str, Any]) -> None:
    content.source.digits = b"447700900123"
    content.destination.digits = b"12345"
    incoming = events_pb2.MoAccepted(account="acme", carrier="one", content=content)
    value = posted(events_pb2.Event(mo_accepted=incoming))
    assert value["type"] == "message.incoming"
    assert value["data"] == {"to": "12345", "from": "447700900123", "carrier": "one", **expected}


SAR = b"\x02\x0c\0\2\x12\x34\x02\x0e\0\1\3\x02\x0f\0\1\2"


@pytest.mark.parametrize(
    ("esm_class", "octets", "tlvs", "expected"),
    [
        (0x40, b"\5\0\3\x07\3\1abc", b"", (7, 1, 3)),
        (0x40, b"\6\x08\4\x12\x34\2\2abc", b"", (0x1234, 2, 2)),
        (0x40, b"\x0b\5\4\x0b\x84\x23\xf0\0\3\x07\2\2abc", b"", (7, 2, 2)),
        (0x00, b"abc", SAR, (0x1234, 2, 3)),
        (0x40, b"\5\0\3\x07\3\1abc", SAR, (7, 1, 3)),
        # None of these is a part: alone, without the indicator, impossible, cut off.
        (0x40, b"\5\0\3\x07\1\1abc", b"", None),
        (0x00, b"\5\0\3\x07\3\1abc", b"", None),
        (0x40, b"\5\0\3\x07\3\4abc", b"", None),
        (0x40, b"\5\0\3\x07\3\0abc", b"", None),
        (0x40, b"\5\0\3\x07", b"", None),
        (0x40, b"", b"", None),
        (0x00, b"abc", SAR[:12], None),
    ],
)
def test_an_incoming_part_says_which_one_it_is(
    esm_class: int, octets: bytes, tlvs: bytes, expected: tuple[int, int, int] | None
) -> None:
    content = events_pb2.Content(esm_class=esm_class, short_message=octets, tlvs=tlvs)
    incoming = events_pb2.MoAccepted(account="acme", carrier="one", content=content)
    part = posted(events_pb2.Event(mo_accepted=incoming))["data"].get("part")
    assert part == (expected and dict(zip(("reference", "number", "total"), expected, strict=True)))


def test_attempts_and_acceptance() -> None:
    sent = events_pb2.Sent(carrier="one", carrier_message_id=b"x", attempt=2)
    assert posted(events_pb2.Event(sent=sent)) == {"type": "message.sent", "data": {"carrier": "one", "attempt": 2}}
    failed = events_pb2.AttemptFailed(carrier="one", attempt=1, command_status=0x58, reason="ESME_RTHROTTLED")
    value = posted(events_pb2.Event(attempt_failed=failed))
    assert value["data"] == {"carrier": "one", "attempt": 1, "command_status": 88, "reason": "ESME_RTHROTTLED"}
    accepted = events_pb2.Accepted(account="acme", expires_at_ms=1_700_000_000_000)
    assert posted(events_pb2.Event(accepted=accepted))["data"]["expires_at"] == "2023-11-14T22:13:20.000Z"


def test_the_id_is_of_message_and_place_and_safe_to_sign() -> None:
    assert event_id(watched(events_pb2.Event())) == "evt_" + "0a" * 8 + "_ff"


def test_what_concerns_only_us_has_no_name() -> None:
    taken = events_pb2.Final(state=events_pb2.MESSAGE_STATE_ACCEPTED)
    delivered = events_pb2.ReceiptDelivered()
    for event in (events_pb2.Event(), events_pb2.Event(receipt_delivered=delivered), events_pb2.Event(final=taken)):
        assert event_name(event) is None
    assert journal_kinds([EventName.FAILED, EventName.DELIVERED, EventName.SENT]) == ("final", "sent")
