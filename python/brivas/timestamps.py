"""Times for people and programs: ISO 8601 in UTC. Inside, times are milliseconds since 1970."""

from __future__ import annotations

import datetime
from typing import Final

_YEAR_10000_MS: Final = 253_402_300_800_000


def iso_timestamp(at_ms: int) -> str:
    """`2026-11-22T13:05:09.123Z`. What no calendar holds becomes its nearest end."""
    at = datetime.datetime.fromtimestamp(min(max(at_ms, 0), _YEAR_10000_MS - 1) / 1000, datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(at: datetime.datetime) -> int:
    """Milliseconds since 1970 of a time that says its zone; parts of one are rounded up."""
    since = at - datetime.datetime.fromtimestamp(0, datetime.UTC)
    return -((-since) // datetime.timedelta(milliseconds=1))


def parse_timestamp(text: str) -> int:
    """Reads an RFC 3339 time as milliseconds since 1970. ValueError: it is none, or says no zone."""
    at = datetime.datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} says no zone")
    return epoch_ms(at)
