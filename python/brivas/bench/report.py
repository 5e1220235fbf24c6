"""Rounds become one result: medians of figures, sums of counts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from brivas.bench.environment import machine
from brivas.bench.round import Round
from brivas.bench.shape import Shape

PERCENTILES = ("p50", "p99", "p999")


def floor_result(shape: Shape, rounds: Sequence[Round]) -> dict[str, Any]:
    """What `brivas bench floor --json` prints."""
    return {
        "messages_per_second": _median(rounds, _per_second),
        "cpu_us_per_message": _median(rounds, _middle_cpu),
        "cpu_us_per_message_by_process": _cpu_by_process(rounds, "mover"),
        "latency_ms": _latency(rounds),
        **_counts(rounds),
        "binds": shape.binds,
        "window": shape.window,
        "carrier_binds": shape.carrier_binds,
        "seconds": shape.seconds,
        "rounds": len(rounds),
        "text_octets": shape.text_octets,
        "machine": machine(),
    }


def e2e_result(
    shape: Shape, floors: Sequence[Round], rounds: Sequence[Round], paced: Round | None, sync_ms: Sequence[float]
) -> dict[str, Any]:
    """What `brivas bench e2e --json` prints. Latency is of the paced round, where there is one."""
    per_second = _median(rounds, _per_second)
    floor_per_second = _median(floors, _per_second)
    everything = [*rounds, *([paced] if paced else [])]
    return {
        "messages_per_second": per_second,
        "floor_messages_per_second": floor_per_second,
        "floor_ratio": round(per_second / floor_per_second, 4) if floor_per_second else 0.0,
        "cpu_us_per_message": _median(rounds, _middle_cpu),
        "cpu_us_per_message_by_process": _cpu_by_process(rounds, "gateway"),
        "floor_cpu_us_per_message_by_process": _cpu_by_process(floors, "mover"),
        "latency_ms": _latency([paced] if paced else rounds),
        "latency_rate_per_second": paced.rate if paced else None,
        "closed_loop_latency_ms": _latency(rounds),
        **_counts(everything),
        "journal_accepted": sum((each.journal or {}).get("accepted", 0) for each in everything),
        "fdatasync_ms": {"p50": quantile(sync_ms, 0.5), "p99": quantile(sync_ms, 0.99)} if sync_ms else None,
        "durability": shape.durability,
        "binds": shape.binds,
        "window": shape.window,
        "carrier_binds": shape.carrier_binds,
        "carrier_window": shape.carrier_window,
        "seconds": shape.seconds,
        "rounds": len(rounds),
        "text_octets": shape.text_octets,
        "machine": machine(),
    }


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return round(ordered[max(math.ceil(share * len(ordered)) - 1, 0)], 3)


def _per_second(each: Round) -> float:
    return float(each.load["messages_per_second"])


def _middle_cpu(each: Round) -> float:
    return each.cpu_us_per_message["middle"]


def _median(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    return round(statistics.median(map(figure, rounds)), 3) if rounds else 0.0


def _cpu_by_process(rounds: Sequence[Round], middle: str) -> dict[str, float]:
    def of(name: str) -> Callable[[Round], float]:
        return lambda each: each.cpu_us_per_message[name]

    return {
        "load": _median(rounds, of("load")),
        middle: _median(rounds, _middle_cpu),
        "carrier": _median(rounds, of("carrier")),
    }


def _latency(rounds: Sequence[Round]) -> dict[str, float] | None:
    taken = [each.load["latency_ms"] for each in rounds if each.load["latency_ms"]]
    if not taken:
        return None
    return {name: round(statistics.median(float(latency[name]) for latency in taken), 3) for name in PERCENTILES}


def _counts(rounds: Sequence[Round]) -> dict[str, Any]:
    return {
        "accepted": sum(each.accepted for each in rounds),
        "delivered": sum(each.delivered for each in rounds),
        "receipts": sum(int(each.load["receipts"]) for each in rounds),
        "lost": sum(each.lost for each in rounds),
        "duplicated": sum(each.duplicated for each in rounds),
        "refused": sum(int(each.load["refused"]) for each in rounds),
        "retried": sum(int(each.load["retried"]) for each in rounds),
        "counts_agree": all(each.agrees for each in rounds),
    }
