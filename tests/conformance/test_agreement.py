"""What judges recorded traffic sees what is wrong in it: one spoiled octet, and it says so."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import agreement, codec, tshark
from tests.support.conversation import Chunk, Conversation

if tshark.IS_MISSING:
    pytest.skip("tshark is missing: apt-get install tshark", allow_module_level=True)


def pdu(command_id: int, sequence_number: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command_id, 0, sequence_number) + body


LINK = pdu(0x15, 7)
LINK_RESP = pdu(0x8000_0015, 7)
SUBMIT = pdu(4, 8, b"\0\x05\0Brivas\0\x01\x01491701\0\x03\0\0\0\0\x01\0\0\0\x05hello" + b"\x02\x04\0\x02\x12\x34")
QUERY_RESP = pdu(0x8000_0003, 9, b"ab\0\0\x02\0")


def recorded(client: bytes, server: bytes = LINK_RESP, *, at_once: int = 70_000) -> Conversation:
    """A connection on which so many octets were read at once."""

    def chunks(octets: bytes, *, is_from_client: bool) -> list[Chunk]:
        return [Chunk(1.0, is_from_client, octets[at : at + at_once]) for at in range(0, len(octets), at_once)]

    return Conversation([*chunks(client, is_from_client=True), *chunks(server, is_from_client=False)])


@pytest.mark.parametrize("at_once", [1, 7, 70_000])
def test_right_traffic_is_agreed_on_however_it_was_cut(tmp_path: Path, at_once: int) -> None:
    found = agreement.compare(
        [recorded(LINK + SUBMIT + LINK, LINK_RESP + QUERY_RESP, at_once=at_once), recorded(SUBMIT)], tmp_path
    )
    found.assert_holds()
    assert found.counts == {
        "enquire_link": 2,
        "enquire_link_resp": 2,
        "submit_sm": 2,
        "query_sm_resp": 1,
    }
    assert "submit_sm                         2" in found.table()


def flipped(octets: bytes, at: int) -> bytes:
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda: flipped(SUBMIT, 3), id="command_length"),
        pytest.param(lambda: flipped(SUBMIT, SUBMIT.index(b"\x05hello")), id="sm_length"),
        pytest.param(lambda: flipped(SUBMIT, SUBMIT.index(b"\0\x02\x12") + 1), id="length of a TLV"),
        pytest.param(lambda: SUBMIT[:-3], id="cut short"),
        pytest.param(lambda: b"\0\0\0\x0f" + SUBMIT[4:], id="length below a header"),
    ],
)
def test_a_spoiled_octet_is_told(tmp_path: Path, spoil: Callable[[], bytes]) -> None:
    found = agreement.compare([recorded(LINK + spoil() + LINK)], tmp_path)
    assert found.wrong
    with pytest.raises(AssertionError, match="disagreements"):
        found.assert_holds()


def test_a_field_that_is_read_differently_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = codec.decoded

    def misread(pdus: list[bytes]) -> list[dict[str, dict[str, int | str]]]:
        every = read(pdus)
        every[1]["fields"]["sm_length"] = 6
        return every

    monkeypatch.setattr(codec, "decoded", misread)
    found = agreement.compare([recorded(LINK + SUBMIT)], tmp_path)
    assert [each.partition("\n")[0] for each in found.wrong] == ["submit_sm: read differently"]


def test_tls_is_counted_and_left_alone(tmp_path: Path) -> None:
    found = agreement.compare([recorded(b"\x16\x03\x01" + os.urandom(50), b"\x16\x03\x03" + os.urandom(50))], tmp_path)
    found.assert_holds()
    assert (found.encrypted, found.counts.total()) == (1, 0)
