"""The shared vectors, as Python reads them: each PDU is what it is meant to be."""

from __future__ import annotations

import pytest

from tests.support import codec


@pytest.fixture(scope="module")
def read() -> dict[bytes, dict[str, object]]:
    """What the codec reads in each vector."""
    octets = [vector.octets for vector in codec.vectors()]
    return dict(zip(octets, codec.decoded(octets), strict=True))


@pytest.mark.parametrize("vector", codec.vectors(), ids=lambda vector: f"{vector.file}: {vector.name}")
def test_a_vector_is_read_as_it_is_meant(vector: codec.Vector, read: dict[bytes, dict[str, object]]) -> None:
    expected = {"error": vector.error} if vector.error else {"fields": vector.fields}
    assert read[vector.octets] == expected


def test_every_command_has_a_vector() -> None:
    commands = {int.from_bytes(vector.octets[4:8]) for vector in codec.vectors()}
    assert set(codec.tables()["commands"].values()) <= commands
