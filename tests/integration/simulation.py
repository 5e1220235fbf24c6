"""The simulated carriers and customers of the extension, as tests hold them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from brivas._core import Simulation
from tests.support.process import wait_until

RECORD: Final = struct.Struct("<Q24s")


class Running:
    """A simulation that runs."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    @property
    def address(self) -> str:
        """`host:port`, if it listens."""
        address = self._simulation.address()
        assert address is not None
        return address

    def progress(self) -> dict[str, Any]:
        """Its counters now."""
        counters: dict[str, Any] = json.loads(self._simulation.progress())
        return counters

    def wait_for(self, counter: str, count: int, *, seconds: float = 30) -> None:
        """Returns when a counter has come so far; fails when it ends before."""

        def has_come() -> bool:
            here = self.progress()
            if here.get(counter, 0) >= count:
                return True
            assert here.get("phase") != "finished", f"it ended: {self._simulation.result()}"
            return False

        wait_until(has_come, f"{counter} reaches {count}", seconds=seconds)

    def finish(self, *, seconds: float = 60) -> dict[str, Any]:
        """Waits for its end; what came out."""
        assert self._simulation.wait(int(seconds * 1000)), f"not ended after {seconds:g} s: {self.progress()}"
        return self._result()

    def stop(self) -> dict[str, Any]:
        """Ends it now; what came out."""
        self._simulation.stop()
        return self._result()

    def _result(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self._simulation.result())
        return result


@contextmanager
def simulated_smsc(**options: Any) -> Iterator[Running]:
    """A simulated carrier."""
    running = Running(Simulation.smsc(json.dumps(options)))
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def simulated_load(**options: Any) -> Iterator[Running]:
    """Simulated customers."""
    running = Running(Simulation.load(json.dumps(options)))
    try:
        yield running
    finally:
        running.stop()


def read_records(file: Path) -> dict[int, str]:
    """The messages that were answered ESME_ROK: number -> id."""
    return {number: octets.rstrip(b"\0").decode() for number, octets in RECORD.iter_unpack(file.read_bytes())}


def read_bitmap(file: Path) -> set[int]:
    """The numbers that a carrier took."""
    return {
        8 * index + bit
        for index, octet in enumerate(file.read_bytes())
        if octet
        for bit in range(8)
        if octet >> bit & 1
    }
