"""What is measured: how many binds, how wide, how durable, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Durability = Literal["disk", "memory"]

SYSTEM_ID = "bench"
PASSWORD = "benchpwd"  # noqa: S105  Of an account that lives for one round on the loopback.
RETRY_PAUSE_MS = 5
"""A full queue is a part of a closed loop at its limit: customers come back at once."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a run; the same for the floor and for the gateway."""

    binds: int
    window: int
    carrier_binds: int
    carrier_window: int
    durability: Durability
    seconds: float
    warm_up_seconds: float
    drain_seconds: float
    text_octets: int

    def load_options(self, target: str, *, rate: float) -> dict[str, Any]:
        """Of the simulated customers."""
        return {
            "target": target,
            "system_id": SYSTEM_ID,
            "password": PASSWORD,
            "binds": self.binds,
            "window": self.window,
            "seconds": self.warm_up_seconds + self.seconds,
            "warm_up_seconds": self.warm_up_seconds,
            "drain_seconds": self.drain_seconds,
            "text_octets": self.text_octets,
            "rate": rate,
            "retries": 255,
            "retry_pause_ms": RETRY_PAUSE_MS,
        }

    def carrier_options(self) -> dict[str, Any]:
        """Of the simulated carrier, which knows each message by its destination."""
        return {"verify": True}

    def mover_options(self, carrier: str) -> dict[str, Any]:
        """Of what stands in the gateway's place."""
        return {"carrier": carrier, "carrier_binds": self.carrier_binds}
