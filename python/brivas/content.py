"""What a short message says: from octets and data_coding to text, for people and for webhooks.

Only what can be told for certain becomes text; everything else stays octets. The engine's own decoder reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from brivas import _core
from brivas.v1 import events_pb2

_UDHI: Final = 0x40
"""esm_class: the message begins with a user data header (SMPP 3.4 §5.2.12)."""

_MESSAGE_PAYLOAD: Final = 0x0424
"""The TLV that takes the place of short_message (SMPP 3.4 §5.3.2.32)."""

_SAR: Final = (0x020C, 0x020E, 0x020F)
"""sar_msg_ref_num, sar_total_segments, sar_segment_seqnum (SMPP 3.4 §5.3.2.22 to .24)."""

_CONCATENATIONS: Final = {0x00: 1, 0x08: 2}
"""Elements that number parts, and the octets of their reference (3GPP TS 23.040 §9.2.3.24.1, .8)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a message this is. All parts of it have the same addresses, reference and total."""

    reference: int
    total: int
    number: int


def part(content: events_pb2.Content) -> Part | None:
    """Which part it is; None where it is a message of its own. Of header and TLVs the header is believed."""
    found = _by_header(octets(content)) if content.esm_class & _UDHI else None
    found = found or _by_sar(dict(_tlvs(content.tlvs)))
    return found if found and found.total > 1 and 1 <= found.number <= found.total else None


def octets(content: events_pb2.Content) -> bytes:
    """The user data as it came, user data header and all: short_message, or else the TLV message_payload."""
    if content.short_message:
        return content.short_message
    return next((value for tag, value in _tlvs(content.tlvs) if tag == _MESSAGE_PAYLOAD), b"")


def text(content: events_pb2.Content) -> str | None:
    """The text without its user data header; None where the data is binary or not valid in its alphabet."""
    has_udh = bool(content.esm_class & _UDHI)
    # What data_coding 0 means is told with the content: it depends on who sent it.
    return _core.decode_text(
        octets(content), content.data_coding & 0xFF, has_udh=has_udh, alphabet=int(content.alphabet)
    )


def address(address: events_pb2.Address) -> str:
    """An address as text. Digits keep no '+': TON says whether they are international."""
    return address.digits.decode("latin-1")


def _by_header(user_data: bytes) -> Part | None:
    found: Part | None = None
    header = user_data[1 : 1 + user_data[0]] if user_data else b""
    while len(header) >= 2:
        data, width = header[2 : 2 + header[1]], _CONCATENATIONS.get(header[0])
        # Of two the last counts.
        if width is not None and len(data) == width + 2:
            found = Part(int.from_bytes(data[:width]), data[width], data[width + 1])
        header = header[2 + header[1] :]
    return found


def _by_sar(tlvs: dict[int, bytes]) -> Part | None:
    reference, total, number = (tlvs.get(tag, b"") for tag in _SAR)
    if (len(reference), len(total), len(number)) != (2, 1, 1):
        return None
    return Part(int.from_bytes(reference), total[0], number[0])


def _tlvs(area: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(area):
        tag = int.from_bytes(area[position : position + 2])
        length = int.from_bytes(area[position + 2 : position + 4])
        yield tag, area[position + 4 : position + 4 + length]
        position += 4 + length
