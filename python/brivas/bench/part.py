"""One simulation as a process: `python -m brivas.bench.part smsc|load|mover PARENT`.

Reads its options from the first line of stdin (JSON); writes JSON lines: `{"address": ...}`, then `{"progress": ...}`
at intervals, then `{"result": ...}`. Ends by itself, or when stdin ends, or with its parent.
"""

from __future__ import annotations

import json
import select
import sys
from typing import Any

PROGRESS_SECONDS = 0.25


def main(kind: str, parent: int) -> None:
    """Runs the simulation to its end."""
    from brivas._core import Simulation
    from brivas.supervised import end_with_parent

    end_with_parent(parent)
    options = sys.stdin.readline()
    try:
        start = {"smsc": Simulation.smsc, "load": Simulation.load, "mover": Simulation.mover}[kind]
        simulation = start(options)
    except ValueError as error:
        _write({"error": str(error)})
        return
    _write({"address": simulation.address()})
    while not simulation.wait(0):
        ready, _, _ = select.select([sys.stdin], [], [], PROGRESS_SECONDS)
        if ready:
            break
        _write({"progress": json.loads(simulation.progress())})
    simulation.stop()
    _write({"result": json.loads(simulation.result())})


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
