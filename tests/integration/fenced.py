"""A gateway with listeners for TLS and behind a proxy, for hostile peers; and TLS octet by octet, in a test's hands."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Final

from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.wire import Client
from tests.support.certificates import Authority
from tests.support.process import wait_until

PROXY: Final = "127.0.0.9"
"""From where a PROXY header is demanded, and believed."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """The gateway, and who signed its certificate."""

    gateway: Gateway
    authority: Authority

    def configure(self) -> None:
        """Writes its listeners."""
        pair = self.authority.sign("smpp.example")
        tls = {"certificate": {"file": str(pair.certificate)}, "key": {"file": str(pair.key)}}
        proxy: dict[str, Any] = {"proxyProtocol": {"from": [PROXY]}}
        listeners = {"tls": {"tls": tls}, "proxied": proxy, "proxied-tls": {"tls": tls, **proxy}}
        for name, spec in listeners.items():
            self.gateway.resource("Listener", name, {"address": "127.0.0.1:0", **spec})

    def address(self, listener: str) -> tuple[str, int]:
        """Where a listener listens."""
        found = next(each.address for each in self.gateway.stats().listeners if each.name == listener)
        host, _, port = found.rpartition(":")
        return host, int(port)

    def connect(self, listener: str, **options: Any) -> Client:
        """A connection without a bind, and without TLS if it is not asked for."""
        return Client(self.address(listener), **options)

    def bind(self, system_id: str = "acme", **options: Any) -> Client:
        """A bind over TLS."""
        client = self.connect("tls", tls=self.authority.client(), **options)
        try:
            assert client.bind(system_id, PASSWORD).status == 0
        except BaseException:
            client.close()
            raise
        return client

    def wait_logged(self, since: int, *words: str) -> None:
        """Returns when one line of the log, behind so many characters, has all the words."""

        def is_there() -> bool:
            return any(all(word in line for word in words) for line in self.gateway.logged()[since:].splitlines())

        wait_until(is_there, f"a line of the log with {words}")

    def logged(self) -> int:
        """How long the log is."""
        return len(self.gateway.logged())


class Handshake:
    """A client's side of TLS without a socket: `outgoing` is what it would send now."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")
        self.is_through = False

    def step(self, received: bytes = b"") -> bytes:
        """Goes on with what came; what is to be sent next."""
        self._incoming.write(received)
        try:
            self._tls.do_handshake()
            self.is_through = True
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    def encrypt(self, octets: bytes) -> bytes:
        """As records."""
        self._tls.write(octets)
        return self._outgoing.read()

    def decrypt(self, received: bytes) -> bytes:
        """What is whole of what came."""
        self._incoming.write(received)
        found = b""
        try:
            while more := self._tls.read(65_536):
                found += more
        except ssl.SSLWantReadError:
            pass
        return found
