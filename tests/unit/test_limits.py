"""What the Python faces take is what the engine takes: never more, or it would be refused (or changed) later."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brivas import limits

COMPOSE = Path(__file__).parents[2] / "core" / "src" / "grpc" / "compose.rs"


@pytest.mark.parametrize(
    ("constant", "ours"),
    [
        ("NUMBER_DIGITS_MAX", limits.NUMBER_DIGITS_MAX),
        ("SENDER_LETTERS_MAX", limits.SENDER_CHARACTERS_MAX),
        ("REFERENCE_OCTETS_MAX", limits.REFERENCE_OCTETS_MAX),
    ],
)
def test_a_bound_is_the_engines(constant: str, ours: int) -> None:
    found = re.search(rf"const {constant}: usize = (\d+);", COMPOSE.read_text())
    assert found is not None
    assert int(found[1]) == ours


def test_the_longest_validity_is_twelve_months_of_thirty_days() -> None:
    # The engine writes months of 30 days, and never more than 12 of them.
    assert "months.min(12)" in COMPOSE.read_text()
    assert limits.VALIDITY_SECONDS_MAX == 12 * 30 * 24 * 3600 == 31_104_000
