"""Routing alone: the engine's own table, in turn with a hash table (the floor) and a router in plain Python (the peer).

The engine draws table and numbers (`_core.RouteBench`); the peer gets the same, and has to give the same routes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from brivas.bench.environment import machine
from brivas.errors import BrivasError

Stage = Callable[[str], None]
"""Told what begins."""

PEER_LOOKUPS: Final = 200_000
"""The peer looks up so many a round: enough for its time, and few enough to wait for."""


@dataclass(frozen=True, slots=True)
class RouteShape:
    """What is measured."""

    prefixes: int
    ported: int
    rules: int
    lookups: int
    seed: int


class PlainRouter:
    """The longest prefix as it is found in plain Python: a set, asked once for each length, the longest first."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        self._prefixes = frozenset(prefixes)
        self._lengths = sorted({len(prefix) for prefix in prefixes}, reverse=True)

    def lookup(self, number: str) -> str | None:
        """The longest prefix of a number."""
        for length in self._lengths:
            if (prefix := number[:length]) in self._prefixes:
                return prefix
        return None


def stages(rounds: int) -> int:
    """How many stages `measure` tells of."""
    return 2 + 2 * rounds


def measure(shape: RouteShape, rounds: int, stage: Stage) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """The result, and what each round gave."""
    from brivas import _core

    stage("table")
    try:
        bench = _core.RouteBench(prefixes=shape.prefixes, ported=shape.ported, rules=shape.rules, seed=shape.seed)
    except ValueError as error:
        raise BrivasError(str(error), hint="`brivas bench route --help` tells what may be asked for") from error
    stage("same routes")
    peer = PlainRouter(bench.prefixes())
    numbers = bench.numbers(min(shape.lookups, PEER_LOOKUPS))
    disagreements = sum(bench.lookup(number) != peer.lookup(number) for number in numbers)
    taken: list[dict[str, float]] = []
    for number in range(1, rounds + 1):
        stage(f"engine {number}/{rounds}")
        figures = dict(bench.round(shape.lookups))
        stage(f"plain Python {number}/{rounds}")
        taken.append(figures | {"python_ns": _time(peer, numbers)})
    return _result(shape, dict(bench.facts()), taken, len(numbers), disagreements), taken


def _time(peer: PlainRouter, numbers: Sequence[str]) -> float:
    lookup = peer.lookup
    began = time.thread_time_ns()
    for number in numbers:
        lookup(number)
    return (time.thread_time_ns() - began) / len(numbers)


def _result(
    shape: RouteShape, facts: dict[str, int], rounds: Sequence[dict[str, float]], compared: int, disagreements: int
) -> dict[str, Any]:
    figures = {name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]}
    return {
        "lookup_ns": figures["lookup_ns"],
        "floor_lookup_ns": figures["floor_ns"],
        "floor_ratio": _ratio(figures["floor_ns"], figures["lookup_ns"]),
        "python_lookup_ns": figures["python_ns"],
        "python_ratio": _ratio(figures["python_ns"], figures["lookup_ns"]),
        "ported_ns": figures["ported_ns"],
        "decision_ns": figures["decision_ns"],
        "found_share": figures["found_share"],
        "by_rule_share": figures["by_rule_share"],
        "octets_per_prefix": _each(facts["prefix_bytes"], shape.prefixes),
        "octets_per_ported_number": _each(facts["ported_bytes"], shape.ported),
        "octets_per_rule": _each(facts["rule_bytes"], shape.rules),
        "build_ms": facts["build_ms"],
        "rules_build_ms": facts["rules_build_ms"],
        "ported_load_ms": facts["ported_load_ms"],
        "compared": compared,
        "disagreements": disagreements,
        "prefixes": shape.prefixes,
        "ported": shape.ported,
        "rules": shape.rules,
        "lookups": shape.lookups,
        "seed": shape.seed,
        "rounds": len(rounds),
        "machine": machine(),
    }


def _ratio(of: float, to: float) -> float:
    return round(of / to, 4) if to else 0.0


def _each(octets: int, count: int) -> float | None:
    return round(octets / count, 2) if count else None
