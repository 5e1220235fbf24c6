"""SMPP implementations of others, behind their drivers: what each can do, and how a test talks to one.

The drivers and their protocol stand in tests/peers. A peer that is missing fails its tests.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "tests" / "peers"
SECONDS: Final = 30.0
"""For whatever a peer is waited for: machines are busy, and a JVM starts slowly."""

SHOWN_OCTETS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One implementation, and what it can do."""

    name: str
    command: tuple[str, ...]
    needs: str
    """The program, or the file that `make peers` makes."""
    customer: bool = True
    carrier: bool = False
    tls: bool = False
    """As a customer."""
    mutual: bool = False
    """It can show a certificate."""
    tls_carrier: bool = False
    """As a carrier; then it can ask for one."""
    ipv6: bool = True
    links: bool = True
    """It asks for the link when it is told to."""
    header: bool = True
    """It can send a header of the user's own."""
    parts: str = "udh"
    """How it makes a long message fit: udh, sar or payload."""
    whole: bool = False
    """It tells of a long message as one, not of its parts."""
    unbinds: bool = True
    """It waits for the answer to its unbind."""
    says_why: bool = True
    """It always tells its user with which status a bind was refused."""
    only_own: bool = False
    """It passes over receipts of messages that it did not send itself."""
    tells_links: bool = True
    """As a carrier it tells its user of enquire_link."""
    checks: bool = True
    """As a carrier it checks the password."""


def _python(name: str, **can: Any) -> Kind:
    return Kind(name, (sys.executable, "-m", f"tests.peers.python.{name}_peer"), needs="", **can)


def _java(name: str, **can: Any) -> Kind:
    target = FOLDER / "java" / "target"
    # A short life on a busy machine: the first compiler is enough.
    command = (
        "java",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        f"{target / 'classes'}:{target / 'lib'}/*",
        "peers.Driver",
        name,
    )
    return Kind(name, command, needs=str(target / "lib"), carrier=True, tls=True, mutual=True, tls_carrier=True, **can)


KINDS: Final = {
    kind.name: kind
    for kind in (
        _python("smpplib", tls=True, mutual=True, ipv6=False),
        _python("aiosmpplib", whole=True, header=False, unbinds=False),
        _python(
            "smpp34",
            carrier=True,
            tls=True,
            parts="payload",
            links=False,
            says_why=False,
            tells_links=False,
            checks=False,
        ),
        Kind(
            "npm",
            ("node", str(FOLDER / "node" / "peer.js")),
            needs=str(FOLDER / "node" / "node_modules" / "smpp"),
            carrier=True,
            tls=True,
            mutual=True,
            tls_carrier=True,
            parts="payload",
        ),
        _java("jsmpp", parts="sar", tells_links=False),
        _java("cloudhopper"),
        Kind("gosmpp", (str(FOLDER / "go" / "peer"),), needs=str(FOLDER / "go" / "peer"), tls=True, mutual=True),
        Kind("perl", ("perl", str(FOLDER / "perl" / "peer.pl")), needs="perl", carrier=True, ipv6=False),
        Kind(
            "kannel",
            (sys.executable, "-m", "tests.peers.python.kannel_peer"),
            needs="bearerbox",
            tls=True,
            mutual=True,
            ipv6=False,
            whole=True,
            only_own=True,
        ),
    )
}


@dataclass
class Peer:
    """A running driver."""

    kind: Kind
    stderr: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    """What it saw that no test took yet."""
    mode: str | None = None
    """As which it is bound as a customer."""

    def __post_init__(self) -> None:
        needs = self.kind.needs
        if needs and not Path(needs).exists() and shutil.which(needs) is None:
            pytest.fail(
                f"peer {self.kind.name} is missing ({needs}): run `make peers`; .ci/run installs what that needs"
            )
        with self.stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                self.kind.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd=ROOT
            )
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, do: str, **told: Any) -> dict[str, Any]:
        """Tells it to do something; the answer. What it sees meanwhile is kept."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **told}).encode() + b"\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + SECONDS
        while True:
            said = self._next(deadline, f"an answer to {do}")
            if said.get("did") == do:
                assert "error" not in said, f"{self.kind.name} could not {do}: {said['error']}\n{self._errors()}"
                return said
            self.events.append(said)

    def see(self, event: str, **fields: Any) -> dict[str, Any]:
        """Waits until it sees an event with these fields, and takes that."""
        deadline = time.monotonic() + SECONDS
        looked_at = 0
        while True:
            for index, said in enumerate(self.events[looked_at:], looked_at):
                if said.get("saw") == event and all(said.get(name) == value for name, value in fields.items()):
                    return self.events.pop(index)
            looked_at = len(self.events)
            self.events.append(self._next(deadline, f"{event} {fields}"))

    def bind(self, mode: str = "transceiver", **told: Any) -> int | None:
        """Asks it to bind as a customer; the status."""
        status: int | None = self.ask("bind", mode=mode, **told)["status"]
        self.mode = mode if status == 0 else None
        return status

    def unbind(self) -> int | None:
        """Asks it to unbind; the status."""
        self.mode = None
        status: int | None = self.ask("unbind")["status"]
        return status

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        self._process.stdout.close()

    def _next(self, deadline: float, what: str) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            line = b""
        if not line:
            how = "ended" if line is None else f"said nothing within {SECONDS:g} s"
            pytest.fail(f"{self.kind.name} {how}, awaited: {what}; it saw {self.events}\n{self._errors()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def _errors(self) -> str:
        return self.stderr.read_text(errors="replace")[-SHOWN_OCTETS:]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)


class Peers:
    """Peers that run, each started when it is first asked for: a JVM is too slow to start it for every test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, Peer] = {}

    def __getitem__(self, name: str) -> Peer:
        peer = self._running.get(name)
        if peer is None:
            peer = self._running[name] = Peer(KINDS[name], self._folder / f"{name}.stderr")
        peer.events.clear()
        return peer

    def close(self) -> None:
        """Ends all."""
        for each in self._running.values():
            each.close()
