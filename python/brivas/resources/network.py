"""Networks in CIDR notation: who may connect."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from brivas.resources.base import Fault, Path

Network = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$",
        description="An address, or a network like 192.0.2.0/24 or 2001:db8::/32.",
        examples=["192.0.2.0/24", "2001:db8::7"],
    ),
]
NETWORKS_MAX = 256
"""Networks of one list at most: it is looked through at every bind."""


def network_faults(path: Path, networks: Iterable[str]) -> Iterable[Fault]:
    """Those that look like networks and are none."""
    for index, network in enumerate(networks):
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            message = f"{network!r} is no network"
            yield Fault((*path, index), message, "an address, or a network like 192.0.2.0/24 or 2001:db8::/32")
