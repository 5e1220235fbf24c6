"""A `brivas up` whose configuration has a listener of every sort: TLS, mutual TLS, behind a proxy, IPv6.

Each peer has two accounts: one of its name with a password, and one that its client certificate names.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher

from brivas import endpoints
from brivas.clients.control import ControlClient
from brivas.v1 import control_pb2
from tests.integration.haproxy import SOURCE
from tests.integration.up import Up, running
from tests.support.certificates import Authority, Pair
from tests.support.process import wait_until

PASSWORD: Final = "secret"
PREFIX: Final = "49"
"""Of numbers that go to the recorder; those of carriers over TLS begin with their own."""

_HASH: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
_LISTENER: Final = """\
apiVersion: brivas.io/v1
kind: Listener
metadata:
  name: {name}
spec:
  address: "{address}"
"""
_TLS: Final = """\
  tls:
    certificate:
      file: {certificate}
    key:
      file: {key}
"""
_MUTUAL: Final = """\
    clientCertificates: required
    clientCa:
      file: {ca}
"""
_PROXY: Final = f"""\
  proxyProtocol:
    from: ["{SOURCE}", "127.0.0.8/32"]
"""


class Secured:
    """Its configuration, while it is not started; then itself."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir()
        self.authority = authority
        self.certificate = authority.sign("smpp.example")
        self.up: Up
        self._client: ControlClient

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """`brivas up` with what was written."""
        with running(self.folder / "data", "--config", str(self.config), "--no-sample-carrier") as self.up:
            self.up.ready()
            data = self.up.data
            with ControlClient(endpoints.control_target(data, None), endpoints.control_token(data, None)) as client:
                self._client = client
                yield

    # Configuration.

    def listener(
        self,
        name: str,
        *,
        address: str = "127.0.0.1:0",
        mutual: bool = False,
        pair: Pair | None = None,
        tls: bool = True,
        proxy: bool = False,
    ) -> None:
        """Writes a listener."""
        pair = pair or self.certificate
        text = _LISTENER.format(name=name, address=address)
        if tls:
            text += _TLS.format(certificate=pair.certificate, key=pair.key)
        if mutual:
            text += _MUTUAL.format(ca=self.authority.certificate)
        (self.config / f"listener-{name}.yaml").write_text(text + (_PROXY if proxy else ""))

    def account(self, name: str, **spec: Any) -> None:
        """Writes an account with the system_id of its name."""
        self.resource("Account", name, {"systemId": name, "passwordHash": _HASH, **spec})

    def carrier(self, name: str, port: int, prefix: str, **spec: Any) -> None:
        """Writes a carrier, and a route to it."""
        quick = {"reconnectInitialMs": 50, "reconnectMaxMs": 200}
        where = {"host": "127.0.0.1", "port": port, "systemId": "brivas"}
        self.resource("Carrier", name, where | quick | spec)
        self.resource("Route", name, {"prefix": prefix, "targets": [{"carrier": name}]})

    def resource(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Writes any resource."""
        document = {"apiVersion": "brivas.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        (self.config / f"{kind.lower()}-{name}.yaml").write_text(json.dumps(document, indent=2))

    # What it says of itself.

    def stats(self) -> control_pb2.StatsResponse:
        """Counters."""
        return self._client.stats()

    def address(self, listener: str) -> tuple[str, int]:
        """Where a listener listens."""
        address = next(each.address for each in self.stats().listeners if each.name == listener)
        host, _, port = address.rpartition(":")
        return host.strip("[]"), int(port)

    def binds(self, name: str, side: str = "customer") -> list[dict[str, Any]]:
        """What `brivas binds` shows of those of an account, or of a carrier."""
        return [bind for bind in self.up.json("binds", "--side", side)["binds"] if bind["name"] == name]

    def wait_said(self, words: str) -> None:
        """Returns when the log has it."""
        wait_until(lambda: words in self.up.said(), f"the log says {words!r}")

    def wait_carrier_up(self, name: str) -> None:
        """Returns when the gateway is bound to it."""

        def is_up() -> bool:
            return any(each.name == name and each.binds_up == each.binds_wanted for each in self.stats().carriers)

        wait_until(is_up, f"binds to {name}")
