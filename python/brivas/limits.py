"""What a message may be at most: the same for HTTP, actions and the command line, and what the engine takes.

Nothing is imported here: the help of a command shows these bounds without loading anything.
"""

from __future__ import annotations

from typing import Final

MESSAGES_MAX: Final = 1_000
"""In one request."""

NUMBER_DIGITS_MAX: Final = 15
"""E.164 §6.2.1, country code included."""

SENDER_CHARACTERS_MAX: Final = 11
"""Of an alphanumeric sender (3GPP TS 23.040 §9.1.2.5)."""

VALIDITY_SECONDS_MAX: Final = 12 * 30 * 86_400
"""Twelve months of 30 days: what the engine writes into a validity_period at most (SMPP 3.4 §7.1.1)."""

REFERENCE_OCTETS_MAX: Final = 64
TEXT_CHARACTERS_MAX: Final = 10_000
DATA_OCTETS_MAX: Final = 65_535
