"""`brivas bench` runs, and everybody counts the same: the smoke of the measuring harness."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCH_SECONDS = 100
SMALL = ("--binds", "4", "--window", "8", "--carrier-binds", "2", "--rounds", "1", "--seconds", "0.5")


def bench(data: Path, *arguments: str) -> dict[str, Any]:
    """The result of a run."""
    done = subprocess.run(
        [sys.executable, "-m", "brivas.cli", "--data", str(data), "bench", *arguments, *SMALL, "--json"],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=BENCH_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_floor_moves_every_message_once(tmp_path: Path) -> None:
    result = bench(tmp_path, "floor", "--warm-up-seconds", "0.1")
    assert result["accepted"] == result["delivered"] == result["receipts"] > 1_000
    assert (result["lost"], result["duplicated"]) == (0, 0)
    assert result["messages_per_second"] > 1_000


def test_end_to_end_everybody_counts_the_same(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    result = bench(tmp_path, "e2e", "--durability", "disk", "--warm-up-seconds", "0.1", "--results", str(results))
    assert result["accepted"] == result["delivered"] == result["receipts"] == result["journal_accepted"] > 0
    assert (result["lost"], result["duplicated"], result["counts_agree"]) == (0, 0, True)
    assert 0 < result["floor_ratio"] < 1
    assert result["latency_rate_per_second"] > 0
    assert result["fdatasync_ms"]["p99"] > 0
    written = json.loads(results.read_text())
    assert written["result"] == result
    assert [each["kind"] for each in written["rounds"]] == ["floor", "e2e", "e2e"]
    assert written["environment"]["profile"] == "release"
    assert not list((tmp_path / "bench").iterdir())
