"""How our own commands find the processes: an option or variable first, then what `brivas up` left in the data
directory, then the default port."""

from __future__ import annotations

import os
from pathlib import Path

from brivas import settings
from brivas.errors import BrivasError
from brivas.layout import Layout, read_json
from brivas.resources.secret import Secret


def messaging_target(data: Path, given: str | None) -> str:
    """host:port of the engine's Messaging."""
    return given or _port_of(data, "messaging") or settings.default(settings.MESSAGING_LISTEN)


def control_target(data: Path, given: str | None) -> str:
    """host:port of the engine's Control."""
    return given or _port_of(data, "control") or settings.default(settings.CONTROL_LISTEN)


def smpp_target(data: Path, given: str | None) -> str:
    """host:port where customers bind."""
    return given or _port_of(data, "smpp") or settings.default(settings.SMPP_LISTEN)


def http_url(data: Path, given: str | None) -> str:
    """URL of the HTTP face."""
    return given or f"http://{_port_of(data, 'http') or settings.default(settings.HTTP_LISTEN)}"


def api_key(data: Path, given: str | None) -> Secret:
    """An account's API key: the one given, else the sample account's."""
    if given:
        return Secret(given)
    key = (read_json(Layout(data).sample) or {}).get("api_key")
    if not isinstance(key, str):
        raise BrivasError(
            f"no API key, and no sample account in {data}",
            hint=f"give --api-key or set {settings.API_KEY.variable}; --data names the data directory of `brivas up`",
        )
    return Secret(key)


def control_token(data: Path, given: str | None) -> Secret:
    """Control's token: the one given, else the data directory's."""
    given = given or os.environ.get(settings.CONTROL_TOKEN.variable)
    if given:
        return Secret(given)
    path = Layout(data).control_token
    try:
        return Secret(path.read_text().strip())
    except OSError as error:
        raise BrivasError(
            f"no token for Control: {path}: {error.strerror}",
            hint=f"--data names the data directory of the gateway, or set {settings.CONTROL_TOKEN.variable}",
        ) from error


def _port_of(data: Path, face: str) -> str | None:
    value = (read_json(Layout(data).ports) or {}).get(face)
    return value if isinstance(value, str) else None
