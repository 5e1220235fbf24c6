"""What accounts and carriers have in common about texts: the form of long messages, alphabets, languages."""

from __future__ import annotations

from typing import Final, Literal

from brivas.v1 import events_pb2

LongMessages = Literal["asSent", "udh8", "udh16", "sar", "payload"]
"""How a message travels that is too long for one short message."""

DefaultAlphabet = Literal["gsm", "gsmPacked", "latin1", "ascii", "utf8"]
"""What data_coding 0 means."""

Language = Literal[
    "turkish",
    "spanish",
    "portuguese",
    "bengali",
    "gujarati",
    "hindi",
    "kannada",
    "malayalam",
    "oriya",
    "punjabi",
    "tamil",
    "telugu",
    "urdu",
]
"""A language with shift tables of its own (3GPP TS 23.038 annex A)."""

LONG_MESSAGES: Final[dict[LongMessages, events_pb2.LongMessages.ValueType]] = {
    "asSent": events_pb2.LONG_MESSAGES_AS_SENT,
    "udh8": events_pb2.LONG_MESSAGES_UDH8,
    "udh16": events_pb2.LONG_MESSAGES_UDH16,
    "sar": events_pb2.LONG_MESSAGES_SAR,
    "payload": events_pb2.LONG_MESSAGES_PAYLOAD,
}
"""As the engine has them."""

DEFAULT_ALPHABET: Final[dict[DefaultAlphabet, events_pb2.DefaultAlphabet.ValueType]] = {
    "gsm": events_pb2.DEFAULT_ALPHABET_GSM,
    "gsmPacked": events_pb2.DEFAULT_ALPHABET_GSM_PACKED,
    "latin1": events_pb2.DEFAULT_ALPHABET_LATIN1,
    "ascii": events_pb2.DEFAULT_ALPHABET_ASCII,
    "utf8": events_pb2.DEFAULT_ALPHABET_UTF8,
}
"""As the engine has them."""

LANGUAGE: Final[dict[Language, int]] = {
    "turkish": 1,
    "spanish": 2,
    "portuguese": 3,
    "bengali": 4,
    "gujarati": 5,
    "hindi": 6,
    "kannada": 7,
    "malayalam": 8,
    "oriya": 9,
    "punjabi": 10,
    "tamil": 11,
    "telugu": 12,
    "urdu": 13,
}
"""National Language Identifiers (3GPP TS 23.038 §6.2.1.2.4)."""
