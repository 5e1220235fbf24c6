"""`brivas bench route`: the figures, the peer, and what it says where they disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brivas import _core
from brivas.bench.route import PlainRouter, RouteShape, measure, stages
from brivas.cli.main import brivas
from brivas.errors import BrivasError

SMALL = RouteShape(prefixes=500, ported=800, rules=60, lookups=2_000, seed=7)
OPTIONS = ["--prefixes", "500", "--ported", "800", "--rules", "60", "--lookups", "2000", "--rounds", "1"]


@pytest.fixture(autouse=True)
def release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was built: here nobody believes the figures."""
    monkeypatch.setattr(_core, "PROFILE", "release")


def test_the_peer_finds_the_longest_prefix() -> None:
    router = PlainRouter(["49", "491", "49170", "44"])
    assert [router.lookup(number) for number in ("491701234567", "49300", "447700", "1", "")] == [
        "49170",
        "49",
        "44",
        None,
        None,
    ]


def test_engine_and_peer_find_the_same_routes_and_every_figure_is_there() -> None:
    told: list[str] = []
    result, rounds = measure(SMALL, 2, told.append)
    assert len(told) == stages(2)
    assert told[-1] == "plain Python 2/2"
    assert (result["compared"], result["disagreements"], len(rounds)) == (2_000, 0, 2)
    for figure in ("lookup_ns", "floor_lookup_ns", "python_lookup_ns", "ported_ns", "decision_ns", "octets_per_prefix"):
        assert result[figure] > 0, figure
    assert 0.5 <= result["found_share"] <= 1
    assert 0 < result["by_rule_share"] < 1


def test_what_no_table_holds_is_refused() -> None:
    with pytest.raises(BrivasError, match="prefixes: 5000000, at most 4000000"):
        measure(RouteShape(prefixes=5_000_000, ported=0, rules=0, lookups=1, seed=7), 1, lambda _: None)


def test_json_is_one_object_and_results_hold_the_rounds(tmp_path: Path) -> None:
    results = tmp_path / "route.json"
    done = CliRunner().invoke(brivas, ["bench", "route", *OPTIONS, "--json", "--results", str(results)])
    assert done.exit_code == 0, done.output
    printed: dict[str, Any] = json.loads(done.stdout)
    written = json.loads(results.read_text())
    assert written["result"] == printed
    assert written["command"] == "route"
    assert len(written["rounds"]) == 1
    assert written["environment"]["machine"] == printed["machine"]


def test_another_route_than_the_peers_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlainRouter, "lookup", lambda _router, _number: "1")
    done = CliRunner().invoke(brivas, ["bench", "route", *OPTIONS])
    assert done.exit_code == 1
    assert "2000 of 2000 numbers have another route" in done.stderr
