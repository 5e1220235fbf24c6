"""One round: carrier, mover or gateway, and load are started, run, counted and ended."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from brivas.bench.gateway import Gateway
from brivas.bench.process import Part, Progress, cpu_seconds
from brivas.bench.shape import Shape

Kind = Literal["floor", "e2e"]


@dataclass(frozen=True, slots=True)
class Round:
    """What came out of a round."""

    kind: Kind
    rate: float
    """Messages a second that were asked for; 0: as fast as answered."""
    load: dict[str, Any]
    carrier: dict[str, Any]
    cpu_us_per_message: dict[str, float]
    """By process, over the whole round; `middle` is the gateway or the mover."""
    journal: dict[str, int] | None
    """What stands in the journal's files, and how it got there."""

    @property
    def accepted(self) -> int:
        """Messages answered ESME_ROK."""
        return int(self.load["accepted"])

    @property
    def delivered(self) -> int:
        """Different messages that reached the carrier."""
        return int(self.carrier["unique_delivered"])

    @property
    def lost(self) -> int:
        """Accepted messages that did not reach the carrier, or whose receipt did not come back."""
        return max(self.accepted - self.delivered, int(self.load["receipts_missing"]), 0)

    @property
    def duplicated(self) -> int:
        """Messages that reached the carrier again, and receipts that came again."""
        return int(self.carrier["duplicates"]) + int(self.load["receipts_duplicated"])

    @property
    def agrees(self) -> bool:
        """Whether everybody counted the same: customers, carrier, receipts, and the journal where there is one."""
        counts = {self.accepted, self.delivered, int(self.load["receipts"]), int(self.carrier["receipts_acked"])}
        if self.journal is not None:
            counts |= {self.journal[kind] for kind in ("accepted", "ended", "delivered", "receipts_delivered")}
        return len(counts) == 1

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        derived = {"accepted": self.accepted, "delivered": self.delivered, "lost": self.lost}
        return {**asdict(self), **derived, "duplicated": self.duplicated, "agrees": self.agrees}


def run_floor(shape: Shape, progress: Progress, *, rate: float = 0.0) -> Round:
    """The mover stands between load and carrier."""
    with Part("smsc", shape.carrier_options()) as carrier, Part("mover", shape.mover_options(carrier.address)) as mover:
        load, cpu = _run_load(shape, mover.address, {"middle": mover.pid, "carrier": carrier.pid}, progress, rate)
        mover.finish()
        return Round("floor", rate, load, carrier.finish(), cpu, None)


def run_gateway(shape: Shape, folder: Path, progress: Progress, *, rate: float = 0.0) -> Round:
    """The gateway stands between them, with a journal in a folder of its own under `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="round-", dir=folder)))
        carrier = stack.enter_context(Part("smsc", shape.carrier_options()))
        gateway = stack.enter_context(Gateway(data, shape, carrier.address))
        pids = {"middle": gateway.pid, "carrier": carrier.pid}
        load, cpu = _run_load(shape, gateway.address, pids, progress, rate)
        stats = gateway.settled_stats()
        journal = {
            **gateway.census(),
            "queue_full": stats.totals.queue_full,
            "throttled": stats.totals.throttled,
            "bytes": stats.journal.bytes,
            "commits": stats.journal.commits,
            "syncs": stats.journal.syncs,
            "sync_us_p50": stats.journal.sync_us_p50,
            "sync_us_p99": stats.journal.sync_us_p99,
        }
        return Round("e2e", rate, load, carrier.finish(), cpu, journal)


def _run_load(
    shape: Shape, target: str, pids: dict[str, int], progress: Progress, rate: float
) -> tuple[dict[str, Any], dict[str, float]]:
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    with Part("load", shape.load_options(target, rate=rate)) as part:
        load = part.wait(progress)
    used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    used["load"] = load["cpu_seconds"]["user"] + load["cpu_seconds"]["system"]
    messages = max(int(load["accepted"]), 1)
    return load, {name: round(seconds * 1e6 / messages, 3) for name, seconds in used.items()}
