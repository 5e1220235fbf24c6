"""The parts of a long message, as they arrive in submit_sm: in which form, and put in order again.

For tests: it shares nothing with the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

UDHI: Final = 0x40
_CONCATENATED_8, _CONCATENATED_16 = 0x00, 0x08
_MESSAGE_PAYLOAD: Final = 0x0424
_SAR_SEGMENT_SEQNUM: Final = 0x020F


class Part(Protocol):
    """What is looked at."""

    @property
    def esm_class(self) -> int: ...
    @property
    def short_message(self) -> bytes: ...
    @property
    def tlvs(self) -> dict[int, bytes]: ...


def form(part: Part) -> str:
    """How it was made to fit: `udh`, `sar`, `payload`, or not at all: `whole`."""
    if _MESSAGE_PAYLOAD in part.tlvs:
        return "payload"
    if _SAR_SEGMENT_SEQNUM in part.tlvs:
        return "sar"
    return "udh" if part.esm_class & UDHI else "whole"


def in_order(parts: Iterable[Part]) -> list[bytes]:
    """What the user wrote, part by part."""
    return [octets for _, octets in sorted(_numbered(part) for part in parts)]


def _numbered(part: Part) -> tuple[int, bytes]:
    """Its place among the parts, and its octets without a header."""
    match form(part):
        case "payload":
            return 1, part.tlvs[_MESSAGE_PAYLOAD]
        case "sar":
            return part.tlvs[_SAR_SEGMENT_SEQNUM][0], part.short_message
        case "udh":
            length = part.short_message[0]
            element, data = part.short_message[1], part.short_message[3 : 1 + length]
            assert element in (_CONCATENATED_8, _CONCATENATED_16), f"element 0x{element:02x} does not number parts"
            return data[-1], part.short_message[1 + length :]
    return 1, part.short_message
