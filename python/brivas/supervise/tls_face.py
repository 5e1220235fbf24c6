"""Where customers bind over TLS: what the ready file says of the configuration's listeners."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from brivas.clients.control import AsyncControlClient
from brivas.errors import BrivasError
from brivas.resources.secret import Secret
from brivas.v1 import control_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

STATS_TIMEOUT_SECONDS = 1.0


async def ask_tls_face(target: str, token: Secret, known: dict[str, Any] | None) -> dict[str, Any] | None:
    """Host and port of a TLS listener; what was `known` before while the engine does not answer."""
    try:
        async with AsyncControlClient(target, token, timeout_seconds=STATS_TIMEOUT_SECONDS) as client:
            return choose_tls_face((await client.stats()).listeners)
    except BrivasError:
        return known


def choose_tls_face(listeners: Iterable[control_pb2.ListenerStats]) -> dict[str, Any] | None:
    """The TLS listener that asks the least of who connects: no proxy's header, then no client certificate."""
    usable = sorted((each for each in listeners if each.tls), key=lambda each: (each.proxied, each.client_certificates))
    if not usable:
        return None
    host, _, port = usable[0].address.rpartition(":")
    return {"host": _reachable(host), "port": int(port)}


def _reachable(host: str) -> str:
    """An address that this machine can connect to: all interfaces are none."""
    address = ipaddress.ip_address(host.strip("[]"))
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return str(address)
