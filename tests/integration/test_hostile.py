"""Peers that break the rules: each gets a clear answer or is closed, memory stays bounded, others are not disturbed."""

from __future__ import annotations

import collections
import contextlib
import random
import struct
import threading
import time
from typing import Final

import pytest

from tests.integration import wire
from tests.integration.bystander import NUMBER, PATIENCE_SECONDS, undisturbed
from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.wire import ConnectionEndedError, Pdu
from tests.support.process import wait_until

PDU_OCTETS_MAX: Final = 66_000

TLS_HELLO: Final = bytes.fromhex("16030100c4010000c00303") + bytes(range(190))
PROXY_V1: Final = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 2775\r\n"
PROXY_V2: Final = bytes.fromhex("0d0a0d0a000d0a515549540a2111000c") + bytes(12)
HTTP: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"


def noise(octets: int, seed: int) -> bytes:
    """Octets of chance whose first four are no possible length."""
    return b"\xff" + random.Random(seed).randbytes(octets - 1)


# What is not SMPP at all.


@pytest.mark.parametrize("bound", [False, True], ids=["before the bind", "bound"])
@pytest.mark.parametrize(
    "octets",
    [HTTP, TLS_HELLO, PROXY_V1, PROXY_V2, noise(1_000, 1), bytes(64)],
    ids=["http", "tls", "proxy 1", "proxy 2", "noise", "zeros"],
)
def test_octets_that_are_no_pdu_are_nacked_and_the_connection_ends(
    guarded: Gateway, octets: bytes, bound: bool
) -> None:
    with undisturbed(guarded), guarded.bind() if bound else guarded.connect() as client:
        client.socket.sendall(octets)
        [nack] = client.ends()
        assert (nack.command_id, nack.status) == (wire.GENERIC_NACK, wire.ESME_RINVCMDLEN)


@pytest.mark.parametrize("bound", [False, True], ids=["before the bind", "bound"])
@pytest.mark.parametrize("length", [0, 15, PDU_OCTETS_MAX + 1, 2**31, 2**32 - 1])
def test_an_impossible_command_length_is_nacked_and_the_connection_ends(
    guarded: Gateway, length: int, bound: bool
) -> None:
    with undisturbed(guarded), guarded.bind() if bound else guarded.connect() as client:
        client.socket.sendall(wire.pdu(wire.ENQUIRE_LINK, sequence=77, length=length))
        assert client.ends() == [Pdu(wire.GENERIC_NACK, wire.ESME_RINVCMDLEN, 77, b"")]


def test_bodies_of_chance_are_answered_or_end_the_connection(guarded: Gateway) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it where the test fails.
    chance = random.Random(seed)
    commands = (wire.SUBMIT_SM, wire.QUERY_SM, wire.BIND_TRANSCEIVER, wire.DELIVER_SM, 0x103, 0x7777, 0x80000004)
    whole = wire.submit_body(NUMBER, b"hello")
    with undisturbed(guarded):
        client = guarded.bind()
        try:
            for _ in range(500):
                body = chance.randbytes(chance.randrange(80))
                if chance.random() < 0.5:
                    at = chance.randrange(len(whole))
                    body = whole[:at] + chance.randbytes(chance.randrange(4)) + whole[at + chance.randrange(4) :]
                command = chance.choice(commands)
                try:
                    sequence = client.send(command, body)
                    if not command & wire.RESPONSE:
                        client.response(sequence)
                    client.ping()
                except (ConnectionEndedError, ConnectionError):
                    client.close()
                    client = guarded.bind()
        finally:
            client.close()


# Peers that are slow, or silent.


def test_a_peer_that_sends_one_octet_at_a_time_is_understood(guarded: Gateway) -> None:
    with undisturbed(guarded), guarded.connect() as client:
        for octets in (
            wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("acme", PASSWORD), sequence=1),
            wire.pdu(wire.SUBMIT_SM, wire.submit_body(NUMBER, b"slow"), sequence=2),
        ):
            for octet in octets:
                client.socket.sendall(bytes((octet,)))
        assert client.response(1).status == wire.ESME_ROK
        client.receipt(client.response(2).text)


def test_half_open_peers_are_closed_after_their_time(guarded: Gateway) -> None:
    with contextlib.ExitStack() as stack, undisturbed(guarded):
        began = time.monotonic()
        silent = stack.enter_context(guarded.connect())
        begun = stack.enter_context(guarded.connect())
        begun.socket.sendall(wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("acme", PASSWORD))[:20])
        asking = stack.enter_context(guarded.connect())
        halved = stack.enter_context(guarded.bind())
        halved.socket.sendall(wire.pdu(wire.SUBMIT_SM, wire.submit_body(NUMBER, b"never ended"))[:-1])
        # To ask for the link is no bind.
        with contextlib.suppress(ConnectionEndedError, ConnectionError):
            while time.monotonic() - began < 30:
                asking.ping()
        times = {"asking": time.monotonic() - began}
        for name, client in {"silent": silent, "begun": begun, "halved": halved}.items():
            assert client.ends() == [], name
            times[name] = time.monotonic() - began
        assert all(8 < seconds < 20 for seconds in times.values()), times
        wait_until(lambda: guarded.stats().totals.connections == 2, "only bystander and carrier are left")


def test_peers_that_close_right_behind_their_last_octets_are_gone_at_once(guarded: Gateway) -> None:
    with undisturbed(guarded):
        before = guarded.stats().totals.connections
        peers = [guarded.connect() for _ in range(300)]
        for peer in peers:
            # Nothing answers it: no write of ours finds out that the peer is gone.
            peer.send(wire.ENQUIRE_LINK | wire.RESPONSE)
            peer.close()
        wait_until(lambda: guarded.stats().totals.connections <= before, "they are gone", seconds=PATIENCE_SECONDS)


# Peers that take nothing.


def test_a_receiver_that_never_reads_holds_up_nobody_else(guarded: Gateway) -> None:
    guarded.account("deaf")
    guarded.reload()
    with undisturbed(guarded, grows_mib=48), guarded.connect(receive_octets=2_048) as deaf:
        assert deaf.bind("deaf", PASSWORD, mode="receiver").status == wire.ESME_ROK
        count = 20_000
        with guarded.bind("deaf", mode="transmitter") as sender:
            body = wire.submit_body(NUMBER, b"x" * 140)
            for start in range(0, count, 100):
                sequences = range(start + 10, start + 110)
                sender.socket.sendall(b"".join(wire.pdu(wire.SUBMIT_SM, body, sequence=each) for each in sequences))
                assert {sender.response(each).status for each in sequences} == {wire.ESME_ROK}
        assert guarded.account_stats("deaf").open_messages > count / 2, "the receipts were taken: nothing was proved"
        # Another bind of the account gets what the deaf one does not take.
        with guarded.bind("deaf", mode="receiver") as hearing:
            wait_until(lambda: not hearing.read(20).status, "a receipt")


def test_a_sender_that_never_reads_is_not_read_further(guarded: Gateway) -> None:
    with undisturbed(guarded), guarded.connect(receive_octets=2_048) as deaf:
        assert deaf.bind("acme", PASSWORD, mode="transmitter").status == wire.ESME_ROK
        octets = b"".join(
            wire.pdu(wire.SUBMIT_SM, wire.submit_body(NUMBER, b"x" * 140, receipt=False), sequence=each)
            for each in range(1, 500)
        )
        deaf.socket.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 512 << 20:
                sent += deaf.socket.send(octets)
        assert sent < 512 << 20, "it was read without end"
        wait_until(lambda: guarded.account_stats("acme").open_messages == 0, "what was taken is carried")


# Passwords.


def test_a_flood_of_wrong_passwords_keeps_nobody_with_the_right_one_out(guarded: Gateway) -> None:
    for name in ("known", "victim", "neighbour"):
        guarded.account(name, password="right", costly=True)
    guarded.reload()
    with guarded.bind("known", "right"):
        pass
    stop = threading.Event()
    answers: collections.Counter[int] = collections.Counter()

    def flood(number: int) -> None:
        attempt = 0
        while not stop.is_set():
            attempt += 1
            account = "known" if number % 2 else "victim"
            with contextlib.suppress(ConnectionEndedError, OSError), guarded.connect(timeout=60) as client:
                answers[client.bind(account, f"w{number % 100}.{attempt % 1000}").status] += 1
            # A flood that takes this process' own time would prove nothing.
            stop.wait(0.1)

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(200)]
    with undisturbed(guarded, grows_mib=160):
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: answers.total() > 300, "the flood is refused")
            # Whose password was right before is in at once; another account has its turn; and so has the one that is
            # flooded, from where the flood does not come.
            for name, source in (("known", ""), ("neighbour", ""), ("victim", "127.0.0.2")):
                with guarded.bind(name, "right", source=source) as client:
                    client.receipt(client.submit(NUMBER).text)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert set(answers) <= {wire.ESME_RINVPASWD, wire.ESME_RBINDFAIL}, answers
    assert answers[wire.ESME_RINVPASWD] > 0


# Those who take more than their share.


def test_a_window_that_is_overrun_is_not_read_further_and_loses_nothing(guarded: Gateway) -> None:
    guarded.account("narrow", windowMax=3)
    guarded.reload()
    with undisturbed(guarded), guarded.bind("narrow") as client:
        sequences = range(100, 400)
        body = wire.submit_body(NUMBER, b"hello", receipt=False)
        client.socket.sendall(b"".join(wire.pdu(wire.SUBMIT_SM, body, sequence=each) for each in sequences))
        assert [client.read().sequence for _ in sequences] == list(sequences)


def test_a_bind_too_many_is_refused_with_ralybnd(guarded: Gateway) -> None:
    guarded.account("few", bindsMax=2)
    guarded.reload()
    with guarded.bind("few") as first, guarded.bind("few"), guarded.connect() as third:
        assert third.bind("few", PASSWORD).status == wire.ESME_RALYBND
        first.close()
        wait_until(lambda: bind_status(guarded, "few") == wire.ESME_ROK, "the place that became free is given")


def bind_status(gateway: Gateway, account: str) -> int:
    with gateway.connect() as client:
        return client.bind(account, PASSWORD).status


def test_a_pdu_of_the_largest_size_is_taken(guarded: Gateway) -> None:
    payload = PDU_OCTETS_MAX - len(wire.pdu(wire.SUBMIT_SM, wire.submit_body(NUMBER, b"", tlvs={0x424: b""})))
    with guarded.bind() as client:
        body = wire.submit_body(NUMBER, b"", tlvs={wire.MESSAGE_PAYLOAD: bytes(min(payload, 0xFFFF))})
        padding = PDU_OCTETS_MAX - 16 - len(body) - 4
        body += struct.pack(">HH", 0x1501, padding) + bytes(padding)
        assert len(body) + 16 == PDU_OCTETS_MAX
        assert client.request(wire.SUBMIT_SM, body).status == wire.ESME_ROK
