"""What a short message says: from octets and data_coding to text, for people and for webhooks.

Only what can be told for certain becomes text; everything else stays octets. The engine keeps messages as they came and
never needs this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from brivas.v1 import events_pb2

_UDHI: Final = 0x40
"""esm_class: the message begins with a user data header (SMPP 3.4 §5.2.12)."""

_MESSAGE_PAYLOAD: Final = 0x0424
"""The TLV that takes the place of short_message (SMPP 3.4 §5.3.2.32)."""

# 3GPP TS 23.038 §6.2.1: the default alphabet, and its extension after ESC.
_GSM: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_ESCAPE: Final = 0x1B


def octets(content: events_pb2.Content) -> bytes:
    """The user data as it came, user data header and all: short_message, or else the TLV message_payload."""
    if content.short_message:
        return content.short_message
    return next((value for tag, value in _tlvs(content.tlvs) if tag == _MESSAGE_PAYLOAD), b"")


def text(content: events_pb2.Content) -> str | None:
    """The text without its user data header; None where the data is binary or not valid in its alphabet."""
    data = octets(content)
    if content.esm_class & _UDHI:
        if not data or data[0] >= len(data):
            return None
        data = data[data[0] + 1 :]
    try:
        match _alphabet(content.data_coding):
            case "gsm":
                return _gsm_text(data)
            case str(codec):
                return data.decode(codec)
            case _:
                return None
    except (UnicodeDecodeError, LookupError):
        return None


def address(address: events_pb2.Address) -> str:
    """An address as text. Digits keep no '+': TON says whether they are international."""
    return address.digits.decode("latin-1")


def _alphabet(data_coding: int) -> str | None:
    """The codec of a data_coding (SMPP 3.4 §5.2.19, and the message classes of 3GPP TS 23.038 §4)."""
    if data_coding & 0xF0 == 0xF0:
        return None if data_coding & 0x04 else "gsm"
    return {0: "gsm", 1: "ascii", 3: "latin-1", 6: "iso8859-5", 7: "iso8859-8", 8: "utf-16-be"}.get(data_coding)


def _gsm_text(data: bytes) -> str:
    """One character an octet, as SMPP carries the default alphabet."""
    characters: list[str] = []
    escaped = False
    for octet in data:
        if octet > 0x7F:
            raise LookupError(octet)
        if escaped:
            # What the extension does not know shows as in the main table (3GPP TS 23.038 §6.2.1.1).
            characters.append(_GSM_EXTENSION.get(octet) or _GSM[octet])
            escaped = False
        elif octet == _ESCAPE:
            escaped = True
        else:
            characters.append(_GSM[octet])
    return "".join(characters)


def _tlvs(area: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(area):
        tag = int.from_bytes(area[position : position + 2])
        length = int.from_bytes(area[position + 2 : position + 4])
        yield tag, area[position + 4 : position + 4 + length]
        position += 4 + length
