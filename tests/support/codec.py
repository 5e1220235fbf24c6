"""The Rust codec, for tests: PDUs made by it, and what it reads in the PDUs of others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


VECTORS = ROOT / "core/smpp/vectors"
Fields = dict[str, int | str]


@dataclass(frozen=True)
class Pdu:
    """A PDU, and what the codec reads in it."""

    name: str
    octets: bytes
    fields: Fields


@dataclass(frozen=True)
class Vector:
    """A shared vector: `fields`, or for a malformed PDU `error` with `status` and `field`."""

    file: str
    name: str
    octets: bytes
    fields: Fields
    error: dict[str, str] | None


def vectors() -> list[Vector]:
    """All of `core/smpp/vectors`."""
    return [
        Vector(file.stem, row["name"], bytes.fromhex(row["hex"]), row.get("fields", {}), row.get("error"))
        for file in sorted(VECTORS.glob("*.json"))
        for row in json.loads(file.read_text())
    ]


def generated(count: int) -> list[Pdu]:
    """`count` random PDUs of each command, the same in every run."""
    return [
        Pdu(row["name"], bytes.fromhex(row["hex"]), row["fields"])
        for row in map(json.loads, example("pdus", str(count)).splitlines())
    ]


def decoded(pdus: Sequence[bytes]) -> list[dict[str, Any]]:
    """For each PDU `{"fields"}`, or `{"error": {"status", "field"}}`."""
    lines = "".join(f"{octets.hex()}\n" for octets in pdus)
    return [json.loads(line) for line in example("decode", stdin=lines).splitlines()]


def tables() -> dict[str, dict[str, int]]:
    """`commands`, `statuses` and `tlvs`: each name's number."""
    found: dict[str, dict[str, int]] = json.loads(example("tables"))
    return found


def example(*arguments: str, stdin: str = "") -> str:
    """What `core/smpp/examples/vectors.rs` prints."""
    command = ["cargo", "run", "--quiet", "--package", "brivas-smpp", "--example", "vectors", "--", *arguments]
    done = subprocess.run(command, cwd=ROOT, input=stdin, check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    return done.stdout
