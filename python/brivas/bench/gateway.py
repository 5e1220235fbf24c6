"""A gateway for one round: a data directory, a configuration of the run's shape, the process, its counters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from brivas import settings
from brivas.bench.process import STOP_SECONDS
from brivas.bench.shape import PASSWORD, SYSTEM_ID, Shape
from brivas.clients.control import ControlClient
from brivas.errors import BrivasError
from brivas.layout import Layout

if TYPE_CHECKING:
    from brivas.v1 import control_pb2

START_SECONDS = 30.0
SETTLE_SECONDS = 5.0
POLL_SECONDS = 0.05
OPEN_MESSAGES_MAX = 2_000_000
QUEUE_MAX = 1_000_000
# The whole run stays in the journal, so that it can be counted there.
RETENTION_BYTES = 64 << 30


class Gateway:
    """`brivas gateway` with one account and one carrier."""

    def __init__(self, data: Path, shape: Shape, carrier: str) -> None:
        self._layout = Layout(data)
        self._log = data / "gateway.log"
        self._write_config(shape, carrier)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "brivas.cli",
                    "--data",
                    str(data),
                    "gateway",
                    "--config",
                    str(self._layout.config),
                    "--retention-bytes",
                    str(RETENTION_BYTES),
                ]
                + [part for face in ("smpp", "messaging", "control") for part in (f"--{face}-listen", "127.0.0.1:0")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    settings.LOG_FORMAT.variable: "json",
                    settings.SUPERVISOR_PID.variable: str(os.getpid()),
                },
            )
        try:
            self._addresses = self._wait_for_start()
            self._control = ControlClient(self._addresses["control"], self._layout.ensure_control_token())
            self._wait_for_carrier(shape)
        except BaseException:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            raise

    def __enter__(self) -> Gateway:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it in order; does nothing the second time."""
        if self._process.returncode is not None:
            return
        self._control.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def census(self) -> dict[str, int]:
        """The journal's own count, read from its files once the gateway has ended."""
        from brivas._core import journal_census

        self.stop()
        return dict(journal_census(self._layout.gateway))

    @property
    def address(self) -> str:
        """host:port of SMPP."""
        return self._addresses["smpp"]

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def settled_stats(self) -> control_pb2.StatsResponse:
        """Its counters, once nothing is under way any more, or after a while."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            stats = self._control.stats()
            if stats.totals.open_messages == 0 or time.monotonic() > deadline:
                return stats
            time.sleep(POLL_SECONDS)

    def _write_config(self, shape: Shape, carrier: str) -> None:
        # Not at import time: only a round needs it.
        from argon2 import PasswordHasher

        host, _, port = carrier.rpartition(":")
        # A cheap hash: how long a bind takes is not what is measured.
        password_hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
        account = {
            "systemId": SYSTEM_ID,
            "passwordHash": password_hash,
            "bindsMax": shape.binds,
            "windowMax": shape.window,
            "durability": shape.durability,
            "openMessagesMax": OPEN_MESSAGES_MAX,
        }
        upstream = {
            "host": host,
            "port": int(port),
            "systemId": SYSTEM_ID,
            "binds": shape.carrier_binds,
            "windowMax": shape.carrier_window,
            "queueMax": QUEUE_MAX,
            "reconnectInitialMs": 100,
        }
        route = {"direction": "mt", "prefix": "", "targets": [{"carrier": "bench"}]}
        self._layout.config.mkdir(parents=True)
        for kind, spec in (("Account", account), ("Carrier", upstream), ("Route", route)):
            resource = {"apiVersion": "brivas.io/v1", "kind": kind, "metadata": {"name": "bench"}, "spec": spec}
            (self._layout.config / f"{kind.lower()}.yaml").write_text(json.dumps(resource))

    def _wait_for_start(self) -> dict[str, str]:
        """The addresses, as the log tells them."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            for event in self._events():
                if event.get("event") == "engine_started":
                    return {face: str(event[face]) for face in ("smpp", "messaging", "control")}
            time.sleep(POLL_SECONDS)
        raise self._failed("the gateway did not start")

    def _wait_for_carrier(self, shape: Shape) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if sum(each.binds_up for each in self._control.stats().carriers) == shape.carrier_binds:
                return
            time.sleep(POLL_SECONDS)
        raise self._failed(f"the gateway did not make {shape.carrier_binds} binds to the carrier")

    def _events(self) -> list[dict[str, Any]]:
        # A last line without its end is still being written.
        lines = self._log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]

    def _failed(self, what: str) -> BrivasError:
        last = self._log.read_text().splitlines()[-5:]
        return BrivasError(f"{what}; its log ends: {' | '.join(last) or 'empty'}")
