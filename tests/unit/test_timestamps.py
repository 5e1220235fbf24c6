"""Times of people, read and written."""

from __future__ import annotations

import pytest

from brivas.timestamps import iso_timestamp, parse_timestamp


def test_a_time_reads_back_and_parts_of_a_millisecond_are_not_earlier() -> None:
    at_ms = 1_795_348_800_123
    assert parse_timestamp(iso_timestamp(at_ms)) == at_ms
    assert parse_timestamp("2026-11-22T13:00:00.1231+01:00") == at_ms + 1


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-11-22T12:00:00"])
def test_a_time_without_a_zone_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_timestamp(text)
