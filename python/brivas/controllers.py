"""What a controller is: a loop that `brivas ops` runs, found by the entry point group `brivas.controllers`.

Each does the same: observe, diff, plan (pure, printable), apply (idempotent), record. They share the configuration in
force through a `ConfigView`: the folder controller publishes it once the engine has taken it, others wait for changes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from brivas.log import Log
from brivas.reachability import Reachability
from brivas.resources.config import Config
from brivas.resources.secret import Secret


class ConfigView:
    """The configuration in force, and a way to wait for the next. For use in one event loop."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._version = 0
        self._changed = asyncio.Condition()

    @property
    def version(self) -> int:
        """Counts publications; 0 before the first."""
        return self._version

    @property
    def config(self) -> Config | None:
        """The configuration in force; None before the first."""
        return self._config

    async def publish(self, config: Config) -> None:
        """Puts a configuration in force for all who read this."""
        async with self._changed:
            self._config = config
            self._version += 1
            self._changed.notify_all()

    async def wait_newer(self, version: int) -> tuple[int, Config]:
        """The configuration in force once its version is above `version`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._version > version)
            assert self._config is not None  # noqa: S101 - a version above 0 has one.
            return self._version, self._config


@dataclass(frozen=True, slots=True)
class ControllerContext:
    """What a controller is given."""

    data: Path
    """The data directory; a controller keeps its own state under DATA/ops/."""
    config_folder: Path | None
    messaging_target: str
    control_target: str
    control_token: Secret
    view: ConfigView = field(default_factory=ConfigView)
    engine: Reachability = field(default_factory=lambda: Reachability(Log("ops")))
    """Told by each controller what its calls met."""


class Controller(Protocol):
    """One loop. `run` returns only by cancellation; what it raises is logged, and it is started again with a pause."""

    name: str

    async def run(self, context: ControllerContext) -> None:
        """Runs until cancelled."""
