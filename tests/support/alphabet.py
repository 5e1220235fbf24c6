"""The GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1), one septet an octet, as most of SMPP writes it.

For tests: it shares nothing with the engine's own.
"""

from __future__ import annotations

from typing import Final

_BASE: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE: Final = 0x1B
_EXTENSION: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_EXTENDED: Final = {code: character for character, code in _EXTENSION.items()}


def encode_gsm(text: str) -> bytes:
    """A text as octets; what the alphabet lacks is a `ValueError`."""
    octets = bytearray()
    for character in text:
        if character in _EXTENSION:
            octets += bytes((_ESCAPE, _EXTENSION[character]))
        else:
            octets.append(_BASE.index(character))
    return bytes(octets)


def decode_gsm(octets: bytes) -> str:
    """Octets as a text."""
    text = ""
    each = iter(octets)
    for octet in each:
        text += _EXTENDED[next(each)] if octet == _ESCAPE else _BASE[octet]
    return text
