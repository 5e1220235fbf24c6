"""PDUs of a trace as they are shown: texts and passwords hidden, one line each."""

from __future__ import annotations

from typing import Any

import pytest

from brivas.cli.traced import line, traced_as_dict, with_text
from brivas.v1 import control_pb2
from tests.integration import wire


def traced(octets: bytes, **fields: Any) -> control_pb2.TracedPdu:
    usual: dict[str, Any] = {"connection": 7, "side": "customer", "name": "acme", "at_us": 1_795_348_800_123_000}
    return control_pb2.TracedPdu(**(usual | {"octets": octets} | fields))


def shown(octets: bytes, *, show_text: bool = False, **fields: Any) -> dict[str, Any]:
    return traced_as_dict(traced(octets, **fields), show_text=show_text)


SUBMIT = wire.pdu(wire.SUBMIT_SM, wire.submit_body("491701234567", b"a secret"), sequence=9)


def test_a_line_says_who_said_what() -> None:
    assert line(shown(SUBMIT)) == (
        "2026-11-22 12:00:00.123Z  customer acme #7              in   submit_sm             "
        "seq=9 from=Brivas to=491701234567 text='(hidden: 8 octets)'"
    )
    response = wire.pdu(wire.SUBMIT_SM | wire.RESPONSE, status=wire.ESME_RTHROTTLED, sequence=9)
    said = line(shown(response, outgoing=True, lost_octets_before=12))
    assert said.endswith("out  submit_sm_resp        seq=9 status=ESME_RTHROTTLED  (12 octets left out before)")
    assert line(shown(b"", ended=True)).endswith("customer acme #7  ended")


@pytest.mark.parametrize("payload", [False, True])
def test_a_text_is_hidden_unless_it_is_asked_for(payload: bool) -> None:
    tlvs = {wire.MESSAGE_PAYLOAD: b"a secret"} if payload else None
    octets = wire.pdu(wire.SUBMIT_SM, wire.submit_body("49170", b"" if payload else b"a secret", tlvs=tlvs))
    hidden = shown(octets)
    assert "secret" not in str(hidden)
    assert b"a secret".hex() not in str(hidden)
    assert hidden["pdu"]["text_octets"] == 8
    assert shown(octets, show_text=True)["pdu"]["text"] == "a secret"


def test_of_a_receipt_only_the_messages_own_text_is_hidden() -> None:
    text = b"id:7 stat:DELIVRD err:000 text:a secret"
    octets = wire.pdu(wire.DELIVER_SM, wire.submit_body("49170", text, esm_class=wire.ESM_CLASS_RECEIPT))
    assert shown(octets)["pdu"]["text"] == "id:7 stat:DELIVRD err:000 text:(hidden)"


def test_ucs2_is_read_as_such() -> None:
    fields = with_text({"short_message": "041f0440", "data_coding": 8}, show_text=True)
    assert fields["text"] == "Пр"


def test_a_password_is_never_shown() -> None:
    octets = wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("acme", "a-secret"))
    assert "a-secret" not in str(shown(octets, show_text=True))


def test_what_a_terminal_would_obey_is_quoted() -> None:
    octets = wire.pdu(wire.SUBMIT_SM, wire.submit_body("49170", b"\x1b[2J hello\n"))
    assert "\x1b" not in line(shown(octets, show_text=True))
    assert "\n" not in line(shown(octets, show_text=True))


def test_what_cannot_be_read_is_shown_with_the_reason() -> None:
    assert "malformed='message_id: command length is invalid'" in line(shown(wire.pdu(wire.QUERY_SM, b"no end")))
