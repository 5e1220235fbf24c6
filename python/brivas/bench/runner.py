"""Runs the rounds of a measurement in turn, and keeps what each gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brivas.bench import disk, report
from brivas.bench.process import Progress
from brivas.bench.round import Round, run_floor, run_gateway
from brivas.bench.shape import Shape
from brivas.errors import BrivasError

Stage = Callable[[str], Progress]
"""Tells that a round begins, by name; gives where its progress goes."""


@dataclass(slots=True)
class Measurement:
    """All rounds, in the order in which they ran, and the result."""

    rounds: list[Round] = field(default_factory=list)
    sync_ms: list[float] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)


def refuse_debug() -> None:
    """Figures of a debug build mislead."""
    from brivas import _core

    if _core.PROFILE != "release":
        raise BrivasError(f"the extension is a {_core.PROFILE} build", hint="`make build` makes a release build")


def measure_floor(shape: Shape, rounds: int, stage: Stage) -> Measurement:
    """The floor alone."""
    measurement = Measurement()
    for number in range(1, rounds + 1):
        measurement.rounds.append(run_floor(shape, stage(f"floor {number}/{rounds}")))
    measurement.result = report.floor_result(shape, measurement.rounds)
    return measurement


def measure_e2e(shape: Shape, rounds: int, paced_share: float, folder: Path, stage: Stage) -> Measurement:
    """Floor and gateway in turn; then the gateway at a share of its rate, for latency without coordinated omission."""
    measurement = Measurement()
    floors: list[Round] = []
    gateways: list[Round] = []
    for number in range(1, rounds + 1):
        floors.append(run_floor(shape, stage(f"floor {number}/{rounds}")))
        measurement.sync_ms += disk.probe_fdatasync(folder)
        gateways.append(run_gateway(shape, folder, stage(f"gateway {number}/{rounds}")))
        measurement.rounds += [floors[-1], gateways[-1]]
    paced = None
    if paced_share > 0:
        rate = round(min(each.load["messages_per_second"] for each in gateways) * paced_share)
        if rate > 0:
            paced = run_gateway(shape, folder, stage(f"gateway at {rate:,}/s"), rate=rate)
            measurement.rounds.append(paced)
    measurement.result = report.e2e_result(shape, floors, gateways, paced, measurement.sync_ms)
    return measurement
