"""All that a configuration has changes at once, certificates too, again and again, while messages flow.

No bind of a customer is dropped, no message is lost or sent twice, each has one receipt and one final state. What is
wrong changes nothing. The folder is swapped whole, as a mounted volume is: nothing is ever half there.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from brivas import endpoints
from brivas.clients.control import ControlClient
from brivas.layout import Layout
from tests.integration.customers import Customer
from tests.integration.everything import BALANCED, CUSTOMERS, ENCRYPTED, PASSWORD, Everything, Files
from tests.integration.gateway import HOST, events, lasting_ports
from tests.integration.recorder import Recorder
from tests.integration.up import Up, running
from tests.integration.wire import Client
from tests.support.certificates import Authority
from tests.support.process import wait_until
from tests.support.receiver import Receiver

ROUNDS: Final = 6
BINDS: Final = 3
"""Plain and over TLS, of each account: so many."""
FLOWS: Final = 50
"""Messages of each customer between two changes."""

pytestmark = pytest.mark.timeout(300)


class World:
    """A `brivas up` with everything, its carriers, its customers."""

    def __init__(self, up: Up, everything: Everything, authority: Authority, client: ControlClient, tls: int) -> None:
        self.up = up
        self.everything = everything
        self.authority = authority
        self.client = client
        self._tls = (HOST, tls)

    def bind(self, account: str, *, encrypted: bool) -> Client:
        """One more of a customer."""
        smpp = endpoints.smpp_target(self.up.data, None).rpartition(":")
        address = self._tls if encrypted else (smpp[0], int(smpp[2]))
        client = Client(address, tls=self.authority.client() if encrypted else None)
        assert client.bind(account, PASSWORD).status == 0
        return client

    def certificate(self) -> str:
        """Whose certificate who connects by TLS now is shown."""
        with (
            socket.create_connection(self._tls, timeout=20) as raw,
            self.authority.client().wrap_socket(raw, server_hostname=HOST) as connection,
        ):
            return common_name(connection)

    def status(self) -> dict[str, Any]:
        """What became of the folder."""
        stored: dict[str, Any] = json.loads(Layout(self.up.data).config_status.read_text())
        return stored

    def put(self, change: Callable[[Files], None] = lambda _files: None, *, state: str = "applied") -> dict[str, Any]:
        """Changes everything; what was said of it."""
        return self._judged(lambda: self.everything.put(change), state)

    def put_back(self, folder: Path) -> dict[str, Any]:
        """The same with an old folder."""
        return self._judged(lambda: self.everything.put_back(folder), "applied")

    def _judged(self, change: Callable[[], None], state: str) -> dict[str, Any]:
        before = self.status()["at"]
        change()
        wait_until(lambda: self.status()["at"] > before, "the folder is judged")
        said = self.status()
        assert said["state"] == state, said
        return said

    def binds(self, side: str) -> dict[str, int]:
        """Since when each bind stands, by its peer's address; those of carriers by their name."""
        found = [bind for bind in self.client.binds().binds if bind.side == side]
        return {f"{bind.name} {bind.peer}": bind.since_ms for bind in found}


@pytest.fixture
def carriers() -> Iterator[dict[str, Recorder]]:
    """Two plain ones; `three`, with TLS on both sides, is made by the world, which has its certificate."""
    with Recorder(ids="one-") as one, Recorder(ids="two-") as two:
        yield {"one": one, "two": two}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Of webhooks."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def world(tmp_path: Path, carriers: dict[str, Recorder], receiver: Receiver) -> Iterator[World]:
    authority = Authority(tmp_path)
    pair = authority.sign("smsc.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pair.certificate, pair.key)
    [tls_port] = lasting_ports(1)
    with Recorder(ids="three-", tls=context) as three:
        carriers["three"] = three
        ports = {name: recorder.address[1] for name, recorder in carriers.items()}
        everything = Everything(tmp_path, authority, tls_port, ports, receiver.url)
        everything.put()
        with running(tmp_path / "data", "--config", str(everything.link), "--no-sample-carrier") as up:
            up.ready()
            target, token = endpoints.control_target(up.data, None), endpoints.control_token(up.data, None)
            with ControlClient(target, token) as client:
                yield World(up, everything, authority, client, tls_port)


@pytest.fixture
def customers(world: World) -> Iterator[list[Customer]]:
    """Of both accounts, plain and over TLS; every one sends to all carriers."""
    found = [
        Customer(f"{account} {encrypted} {number}", world.bind(account, encrypted=encrypted), (BALANCED, ENCRYPTED))
        for account in CUSTOMERS
        for encrypted in (False, True)
        for number in range(BINDS)
    ]
    try:
        yield found
    finally:
        for each in found:
            each.end()
            each.client.close()


def common_name(connection: ssl.SSLSocket) -> str:
    """Whose certificate the other side has shown."""
    certificate: Any = connection.getpeercert()
    return str(dict(part[0] for part in certificate["subject"])["commonName"])


def flowing(customers: list[Customer]) -> None:
    """Returns when every customer has sent more."""
    before = [len(each.ids) for each in customers]

    def is_flowing() -> bool:
        assert [error for each in customers for error in each.failed] == []
        return all(len(each.ids) >= count + FLOWS for each, count in zip(customers, before, strict=True))

    wait_until(is_flowing, "every customer sends more", seconds=60)


def settled(customers: list[Customer]) -> None:
    """Ends the sending; returns when as many receipts came as there are messages."""
    for each in customers:
        each.stop()
    sent = sum(len(each.ids) for each in customers)

    def has_settled() -> bool:
        assert [error for each in customers for error in each.failed] == []
        nonlocal sent
        sent = sum(len(each.ids) for each in customers)
        return sum(len(each.client.deliveries) for each in customers) >= sent

    wait_until(has_settled, "every message has its receipt", seconds=60)


def test_everything_changes_under_load_and_nobody_notices(
    world: World, carriers: dict[str, Recorder], customers: list[Customer], receiver: Receiver
) -> None:
    flowing(customers)
    customer_binds = world.binds("customer")
    assert len(customer_binds) == len(customers)
    carrier_binds = {name: at for name, at in world.binds("carrier").items() if name.startswith(("one ", "two "))}
    assert len(carrier_binds) == 2
    assert world.certificate() == "smpp-1.example"
    hashes = {world.status()["hash"]}
    for number in range(2, ROUNDS + 2):
        hashes.add(world.put()["hash"])
        assert world.certificate() == world.everything.certificate
        flowing(customers)
        if number == ROUNDS // 2:
            wrong_is_refused(world, garbage, "certificate", "holds no certificate", "BEGIN CERTIFICATE")
            wrong_is_refused(world, key_of_another, "key", "does not belong to tls.certificate", "replaced together")
            flowing(customers)
    assert len(hashes) == ROUNDS + 1, "a change was not in force"
    settled(customers)
    # Those that were there at the start are there, on the connections and in the TLS sessions that they had.
    assert world.binds("customer") == customer_binds
    assert carrier_binds.items() <= world.binds("carrier").items()
    shown = [common_name(each.client.socket) for each in customers if isinstance(each.client.socket, ssl.SSLSocket)]
    assert shown == ["smpp-1.example"] * (2 * BINDS)
    told = {text: message_id for each in customers for text, message_id in each.ids.items()}
    assert len(set(told.values())) == len(told) > ROUNDS * len(customers) * FLOWS
    arrived = Counter(each.short_message.decode() for recorder in carriers.values() for each in recorder.messages)
    assert told.keys() - arrived.keys() == set(), "answered ESME_ROK, and never sent"
    assert {text: count for text, count in arrived.items() if count > 1} == {}, "sent twice"
    assert arrived.keys() == told.keys()
    assert all(recorder.messages for recorder in carriers.values())
    assert Counter(name for each in customers for name in each.receipted) == Counter(told.values()), "receipts"
    finals = Counter(event.id for event in events(world.client, "final"))
    assert finals == Counter(told.values()), "final states"
    delivered = {message_id for text, message_id in told.items() if text.startswith("beta")}
    wait_until(lambda: delivered <= set(posted(receiver)), "every delivery is posted")
    assert set(posted(receiver)) == delivered


def posted(receiver: Receiver) -> list[str]:
    """The messages whose delivery a webhook told of."""
    return [each.json["data"]["id"] for each in list(receiver.taken) if each.json["type"] == "message.delivered"]


def wrong_is_refused(world: World, change: Callable[[Files], None], field: str, message: str, hint: str) -> None:
    """A spoiled folder, in which everything else is new too: it is told where, and nothing of it is in force."""
    in_force = world.client.stats().snapshot_hash
    certificate = world.certificate()
    before = world.everything.now
    said = world.put(change, state="refused")
    file = world.everything.link / "listener-tls.yaml"
    # Two listeners have the same files.
    problem = next(each for each in said["problems"] if each["file"] == str(file))
    assert len(said["problems"]) == 2
    line = next(number for number, each in enumerate(file.read_text().splitlines(), 1) if f'"{field}": {{' in each)
    assert (problem["line"], problem["path"]) == (line, f"$.spec.tls.{field}")
    assert problem["value"] == f"file listener.{'crt' if field == 'certificate' else 'key'}"
    assert message in problem["message"]
    assert hint in problem["hint"]
    assert (said["hash"], world.client.stats().snapshot_hash) == (in_force, in_force)
    assert world.certificate() == certificate
    assert f"{file}:{line}:" in world.up.run("config", "status").stdout
    assert f"{file}:{line}:" in world.up.run("config", "check", str(world.everything.link)).stderr
    world.put_back(before)
    assert world.client.stats().snapshot_hash == in_force


def garbage(files: Files) -> None:
    """A certificate that is none."""
    files["listener.crt"] = files["ported.csv"]


def key_of_another(files: Files) -> None:
    """As when only one of two files was replaced."""
    files["listener.key"] = files["other.key"]
