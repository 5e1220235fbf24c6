"""HAProxy as it stands before gateways: it says by PROXY protocol, version 2, for whom it connects."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.integration.gateway import HOST, lasting_ports
from tests.integration.peers import SECONDS
from tests.support.process import wait_until

SOURCE: Final = "127.0.0.9"
"""From where it connects to the gateway: without a header everybody behind it would be there."""

_CONFIGURATION: Final = """\
global
    maxconn 500
defaults
    mode tcp
    timeout connect 30s
    timeout client 60s
    timeout server 60s
    timeout check 30s
"""
# Its checks connect every so often, say LOCAL in their header, and go.
_FACE: Final = """\
listen {name}
    bind {host}:{port}
    server gateway {target} source {source} send-proxy-v2 check inter 100ms
"""


class HAProxy:
    """Runs with a port of its own for each target, a `host:port` of the gateway."""

    def __init__(self, folder: Path, targets: Mapping[str, str]) -> None:
        self._log = folder / "haproxy.log"
        self._configuration = folder / "haproxy.cfg"
        self.ports = dict(zip(targets, lasting_ports(len(targets)), strict=True))
        faces = [
            _FACE.format(name=name, host=HOST, port=self.ports[name], target=target, source=SOURCE)
            for name, target in targets.items()
        ]
        self._configuration.write_text(_CONFIGURATION + "".join(faces))

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            # A test run that is killed leaves none behind.
            command = ("setpriv", "--pdeathsig", "KILL", "haproxy", "-db", "-f", str(self._configuration))
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until(self._is_up, "haproxy runs", seconds=SECONDS)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        return all(listens(port) for port in self.ports.values())


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
