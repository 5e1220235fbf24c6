"""Every environment variable that Brivas reads, with its default: one typed place.

An option of a command and its variable are the same setting: the option wins. Nothing here reads the environment; the
command line does. The documentation of settings is made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its variable, its default (as one would type it), and what it means."""

    variable: str
    default: str | None
    meaning: str


DATA: Final = Setting("BRIVAS_DATA", "brivas-data", "The data directory: configuration, secrets, journal, ports.")
CONFIG: Final = Setting("BRIVAS_CONFIG", None, "The folder of resources (YAML). `brivas up` takes DATA/config.")
SMPP_LISTEN: Final = Setting("BRIVAS_SMPP_LISTEN", "127.0.0.1:2775", "Where customers bind by SMPP.")
MESSAGING_LISTEN: Final = Setting("BRIVAS_MESSAGING_LISTEN", "127.0.0.1:7070", "gRPC Messaging of the engine.")
CONTROL_LISTEN: Final = Setting("BRIVAS_CONTROL_LISTEN", "127.0.0.1:7071", "gRPC Control of the engine.")
MESSAGING_TARGET: Final = Setting("BRIVAS_MESSAGING_TARGET", None, "Messaging to call; else DATA/run/ports.json says.")
CONTROL_TARGET: Final = Setting("BRIVAS_CONTROL_TARGET", None, "Control to call; else DATA/run/ports.json says.")
API_KEY: Final = Setting("BRIVAS_API_KEY", None, "An account's API key; else the sample account's, where there is one.")
CONTROL_TOKEN: Final = Setting("BRIVAS_CONTROL_TOKEN", None, "Token of Control; else DATA/secrets/control.token.")
HTTP_LISTEN: Final = Setting("BRIVAS_HTTP_LISTEN", "127.0.0.1:8080", "HTTP: /v1/messages, /metrics, /health.")
HTTP_WORKERS: Final = Setting("BRIVAS_HTTP_WORKERS", "1", "Processes that answer HTTP.")
CARRIER_LISTEN: Final = Setting("BRIVAS_CARRIER_LISTEN", "127.0.0.1:2776", "The simulated carrier of `brivas up`.")
PORTS: Final = Setting("BRIVAS_PORTS", "default", "`default` or `auto`: which ports `brivas up` takes at first.")
READY_FILE: Final = Setting("BRIVAS_READY_FILE", None, "Where `brivas up` writes how to reach each face.")
DRAIN_TIMEOUT_MS: Final = Setting("BRIVAS_DRAIN_TIMEOUT_MS", "10000", "How long a drain may last.")
SEGMENT_BYTES: Final = Setting("BRIVAS_SEGMENT_BYTES", "134217728", "Size of a journal segment.")
RETENTION_BYTES: Final = Setting("BRIVAS_RETENTION_BYTES", "4294967296", "What the journal keeps, all segments.")
OPEN_BYTES: Final = Setting(
    "BRIVAS_OPEN_BYTES", "4294967296", "Memory that open messages may take; beyond it ESME_RMSGQFUL."
)
LOG_FORMAT: Final = Setting("BRIVAS_LOG_FORMAT", "text", "`text` or `json`: how events are logged on stderr.")
SMPP_PASSWORD: Final = Setting("BRIVAS_SMPP_PASSWORD", None, "Password to bind with.")
SIMULATE_SYSTEM_ID: Final = Setting(
    "BRIVAS_SIMULATE_SYSTEM_ID", None, "Whom a simulated carrier lets in; else anybody."
)
SIMULATE_PASSWORD: Final = Setting("BRIVAS_SIMULATE_PASSWORD", None, "With which password.")
SIMULATE_PROFILE: Final = Setting(
    "BRIVAS_SIMULATE_PROFILE", None, "What the simulated carrier is like: names of profiles, apart by spaces."
)
SUPERVISOR_PID: Final = Setting(
    "BRIVAS_SUPERVISOR_PID", None, "Set by `brivas up` for its processes: they end with it."
)
NO_COLOR: Final = Setting("NO_COLOR", None, "Set: no colours (no-color.org).")

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Setting))


def default(setting: Setting) -> str:
    """The default of a setting that has one."""
    if setting.default is None:
        raise LookupError(f"{setting.variable} has no default")
    return setting.default
