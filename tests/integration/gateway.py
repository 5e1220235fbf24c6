"""A `brivas gateway` alone, in its own data directory, with a configuration that the test writes.

Its ports lie below those that the kernel gives away, so that a gateway that was killed gets them back.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from argon2 import PasswordHasher

from brivas.clients.control import ControlClient
from brivas.errors import BrivasError
from brivas.layout import Layout
from brivas.resources.secret import Secret
from brivas.v1 import control_pb2, messaging_pb2
from tests.integration.wire import Client
from tests.integration.wiretap import Wiretap
from tests.support.process import WAIT_SECONDS, Brivas, wait_until

HOST: Final = "127.0.0.1"
PASSWORD: Final = "secret"
"""Of every account that does not name another."""

_CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Gateway:
    """Started by `start`; `kill` and `terminate` leave data and ports, so that `start` goes on with them."""

    def __init__(
        self, data: Path, *options: str, descriptors: int | None = None, wiretap: Wiretap | None = None
    ) -> None:
        """With a `wiretap`, customers come and carriers are gone to through it."""
        self.data = data
        self._wiretap = wiretap
        self._descriptors = descriptors
        self.config = data / "config"
        self.config.mkdir(parents=True)
        self.log = data / "gateway.log"
        self.log.touch()
        smpp, messaging, control = lasting_ports(3)
        self.smpp = (HOST, smpp) if wiretap is None else wiretap.front((HOST, smpp))
        self.messaging = f"{HOST}:{messaging}"
        self.control = f"{HOST}:{control}"
        self._arguments = (
            "gateway",
            "--config",
            str(self.config),
            "--smpp-listen",
            f"{HOST}:{smpp}",
            "--messaging-listen",
            self.messaging,
            "--control-listen",
            self.control,
            *options,
        )
        self._process: Brivas | None = None
        self._client: ControlClient | None = None
        # How our own commands find it, as `brivas up` tells them.
        layout = Layout(data)
        layout.run.mkdir(parents=True)
        faces = {"smpp": f"{HOST}:{smpp}", "messaging": self.messaging, "control": self.control}
        layout.ports.write_text(json.dumps(faces))

    def __enter__(self) -> Gateway:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Configuration.

    def account(self, name: str = "acme", *, password: str = PASSWORD, costly: bool = False, **spec: Any) -> None:
        """Writes an account; its system_id is its name. `costly` hashes its password as `brivas up` does."""
        key = {"name": "test", "sha256": hashlib.sha256(self.api_key(name).reveal().encode()).hexdigest()}
        fields = {"systemId": name, "passwordHash": self.password_hash(password, costly=costly), "apiKeys": [key]}
        self.resource("Account", name, fields | spec)

    def password_hash(self, password: str = PASSWORD, *, costly: bool = False) -> str:
        """As resources hold it."""
        return (PasswordHasher() if costly else _CHEAP).hash(password)

    def api_key(self, account: str = "acme") -> Secret:
        """The API key of an account."""
        return Secret(f"key-of-{account}")

    def carrier(self, address: tuple[str, int] | str, name: str = "carrier", **spec: Any) -> None:
        """Writes a carrier that is quick to come back."""
        host, port = address if isinstance(address, tuple) else (address.rpartition(":")[0], address.rpartition(":")[2])
        if self._wiretap is not None:
            host, port = self._wiretap.front((host, int(port)))
        quick = {"reconnectInitialMs": 50, "reconnectMaxMs": 200, "retryInitialMs": 100, "retryMaxMs": 1000}
        where = {"host": host, "port": int(port), "systemId": "brivas"}
        self.resource("Carrier", name, {**where, **quick, **spec})

    def route(self, carrier: str = "carrier", name: str = "default", prefix: str = "") -> None:
        """Writes a route for messages to carriers."""
        self.resource("Route", name, {"prefix": prefix, "targets": [{"carrier": carrier}]})

    def resource(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Writes one resource. JSON is YAML."""
        document = {"apiVersion": "brivas.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        (self.config / f"{kind.lower()}-{name}.yaml").write_text(json.dumps(document, indent=2))

    # Its life.

    def start(self, outcome: str = "config_applied") -> Gateway:
        """Starts it and waits until it has its configuration, or has said what else came of that."""
        assert self._process is None, "it runs already"
        said_before = self.log.stat().st_size
        self._process = Brivas(self.data, *self._arguments, log=self.log, descriptors=self._descriptors)
        self._wait_said(said_before, outcome)
        return self

    def reload(self, outcome: str = "config_applied") -> None:
        """SIGHUP: it reads its configuration again."""
        said_before = self.log.stat().st_size
        os.kill(self.pid, signal.SIGHUP)
        self._wait_said(said_before, outcome)

    def _wait_said(self, after: int, event: str) -> None:
        def is_said() -> bool:
            assert self.is_running(), f"ended: {self.logged()}"
            return event.encode() in self.log.read_bytes()[after:]

        wait_until(is_said, f"the gateway says {event}")

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and no more."""
        self._forget_client()
        if self._process is not None:
            self._process.kill()
            self._process = None

    def begin_terminate(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Asks it to end, and waits for nothing."""
        os.kill(self.pid, number)

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end, if that was not done before, and waits; its exit code."""
        assert self._process is not None
        if self.is_running():
            self.begin_terminate(number)
        code = self._process.process.wait(WAIT_SECONDS)
        self._forget_client()
        self._process = None
        return code

    def close(self) -> None:
        """The end of the test."""
        self.kill()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.process.pid

    def logged(self) -> str:
        """All that it wrote, over all its lives."""
        return self.log.read_text(errors="replace")

    def rss_mib(self) -> float:
        """Memory of the process that is in use now."""
        return rss_mib(self.pid)

    # What it says of itself.

    @property
    def client(self) -> ControlClient:
        """Of Control."""
        if self._client is None:
            token = Secret((self.data / "secrets" / "control.token").read_text().strip())
            self._client = ControlClient(self.control, token)
        return self._client

    def stats(self) -> control_pb2.StatsResponse:
        """Counters."""
        return self.client.stats()

    def carrier_stats(self, name: str = "carrier") -> control_pb2.CarrierStats:
        """Counters of a carrier."""
        return next(each for each in self.stats().carriers if each.name == name)

    def account_stats(self, name: str = "acme") -> control_pb2.AccountStats:
        """Counters of an account."""
        return next(each for each in self.stats().accounts if each.name == name)

    def wait_carrier_up(self, name: str = "carrier") -> None:
        """Returns when every bind to the carrier stands."""

        def is_up() -> bool:
            carrier = self.carrier_stats(name)
            return carrier.binds_up == carrier.binds_wanted

        wait_until(is_up, f"binds to {name}")

    def wait_drained(self, *, seconds: float = 30) -> None:
        """Returns when no message is open."""
        wait_until(
            lambda: self.answers() and self.stats().totals.open_messages == 0, "no open messages", seconds=seconds
        )

    def answers(self) -> bool:
        """Whether Control answers."""
        try:
            self.stats()
        except BrivasError:
            return False
        return True

    def events(self, *kinds: str) -> Iterator[messaging_pb2.WatchedEvent]:
        """The events of now, oldest first: waits until they are durable."""
        return events(self.client, *kinds)

    def connect(self, **options: Any) -> Client:
        """A connection without a bind."""
        return Client(self.smpp, **options)

    def bind(
        self, system_id: str = "acme", password: str = PASSWORD, mode: str = "transceiver", **options: Any
    ) -> Client:
        """A connection that is bound."""
        client = self.connect(**options)
        try:
            assert client.bind(system_id, password, mode=mode).status == 0
        except BaseException:
            client.close()
            raise
        return client

    def _forget_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def events(client: ControlClient, *kinds: str) -> Iterator[messaging_pb2.WatchedEvent]:
    """The events that a gateway has now, oldest first: waits until they are durable."""
    journal = client.stats().journal
    end = journal.written_offset
    wait_until(lambda: client.stats().journal.durable_offset >= end, "what is written is durable")
    if journal.start_offset >= end:
        return
    stream = client.watch(from_offset=journal.start_offset, kinds=kinds)
    try:
        for response in stream:
            for event in response.events:
                if event.offset < end:
                    yield event
            if response.next_offset >= end:
                return
    finally:
        stream.close()


def lasting_ports(count: int) -> list[int]:
    """Free ports below the range from which the kernel gives ports to outgoing connections."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    chance = random.SystemRandom()
    found: list[int] = []
    while len(found) < count:
        port = chance.randrange(max(low - 20_000, 1_024), low)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def rss_mib(pid: int) -> float:
    """VmRSS of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no VmRSS of process {pid}")


def eventually(condition: Callable[[], bool], what: str, *, seconds: float = 30) -> None:
    """`wait_until` for what may fail to answer meanwhile."""

    def holds() -> bool:
        try:
            return condition()
        except BrivasError:
            return False

    wait_until(holds, what, seconds=seconds)
