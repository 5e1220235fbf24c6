"""Peers that break TLS, or wear the gateway out by it: each is answered, memory stays bounded, others are served."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.integration import wire
from tests.integration.bystander import NUMBER, undisturbed
from tests.integration.crowd import crowd, ended
from tests.integration.fenced import Fenced, Handshake
from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.simulation import simulated_smsc
from tests.integration.wire import Client
from tests.support.certificates import Authority
from tests.support.process import wait_until

CROWD: Final = 2_000
STRANGER_KIB_MAX: Final = 20
"""What a connection without a bind may cost over TLS, whatever it sends: its hello has 8 KiB at most."""
THROUGH: Final = 500
THROUGH_KIB_MAX: Final = 40
"""What one may cost whose handshake is through, without a bind: keys, and a record that has begun."""
DESCRIPTORS: Final = 600
RECORD: Final = b"\x16\x03\x01"
ALERT: Final = 0x15
LINK_ANSWERED: Final = struct.pack(">II", wire.ENQUIRE_LINK | wire.RESPONSE, 0)
BIND: Final = wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("acme", PASSWORD), sequence=1)


def hello(fenced: Fenced) -> bytes:
    """A right one."""
    return Handshake(fenced.authority.client()).step()


def endless_hello(octets: int) -> bytes:
    """The beginning of a hello that claims 60,000 octets."""
    handshake = b"\x01" + (60_000).to_bytes(3) + bytes(octets - 4)
    parts = [handshake[start : start + 4_096] for start in range(0, len(handshake), 4_096)]
    return b"".join(RECORD + len(part).to_bytes(2) + part for part in parts)


def until_end(client: wire.Client) -> bytes:
    """All octets that come until the peer closes."""
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while more := client.socket.recv(65_536):
            heard += more
    return heard


# What is no TLS, and what is TLS in the wrong place.


@pytest.mark.parametrize(
    "octets",
    [BIND, b"GET / HTTP/1.1\r\n\r\n", bytes(600), b"\x80\x2e\x01\x03\x01" + bytes(41)],
    ids=["bind", "http", "zeros", "ssl 2"],
)
def test_what_is_no_tls_gets_an_alert_and_ends(fenced: Fenced, octets: bytes) -> None:
    before, since = fenced.gateway.stats().totals.tls_handshakes_failed, fenced.logged()
    with undisturbed(fenced.gateway), fenced.connect("tls") as client:
        client.socket.sendall(octets)
        assert until_end(client)[0] == ALERT
        fenced.wait_logged(since, "tls_handshake_failed", "does not speak TLS here", client.name)
    assert fenced.gateway.stats().totals.tls_handshakes_failed == before + 1


def test_a_hello_to_a_plain_listener_is_nacked_and_told_of(fenced: Fenced) -> None:
    since = fenced.logged()
    with undisturbed(fenced.gateway), fenced.gateway.connect() as client:
        client.socket.sendall(hello(fenced))
        [nack] = client.ends()
        assert (nack.command_id, nack.status) == (wire.GENERIC_NACK, wire.ESME_RINVCMDLEN)
        fenced.wait_logged(since, "not_smpp", "the peer speaks TLS, and this listener is plain", client.name)


def test_versions_before_1_2_are_refused(fenced: Fenced) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    since = fenced.logged()
    with undisturbed(fenced.gateway), pytest.raises(ssl.SSLError, match="ALERT"):
        fenced.connect("tls", tls=old)
    fenced.wait_logged(since, "tls_handshake_failed")


# Handshakes that do not end.


def test_a_handshake_an_octet_at_a_time_is_understood(fenced: Fenced) -> None:
    handshake = Handshake(fenced.authority.client())
    with undisturbed(fenced.gateway), fenced.connect("tls") as client:

        def drip(octets: bytes) -> None:
            for octet in octets:
                client.socket.sendall(bytes((octet,)))

        drip(handshake.step())
        while not handshake.is_through:
            drip(handshake.step(client.socket.recv(65_536)))
        drip(handshake.encrypt(BIND))
        heard = b""
        while len(heard) < 16:
            heard += handshake.decrypt(client.socket.recv(65_536))
        assert struct.unpack(">II", heard[4:12]) == (wire.BIND_TRANSCEIVER | wire.RESPONSE, wire.ESME_ROK)


def test_half_a_handshake_counts_as_a_connection_and_ends_after_its_time(fenced: Fenced) -> None:
    whole = hello(fenced)
    starts = {"silent": b"", "half a hello": whole[: len(whole) // 2], "hello": whole, "endless": endless_hello(6_000)}
    before, since = fenced.gateway.stats().totals.connections, fenced.logged()
    with contextlib.ExitStack() as stack, undisturbed(fenced.gateway):
        began = time.monotonic()
        clients = {name: stack.enter_context(fenced.connect("tls")) for name in starts}
        for name, octets in starts.items():
            clients[name].socket.sendall(octets)
        # The bystander is one as well.
        assert fenced.gateway.stats().totals.connections == before + len(starts) + 1
        for name, client in clients.items():
            heard = until_end(client)
            assert time.monotonic() - began > 8, name
            # A whole hello is answered; of nothing there is nothing to say.
            assert bool(heard) == (name == "hello"), name
            if name != "silent":
                fenced.wait_logged(since, "the TLS handshake did not end in time", client.name)
    wait_until(lambda: fenced.gateway.stats().totals.connections == before, "they are gone")


def test_a_hello_without_end_is_ended_at_its_bound(fenced: Fenced) -> None:
    since = fenced.logged()
    with undisturbed(fenced.gateway), fenced.connect("tls") as client:
        with contextlib.suppress(ConnectionError):
            client.socket.sendall(endless_hello(50_000))
        until_end(client)
        fenced.wait_logged(since, "hello is longer than 8192 octets", client.name)


# After the handshake.


@pytest.mark.parametrize(
    "octets",
    [
        b"\x17\x03\x03\x00\x20" + bytes(32),
        wire.pdu(wire.ENQUIRE_LINK, sequence=9),
        b"\x16\x03\x03\x00\x04\0\0\0\0",
        bytes(9),
    ],
    ids=["not decrypted", "plain SMPP", "hello request", "zeros"],
)
def test_octets_that_are_no_record_of_this_session_end_it_alone(fenced: Fenced, octets: bytes) -> None:
    with undisturbed(fenced.gateway), fenced.bind() as client:
        since = fenced.logged()
        below = socket.socket(fileno=client.socket.detach())
        client.socket = below
        below.settimeout(20)
        below.sendall(octets)
        until_end(client)
        fenced.wait_logged(since, "customer_left", "account=acme", "TLS: ")


@pytest.mark.parametrize(
    ("version", "command", "done", "told"),
    [("-tls1_2", b"R", b"RENEGOTIATING", b"no renegotiation"), ("-tls1_3", b"K", b"KEYUPDATE", LINK_ANSWERED)],
    ids=["renegotiation", "key update"],
)
def test_renegotiation_is_refused_and_a_new_key_taken(
    fenced: Fenced, version: str, command: bytes, done: bytes, told: bytes
) -> None:
    """OpenSSL's client does either when it reads that letter alone; a link that is asked for then shows the new key."""
    host, port = fenced.address("tls")
    connect = ("openssl", "s_client", "-connect", f"{host}:{port}", version)
    with (
        undisturbed(fenced.gateway),
        subprocess.Popen(
            connect, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as client,
    ):
        try:
            said = read_until(client, b"Verify return code", b"")
            write(client, command)
            said = read_until(client, done, said)
            if command == b"K":
                write(client, wire.pdu(wire.ENQUIRE_LINK, sequence=7))
            read_until(client, told, said)
        finally:
            client.kill()


def write(client: subprocess.Popen[bytes], octets: bytes) -> None:
    """To its standard input, as one."""
    assert client.stdin is not None
    client.stdin.write(octets + b"\n" * (len(octets) == 1))


def read_until(client: subprocess.Popen[bytes], wanted: bytes, said: bytes) -> bytes:
    """Reads on until its output has that. It ends by itself: the gateway waits for a bind no longer than its time."""
    assert client.stdout is not None
    while wanted not in said:
        more = client.stdout.read(4_096)
        assert more, said.decode(errors="replace")
        said += more
    return said


def test_who_is_cut_off_without_close_notify_gets_his_receipt_when_he_is_back(fenced: Fenced) -> None:
    with undisturbed(fenced.gateway):
        client = fenced.bind()
        client.answers = False
        message_id = client.submit(NUMBER).text
        # A reset: neither close_notify nor FIN.
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        with fenced.bind() as again:
            again.receipt(message_id)


# Crowds.


@pytest.mark.parametrize("how", ["silent", "hello", "at its bound", "beyond it"])
def test_a_crowd_that_never_ends_its_handshakes_costs_little_and_leaves_room(fenced: Fenced, how: str) -> None:
    octets = {
        "silent": b"",
        "hello": hello(fenced),
        "at its bound": endless_hello(8_000),
        "beyond it": endless_hello(50_000),
    }[how]
    gateway = fenced.gateway
    before, before_mib = gateway.stats().totals, gateway.rss_mib()
    with (
        undisturbed(gateway, grows_mib=CROWD * STRANGER_KIB_MAX / 1024, bystander=lambda: fenced.bind("other")),
        crowd(fenced.address("tls"), CROWD, octets),
    ):
        assert gateway.stats().totals.connections_accepted >= before.connections_accepted + CROWD
        with fenced.bind() as client:
            client.receipt(client.submit(NUMBER).text)
        each_kib = (gateway.rss_mib() - before_mib) * 1024 / CROWD
        print(f"{each_kib:.2f} KiB a connection")  # noqa: T201 - `pytest -s` shows it.
        assert each_kib < STRANGER_KIB_MAX
    wait_until(lambda: gateway.stats().totals.connections <= before.connections, "the crowd is gone")


def test_a_crowd_that_is_through_its_handshake_and_does_not_bind_costs_little(fenced: Fenced) -> None:
    gateway, address, context = fenced.gateway, fenced.address("tls"), fenced.authority.client()
    before, before_mib = gateway.stats().totals.connections, gateway.rss_mib()
    begun = BIND[:20]
    with contextlib.ExitStack() as stack, undisturbed(gateway, bystander=lambda: fenced.bind("other")):
        for _ in range(THROUGH):
            client = stack.enter_context(Client(address, tls=context))
            client.socket.sendall(begun)
        assert (gateway.rss_mib() - before_mib) * 1024 / THROUGH < THROUGH_KIB_MAX
        with fenced.bind() as client:
            client.receipt(client.submit(NUMBER).text)
    wait_until(lambda: gateway.stats().totals.connections <= before, "the crowd is gone")


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Fenced]:
    """One with few descriptors."""
    with simulated_smsc() as smsc, Gateway(tmp_path / "gateway", descriptors=DESCRIPTORS) as gateway:
        fenced = Fenced(gateway, Authority(tmp_path))
        gateway.account()
        gateway.account("other")
        gateway.carrier(smsc.address)
        gateway.route()
        fenced.configure()
        gateway.start()
        gateway.wait_carrier_up()
        yield fenced


def test_a_flood_on_a_tls_listener_drives_out_itself_and_no_customer(narrow: Fenced) -> None:
    room = DESCRIPTORS - DESCRIPTORS // 2
    gateway = narrow.gateway
    with (
        undisturbed(gateway, bystander=lambda: narrow.bind("other")),
        crowd(narrow.address("tls"), 3 * room, hello(narrow)) as sockets,
    ):
        wait_until(lambda: ended(sockets) >= 2 * room, "the crowd makes room for itself")
        assert gateway.stats().totals.connections <= room
        with crowd(narrow.address("tls"), room, b""):
            wait_until(lambda: is_served(narrow), "a customer gets in")


def is_served(fenced: Fenced) -> bool:
    """Whether somebody who comes now gets in."""
    try:
        with fenced.bind() as client:
            client.receipt(client.submit(NUMBER).text)
    except (wire.ConnectionEndedError, OSError):
        return False
    return True
