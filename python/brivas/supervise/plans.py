"""The processes of `brivas up`: how each is called. They are told everything by their environment."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from brivas import settings
from brivas.layout import Layout
from brivas.supervise.process import Plan
from brivas.supervise.sample import simulator_credentials

if TYPE_CHECKING:
    from brivas.supervise.supervisor import UpOptions

STOP_SECONDS = 10.0


def brivas(*arguments: str) -> tuple[str, ...]:
    """How a command of ours is started: by this interpreter, whatever the path says."""
    return (sys.executable, "-m", "brivas.cli", *arguments)


def make_plans(layout: Layout, config_folder: Path, ports: dict[str, str], options: UpOptions) -> list[Plan]:
    """In the order of starting: the carrier first, so that the gateway's binds succeed at once."""
    environment = {
        settings.DATA.variable: str(layout.data),
        settings.SMPP_LISTEN.variable: ports["smpp"],
        settings.MESSAGING_LISTEN.variable: ports["messaging"],
        settings.CONTROL_LISTEN.variable: ports["control"],
        settings.HTTP_LISTEN.variable: ports["http"],
        settings.MESSAGING_TARGET.variable: ports["messaging"],
        settings.CONTROL_TARGET.variable: ports["control"],
        settings.DRAIN_TIMEOUT_MS.variable: str(options.drain_timeout_ms),
        # A token of another gateway in the caller's environment is not ours.
        settings.CONTROL_TOKEN.variable: "",
    }
    # The gateway itself starts with its last good snapshot: the folder is the controllers' affair.
    without_config = {name: "" for name in (settings.CONFIG.variable,) if name in os.environ}
    drain_seconds = options.drain_timeout_ms / 1000 + STOP_SECONDS
    plans: list[Plan] = []
    if options.sample_carrier:
        carrier = brivas("simulate", "smsc", "--listen", ports["carrier"], "--quiet")
        credentials = simulator_credentials(layout) or ("", "")
        names = (settings.SIMULATE_SYSTEM_ID.variable, settings.SIMULATE_PASSWORD.variable)
        # By environment, not by argument: arguments are for everybody on the machine to see.
        told = {**environment, **without_config, **dict(zip(names, credentials, strict=True))}
        plans.append(Plan("carrier", carrier, told, STOP_SECONDS))
    plans.append(Plan("gateway", brivas("gateway"), environment | without_config, drain_seconds))
    plans.append(Plan("ops", brivas("ops", "--config", str(config_folder)), environment, STOP_SECONDS))
    if "api" in {point.name for point in metadata.entry_points(group="brivas.commands")}:
        plans.append(Plan("api", brivas("api"), environment | without_config, STOP_SECONDS))
    return plans
