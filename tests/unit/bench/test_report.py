"""Rounds become one result: medians, sums, and the counts that must agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brivas.bench.report import e2e_result, floor_result, quantile
from brivas.bench.round import Kind, Round
from brivas.bench.shape import Shape

SHAPE = Shape(
    binds=4,
    window=8,
    carrier_binds=2,
    carrier_window=100,
    durability="memory",
    seconds=1.0,
    warm_up_seconds=0.0,
    drain_seconds=1.0,
    text_octets=140,
)


def a_round(
    kind: Kind = "e2e", *, per_second: float = 100.0, p50: float = 1.0, rate: float = 0.0, **more: Any
) -> Round:
    """A round of ten messages of which all went well, but for `more`."""
    load = {
        "accepted": 10,
        "receipts": 10,
        "receipts_missing": 0,
        "receipts_duplicated": 0,
        "refused": 0,
        "retried": 0,
        "messages_per_second": per_second,
        "latency_ms": {"p50": p50, "p99": 2.0, "p999": 3.0},
    }
    carrier = {"unique_delivered": 10, "duplicates": 0, "receipts_acked": 10}
    journal = {"accepted": 10, "ended": 10, "delivered": 10, "receipts_delivered": 10} if kind == "e2e" else None
    for part in (load, carrier, journal or {}):
        part.update({key: value for key, value in more.items() if key in part})
    return Round(kind, rate, load, carrier, {"load": 0.1, "middle": 2.0, "carrier": 0.2}, journal)


def test_figures_are_medians_and_counts_are_sums() -> None:
    floors = [a_round("floor", per_second=figure) for figure in (900.0, 1000.0, 5000.0)]
    rounds = [a_round(per_second=figure) for figure in (250.0, 100.0, 300.0)]
    result = e2e_result(SHAPE, floors, rounds, None, [1.0, 3.0, 2.0])
    assert (result["messages_per_second"], result["floor_messages_per_second"]) == (250.0, 1000.0)
    assert result["floor_ratio"] == 0.25
    assert (result["accepted"], result["delivered"], result["journal_accepted"]) == (30, 30, 30)
    assert result["fdatasync_ms"] == {"p50": 2.0, "p99": 3.0}
    assert (result["cpu_us_per_message"], result["counts_agree"]) == (2.0, True)


def test_the_contract_of_scripts_is_kept() -> None:
    promised = {
        "messages_per_second",
        "floor_messages_per_second",
        "floor_ratio",
        "cpu_us_per_message",
        "latency_ms",
        "accepted",
        "delivered",
        "lost",
        "duplicated",
        "fdatasync_ms",
        "durability",
        "binds",
        "window",
        "carrier_binds",
        "machine",
    }
    result = e2e_result(SHAPE, [a_round("floor")], [a_round()], None, [1.0])
    assert promised <= result.keys()
    assert set(result["latency_ms"]) == {"p50", "p99", "p999"}
    assert {"messages_per_second", "cpu_us_per_message", "machine"} <= floor_result(SHAPE, [a_round("floor")]).keys()


def test_latency_is_of_the_paced_round_where_there_is_one() -> None:
    paced = a_round(p50=0.5, rate=50.0)
    result = e2e_result(SHAPE, [a_round("floor")], [a_round(p50=9.0)], paced, [])
    assert (result["latency_ms"]["p50"], result["latency_rate_per_second"]) == (0.5, 50.0)
    assert result["closed_loop_latency_ms"]["p50"] == 9.0
    assert result["messages_per_second"] == 100.0
    assert (result["accepted"], result["fdatasync_ms"]) == (20, None)


@pytest.mark.parametrize(
    "odd",
    [
        {"accepted": 11},
        {"unique_delivered": 9},
        {"receipts": 9},
        {"receipts_acked": 9},
        {"receipts_delivered": 9},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_one_count_that_differs_is_seen(odd: dict[str, Any]) -> None:
    assert a_round().agrees
    assert not a_round(**odd).agrees


def test_lost_is_what_did_not_arrive_or_whose_receipt_did_not() -> None:
    assert a_round(unique_delivered=7).lost == 3
    assert a_round(receipts_missing=2).lost == 2
    # An unanswered message may have arrived all the same.
    assert a_round(accepted=9).lost == 0
    assert a_round(duplicates=2, receipts_duplicated=1).duplicated == 3


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.99, 1.0]))
def test_a_quantile_is_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert sum(round(value, 3) <= found for value in values) >= share * len(values)
    assert found in {round(value, 3) for value in values}
