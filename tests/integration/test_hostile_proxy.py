"""Proxies that say it wrong, and others that pretend to be one: each is closed with a reason, others are served."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Final

import pytest

from tests.integration import wire
from tests.integration.bystander import NUMBER, undisturbed
from tests.integration.fenced import PROXY, Fenced
from tests.integration.gateway import PASSWORD
from tests.integration.wire import Client
from tests.support.process import wait_until

CROWD: Final = 2_000
STRANGER_KIB_MAX: Final = 12
"""What a connection of a proxy may cost before its header has ended: that has 4 KiB at most."""
SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXIED = 0x20, 0x21
UNSPECIFIED, TCP4, UDP4, TCP6, UNIX = 0x00, 0x11, 0x12, 0x21, 0x31
FOUR: Final = bytes((192, 0, 2, 7, 198, 51, 100, 2)) + (4711).to_bytes(2) + (2775).to_bytes(2)
SIX: Final = bytes.fromhex("20010db8000000000000000000000007") + bytes(16) + (4711).to_bytes(2) + (2775).to_bytes(2)
# Whether the client came by TLS, and its common name (§2.2.7): of no concern here, and no hindrance.
SSL_TLV: Final = b"\x20\x00\x0f\x01\0\0\0\0\x22\0\x07client "
BIND: Final = wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("acme", PASSWORD), sequence=1)


def header(command: int, family: int, rest: bytes, *, length: int | None = None) -> bytes:
    """A header (§2.2); `length` says something else than the truth."""
    return SIGNATURE + bytes((command, family)) + (len(rest) if length is None else length).to_bytes(2) + rest


def proxied(fenced: Fenced, first: bytes, listener: str = "proxied") -> Client:
    """A connection from where a header is demanded."""
    return fenced.connect(listener, source=PROXY, first=first)


def peers(fenced: Fenced) -> set[str]:
    """Where the customers of `acme` are."""
    return {bind.peer for bind in fenced.gateway.client.binds().binds if bind.name == "acme"}


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (BIND, "there is none; this proxy must send one"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "there is none; this proxy must send one"),
        (b"\r\n\r\n\0\r\nQUIT ", "there is none; this proxy must send one"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 4711 2775\r\n", "version 1; only version 2 is read"),
        (header(0x31, TCP4, FOUR), "version 3; only version 2 is read"),
        (header(0x2F, TCP4, FOUR), "command 15 is unknown"),
        (header(PROXIED, UNIX, bytes(216)), "family 0x31 is not TCP over IP"),
        (header(PROXIED, UDP4, FOUR), "family 0x12 is not TCP over IP"),
        (header(PROXIED, TCP4, FOUR[:8]), "too short"),
        (header(PROXIED, TCP6, FOUR), "too short"),
        (header(PROXIED, TCP4, FOUR, length=65_535) + bytes(60_000), "65551 octets"),
        (header(LOCAL, UNSPECIFIED, b"", length=65_535), "65551 octets"),
    ],
    ids=[
        "bind",
        "tls",
        "nearly",
        "version 1",
        "version 3",
        "command",
        "unix",
        "udp",
        "short",
        "short 6",
        "64 KiB",
        "local 64 KiB",
    ],
)
def test_what_is_no_header_is_closed_without_a_word_and_the_log_says_why(
    fenced: Fenced, octets: bytes, why: str
) -> None:
    before, since = fenced.gateway.stats().totals.proxy_headers_refused, fenced.logged()
    with undisturbed(fenced.gateway), proxied(fenced, b"") as client:
        with contextlib.suppress(ConnectionError):
            client.socket.sendall(octets)
        assert client.ends() == []
        fenced.wait_logged(since, "proxy_header_refused", why, PROXY)
    assert fenced.gateway.stats().totals.proxy_headers_refused == before + 1


@pytest.mark.parametrize(
    ("first", "peer"),
    [
        (header(PROXIED, TCP4, FOUR), "192.0.2.7:4711"),
        (header(PROXIED, TCP4, FOUR + SSL_TLV), "192.0.2.7:4711"),
        (header(PROXIED, TCP4, FOUR + b"\xee" * 4_000), "192.0.2.7:4711"),
        (header(PROXIED, TCP6, SIX), "[2001:db8::7]:4711"),
        (header(LOCAL, TCP4, FOUR), None),
        (header(PROXIED, UNSPECIFIED, b"whatever"), None),
    ],
    ids=["ipv4", "with its tls", "long", "ipv6", "local", "unspecified"],
)
@pytest.mark.parametrize("listener", ["proxied", "proxied-tls"])
def test_a_right_header_says_who_is_there(fenced: Fenced, first: bytes, peer: str | None, listener: str) -> None:
    tls = fenced.authority.client() if listener == "proxied-tls" else None
    with (
        undisturbed(fenced.gateway),
        fenced.connect(listener, source=PROXY, first=first, tls=tls) as client,
    ):
        assert client.bind("acme", PASSWORD).status == wire.ESME_ROK
        client.receipt(client.submit(NUMBER).text)
        # LOCAL speaks for nobody: the proxy itself is there.
        assert peers(fenced) == {peer or client.name}


def test_a_header_in_pieces_with_the_bind_behind_it_is_read_to_its_last_octet(fenced: Fenced) -> None:
    whole = header(PROXIED, TCP4, FOUR + SSL_TLV)
    with undisturbed(fenced.gateway):
        for size in (1, 7, 16, len(whole) - 1, len(whole) + 5):
            octets = whole + BIND
            with proxied(fenced, b"") as client:
                for start in range(0, len(octets), size):
                    client.socket.sendall(octets[start : start + size])
                assert client.response(1).status == wire.ESME_ROK
                assert peers(fenced) == {"192.0.2.7:4711"}


def test_who_is_no_proxy_cannot_speak_for_others(fenced: Fenced) -> None:
    since = fenced.logged()
    with undisturbed(fenced.gateway), fenced.connect("proxied", first=header(PROXIED, TCP4, FOUR) + BIND) as client:
        [nack] = client.ends()
        assert (nack.command_id, nack.status) == (wire.GENERIC_NACK, wire.ESME_RINVCMDLEN)
        fenced.wait_logged(since, "not_smpp", "a PROXY header, version 2", client.name)
    assert peers(fenced) == set()
    # Without one it is a customer like all others.
    with fenced.connect("proxied") as client:
        assert client.bind("acme", PASSWORD).status == wire.ESME_ROK
        assert peers(fenced) == {client.name}


def test_a_second_header_is_no_pdu(fenced: Fenced) -> None:
    with undisturbed(fenced.gateway), proxied(fenced, header(PROXIED, TCP4, FOUR) * 2) as client:
        [nack] = client.ends()
        assert (nack.command_id, nack.status) == (wire.GENERIC_NACK, wire.ESME_RINVCMDLEN)


def test_a_handshake_before_the_header_is_refused(fenced: Fenced) -> None:
    since = fenced.logged()
    with undisturbed(fenced.gateway), pytest.raises(OSError, match=r"(?i)ssl|reset|EOF"):
        fenced.connect("proxied-tls", source=PROXY, tls=fenced.authority.client())
    fenced.wait_logged(since, "proxy_header_refused", "there is none")


def test_a_header_that_does_not_end_ends_after_its_time(fenced: Fenced) -> None:
    starts = {
        "silent": b"",
        "half": header(PROXIED, TCP4, FOUR)[:20],
        "nearly": header(PROXIED, TCP4, FOUR, length=200),
    }
    since = fenced.logged()
    with contextlib.ExitStack() as stack, undisturbed(fenced.gateway):
        began = time.monotonic()
        clients = {name: stack.enter_context(proxied(fenced, first)) for name, first in starts.items()}
        for name, client in clients.items():
            assert client.ends() == [], name
            assert time.monotonic() - began > 8, name
            if name != "silent":
                fenced.wait_logged(since, "proxy_header_refused", "it did not end in time", client.name)


def test_a_crowd_of_headers_that_do_not_end_costs_little_and_leaves_room(fenced: Fenced) -> None:
    gateway = fenced.gateway
    address = fenced.address("proxied")
    octets = header(PROXIED, TCP4, FOUR, length=4_080) + bytes(4_000)
    before, before_mib = gateway.stats().totals.connections, gateway.rss_mib()
    with contextlib.ExitStack() as stack, undisturbed(gateway, grows_mib=CROWD * STRANGER_KIB_MAX / 1024):
        for _ in range(CROWD):
            each = stack.enter_context(socket.create_connection(address, 20, (PROXY, 0)))
            each.sendall(octets)
        assert gateway.stats().totals.connections > before + CROWD * 0.9
        with proxied(fenced, header(PROXIED, TCP4, FOUR)) as client:
            assert client.bind("acme", PASSWORD).status == wire.ESME_ROK
            client.receipt(client.submit(NUMBER).text)
        assert (gateway.rss_mib() - before_mib) * 1024 / CROWD < STRANGER_KIB_MAX
    wait_until(lambda: gateway.stats().totals.connections <= before, "the crowd is gone")
