"""Times for people and programs: ISO 8601 in UTC. Inside, times are milliseconds since 1970."""

from __future__ import annotations

import datetime
from typing import Final

_YEAR_10000_MS: Final = 253_402_300_800_000


def iso_timestamp(at_ms: int) -> str:
    """`2026-11-22T13:05:09.123Z`. What no calendar holds becomes its nearest end."""
    at = datetime.datetime.fromtimestamp(min(max(at_ms, 0), _YEAR_10000_MS - 1) / 1000, datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
