"""What a short message says: from octets and data_coding to text, for people and for webhooks.

Only what can be told for certain becomes text; everything else stays octets. The engine's own decoder reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from brivas import _core
from brivas.v1 import events_pb2

_UDHI: Final = 0x40
"""esm_class: the message begins with a user data header (SMPP 3.4 §5.2.12)."""

_MESSAGE_PAYLOAD: Final = 0x0424
"""The TLV that takes the place of short_message (SMPP 3.4 §5.3.2.32)."""


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


def _tlvs(area: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(area):
        tag = int.from_bytes(area[position : position + 2])
        length = int.from_bytes(area[position + 2 : position + 4])
        yield tag, area[position + 4 : position + 4 + length]
        position += 4 + length
