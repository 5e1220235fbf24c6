"""Carriers that break the protocol: messages end well or with a clear state, memory stays bounded, others go on."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from brivas.v1 import control_pb2
from tests.integration import wire
from tests.integration.bystander import beside, undisturbed
from tests.integration.gateway import Gateway
from tests.integration.recorder import SUBMIT_RESP, Recorder, receipt_body
from tests.integration.wire import Client, ConnectionEndedError, Message, Pdu
from tests.support.process import wait_until

GUEST: Final = "33"
"""Numbers that begin so go to the carrier of the test."""
DELIVER_SM_RESP: Final = wire.DELIVER_SM | wire.RESPONSE
ESME_RX_T_APPN: Final = 0x64
ESME_RX_P_APPN: Final = 0x65
UNKNOWN: Final = Message(b"40404", b"Brivas", wire.ESM_CLASS_RECEIPT, 0, 0, b"", {})

Answer = Callable[["Scripted", socket.socket, Pdu], bool]


class Scripted(Recorder):
    """A carrier that does with each PDU what the test says, and where that says nothing, what it should."""

    def __init__(self, script: Answer) -> None:
        self.script = script
        # Two threads write: a flood, and the answers. The gateway's own answers to a flood fit into what it holds.
        self.writing = threading.Lock()
        self.binds: list[socket.socket] = []
        self.answers: list[Pdu] = []
        # Of its own: what another test's carrier never sent a receipt for is still waited for.
        super().__init__(ids=f"{secrets.token_hex(4)}-")

    def answer(self, connection: socket.socket, octets: bytes) -> None:
        each = Pdu(
            int.from_bytes(octets[4:8]), int.from_bytes(octets[8:12]), int.from_bytes(octets[12:16]), octets[16:]
        )
        if each.command_id & wire.RESPONSE:
            self.answers.append(each)
            self.script(self, connection, each)
            return
        # What the gateway has closed meanwhile takes no more.
        with contextlib.suppress(OSError), self.writing:
            if not self.script(self, connection, each):
                super().answer(connection, octets)
        if each.command_id in wire.BINDS.values():
            self.binds.append(connection)

    def answered(self, count: int) -> list[Pdu]:
        """The gateway's first answers, once there are so many."""
        wait_until(lambda: len(self.answers) >= count, f"{count} answers", seconds=60)
        return self.answers[:count]


def plainly(_: Scripted, __: socket.socket, ___: Pdu) -> bool:
    """Nothing special."""
    return False


@contextlib.contextmanager
def hostile(gateway: Gateway, script: Answer, **spec: object) -> Iterator[Scripted]:
    """A carrier with a script, bound, beside the one that behaves; its customers' receipts come in the end."""
    with Scripted(script) as carrier, beside(gateway, carrier, GUEST, **spec):
        wait_until(lambda: bool(carrier.binds), "the gateway has bound")
        yield carrier


def counts(gateway: Gateway) -> control_pb2.CarrierStats:
    """Counters of the test's carrier; they go on from test to test."""
    return gateway.carrier_stats(f"guest-{GUEST}")


def number(index: int) -> str:
    """A number of the test's carrier."""
    return f"{GUEST}6{index:08}"


def state(receipt: Message) -> str:
    """What a receipt says of its message."""
    return receipt.short_message.partition(b"stat:")[2].split()[0].decode()


def carried(client: Client, count: int = 20) -> list[Message]:
    """Sends messages to the test's carrier; their receipts."""
    sequences = [client.send(wire.SUBMIT_SM, wire.submit_body(number(index), b"hello")) for index in range(count)]
    ids = [client.response(each).text for each in sequences]
    receipts = [client.receipt(each, timeout=60) for each in ids]
    client.ping()
    assert len(client.deliveries) == len({*ids}) == count, "a message has more than one receipt"
    return receipts


def answers_with(command_id: int, *, status: int = 0, body: bytes = b"") -> Answer:
    """Answers each message so."""

    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id != wire.SUBMIT_SM:
            return False
        connection.sendall(wire.pdu(command_id, body, status=status, sequence=each.sequence))
        return True

    return script


def once(script: Answer) -> Answer:
    """The first message only."""
    left = itertools.count()

    def first(carrier: Scripted, connection: socket.socket, each: Pdu) -> bool:
        return each.command_id == wire.SUBMIT_SM and next(left) == 0 and script(carrier, connection, each)

    return first


# Responses to messages.


@pytest.mark.parametrize("status", [wire.ESME_ROK, 0x08], ids=["ok", "error"])
def test_17_octets_with_length_16_end_that_bind_and_lose_no_message(guarded: Gateway, status: int) -> None:
    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        octets = wire.pdu(SUBMIT_RESP, b"\0", status=status, sequence=each.sequence, length=16)
        connection.sendall(octets + wire.pdu(wire.ENQUIRE_LINK, sequence=9))
        return True

    with undisturbed(guarded), hostile(guarded, once(script)) as carrier, guarded.bind() as client:
        receipts = carried(client)
        # That one's octets were an answer: it has no id, or was refused for now and sent again.
        assert {state(each) for each in receipts} <= {"DELIVRD", "ACCEPTD"}
        assert len(carrier.binds) > 1, "the stream was still read"
        nacks = [each for each in carrier.answers if each.command_id == wire.GENERIC_NACK]
        assert [each.status for each in nacks] == [wire.ESME_RINVCMDLEN]


def test_responses_before_their_requests_answer_nothing(guarded: Gateway) -> None:
    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.BIND_TRANSCEIVER:
            bound = wire.pdu(each.command_id | wire.RESPONSE, b"early\0", sequence=each.sequence)
            early = [wire.pdu(SUBMIT_RESP, b"early\0", sequence=number) for number in [*range(2, 200), 0, 2**31]]
            connection.sendall(bound + b"".join(early))
            return True
        return False

    with undisturbed(guarded), hostile(guarded, script) as carrier, guarded.bind() as client:
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        assert len(carrier.messages) == 20


@pytest.mark.parametrize("command_id", [DELIVER_SM_RESP, 0x8000_0021, 0x8000_0103, 0x8000_0009, 0x8000_0015])
def test_a_message_that_is_answered_with_another_command_is_not_taken_as_sent(
    guarded: Gateway, command_id: int
) -> None:
    script = answers_with(command_id, body=b"wrong\0")
    spec = {"responseTimeoutMs": 300}
    with undisturbed(guarded), hostile(guarded, script, **spec) as carrier, guarded.bind() as client:
        sent = counts(guarded).sent
        ids = [client.submit(number(index)).text for index in range(5)]
        wait_until(lambda: counts(guarded).in_flight == 5, "they are out")
        assert counts(guarded).sent == sent
        # Not answered in time they are sent again, and then the carrier has learned.
        carrier.script = plainly
        assert {state(client.receipt(each, timeout=60)) for each in ids} == {"DELIVRD"}


def test_a_message_that_is_answered_twice_is_sent_once(guarded: Gateway) -> None:
    def script(carrier: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.SUBMIT_SM:
            Recorder.answer(carrier, connection, wire.pdu(each.command_id, each.body, sequence=each.sequence))
            again = wire.pdu(SUBMIT_RESP, b"again\0", sequence=each.sequence)
            refused = wire.pdu(SUBMIT_RESP, status=0x08, sequence=each.sequence)
            connection.sendall(again + refused + wire.pdu(wire.GENERIC_NACK, status=3, sequence=each.sequence))
            return True
        return False

    with undisturbed(guarded), hostile(guarded, script) as carrier, guarded.bind() as client:
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        assert len(carrier.messages) == 20


@pytest.mark.parametrize("status", [wire.ESME_RINVCMDID, wire.ESME_ROK, 0x0B, 0x400, 0xFFFF_FFFF])
def test_a_generic_nack_for_a_message_never_means_that_it_was_sent(guarded: Gateway, status: int) -> None:
    script = answers_with(wire.GENERIC_NACK, status=status)
    with undisturbed(guarded), hostile(guarded, script) as carrier, guarded.bind() as client:
        before = counts(guarded)
        message_id = client.submit(number(0)).text
        wait_until(lambda: counts(guarded).failed > before.failed, "the attempt has failed")
        assert counts(guarded).sent == before.sent
        carrier.script = plainly
        # By its status it was final, or is sent again.
        assert state(client.receipt(message_id, timeout=60)) in {"DELIVRD", "REJECTD", "UNDELIV"}


@pytest.mark.parametrize(
    "body",
    [b"", b"x" * 65_000, b"no end", b"\xff\xfe\0", b"r1\0more behind it", b"a\0\x04\x27\xff\xff"],
    ids=["none", "65,000 octets", "no NUL", "no ASCII", "octets behind it", "a broken TLV"],
)
def test_an_id_of_any_form_is_an_answer(guarded: Gateway, body: bytes) -> None:
    script = answers_with(SUBMIT_RESP, body=body)
    with undisturbed(guarded), hostile(guarded, script), guarded.bind() as client:
        before = counts(guarded)
        client.submit(number(0))
        wait_until(lambda: counts(guarded).sent == before.sent + 1, "it was sent")
        assert counts(guarded).failed == before.failed


def test_a_body_in_an_error_response_is_not_taken_for_an_id(guarded: Gateway) -> None:
    script = once(answers_with(SUBMIT_RESP, status=0x14, body=b"r1\0"))
    with undisturbed(guarded), hostile(guarded, script), guarded.bind() as client:
        assert {state(each) for each in carried(client)} == {"DELIVRD"}


def test_one_id_for_every_message_slows_nobody_down(guarded: Gateway) -> None:
    count = 20_000
    script = answers_with(SUBMIT_RESP, body=b"same\0")
    guarded.account("bulk", windowMax=1000)
    guarded.reload()
    with (
        undisturbed(guarded, grows_mib=64),
        hostile(guarded, script, windowMax=1000) as carrier,
        guarded.bind("bulk") as client,
    ):
        for start in range(0, count, 500):
            sequences = range(start + 10, start + 510)
            octets = (
                wire.pdu(wire.SUBMIT_SM, wire.submit_body(number(each), b"x"), sequence=each) for each in sequences
            )
            client.socket.sendall(b"".join(octets))
            assert {client.response(each).status for each in sequences} == {wire.ESME_ROK}
        wait_until(lambda: counts(guarded).in_flight + counts(guarded).queued == 0, "all are sent", seconds=60)
        # Whom each means nobody can say, and the number is none of theirs: all are answered, none ends a wrong message.
        receipts = (
            wire.pdu(wire.DELIVER_SM, receipt_body(UNKNOWN, "same"), sequence=each + 1) for each in range(count)
        )
        carrier.binds[-1].sendall(b"".join(receipts))
        carrier.answered(count)
        assert not received(client)
        assert guarded.account_stats("bulk").open_messages == count


def received(client: Client) -> list[Message]:
    """The deliveries until now."""
    client.ping()
    return client.deliveries


# Binds.


def test_a_bind_that_is_answered_twice_is_bound_once(guarded: Gateway) -> None:
    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.BIND_TRANSCEIVER:
            for status in (wire.ESME_ROK, wire.ESME_ROK, wire.ESME_RALYBND, wire.ESME_RBINDFAIL):
                body = b"" if status else b"twice\0"
                connection.sendall(
                    wire.pdu(each.command_id | wire.RESPONSE, body, status=status, sequence=each.sequence)
                )
            return True
        return False

    with undisturbed(guarded), hostile(guarded, script) as carrier, guarded.bind() as client:
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        assert len(carrier.binds) == 1


@pytest.mark.parametrize("answer", ["nothing", "end", "wrong command", "refusal"])
def test_a_carrier_that_never_lets_us_in_is_asked_with_patience(guarded: Gateway, answer: str) -> None:
    asked: list[float] = []

    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.BIND_TRANSCEIVER:
            asked.append(time.monotonic())
            if answer == "end":
                connection.shutdown(socket.SHUT_RDWR)
            elif answer == "wrong command":
                connection.sendall(wire.pdu(SUBMIT_RESP, b"1\0", sequence=each.sequence))
            elif answer == "refusal":
                octets = wire.pdu(each.command_id | wire.RESPONSE, status=0x400, sequence=each.sequence)
                connection.sendall(octets)
            return True
        return False

    with Scripted(script) as carrier, undisturbed(guarded), beside(guarded, carrier, GUEST):
        wait_until(lambda: len(asked) >= (1 if answer in ("nothing", "wrong command") else 6), "it was asked")
        assert counts(guarded).binds_up == 0
        pauses = [after - before for before, after in itertools.pairwise(asked)]
        # 50 ms at first, 200 ms in the end, a fifth less by chance.
        assert all(pause > 0.03 for pause in pauses), pauses
        assert all(pause > 0.1 for pause in pauses[4:]), pauses
        # What comes meanwhile waits, and is carried once it is let in.
        with guarded.bind() as client:
            message_id = client.submit(number(0)).text
            if answer != "nothing" and answer != "wrong command":
                carrier.script = plainly
                assert state(client.receipt(message_id, timeout=60)) == "DELIVRD"


def test_an_unbind_storm_of_a_carrier_is_answered_and_messages_go_out_in_between(guarded: Gateway) -> None:
    left = itertools.count()

    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.BIND_TRANSCEIVER and next(left) < 20:
            bound = wire.pdu(each.command_id | wire.RESPONSE, b"storm\0", sequence=each.sequence)
            connection.sendall(bound + b"".join(wire.pdu(wire.UNBIND, sequence=number) for number in range(1, 50)))
            return True
        return False

    with undisturbed(guarded), hostile(guarded, script) as carrier, guarded.bind() as client:
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        assert len(carrier.binds) > 20
        answers = [each for each in carrier.answers if each.command_id == wire.UNBIND | wire.RESPONSE]
        assert [each.status for each in answers if not each.status] == [wire.ESME_ROK] * 20


# What carriers send.


def flood(carrier: Scripted, octets: bytes) -> threading.Thread:
    """Writes from another thread: the gateway's answers are read meanwhile."""

    def write() -> None:
        with carrier.writing:
            carrier.binds[-1].sendall(octets)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@pytest.mark.parametrize("sequence", [0, 5, 2**31, 2**32 - 1])
def test_whatever_sequence_number_a_delivery_has_its_answer_has_the_same(guarded: Gateway, sequence: int) -> None:
    with undisturbed(guarded), hostile(guarded, plainly) as carrier:
        incoming = wire.pdu(wire.DELIVER_SM, wire.submit_body("40404", b"hi", receipt=False), sequence=sequence)
        carrier.binds[-1].sendall(incoming * 50)
        answers = carrier.answered(50)
        assert {each.command_id for each in answers} == {DELIVER_SM_RESP}
        assert {each.sequence for each in answers} == {sequence}


def test_a_flood_of_incoming_messages_nobody_has_a_number_for_is_refused_one_by_one(guarded: Gateway) -> None:
    count = 30_000
    body = wire.submit_body("40404", b"x" * 140, receipt=False)
    with undisturbed(guarded, grows_mib=64), hostile(guarded, plainly) as carrier:
        octets = b"".join(wire.pdu(wire.DELIVER_SM, body, sequence=each) for each in range(1, count + 1))
        writing = flood(carrier, octets)
        answers = carrier.answered(count)
        writing.join()
        assert [each.sequence for each in answers] == list(range(1, count + 1))
        assert {each.status for each in answers} == {ESME_RX_P_APPN}


def test_a_flood_of_incoming_messages_stops_at_what_the_account_may_have_open(guarded: Gateway) -> None:
    count, open_max = 5_000, 1_000
    guarded.account("inbox", openMessagesMax=open_max)
    guarded.resource("Route", "inbox", {"direction": "mo", "prefix": "50505", "toAccount": "inbox"})
    guarded.reload()
    body = wire.submit_body("50505", b"x" * 140, receipt=False)
    with undisturbed(guarded, grows_mib=64), hostile(guarded, plainly) as carrier:
        octets = b"".join(wire.pdu(wire.DELIVER_SM, body, sequence=each) for each in range(1, count + 1))
        writing = flood(carrier, octets)
        answers = carrier.answered(count)
        writing.join()
        assert {each.status for each in answers} == {wire.ESME_ROK, ESME_RX_T_APPN}
        assert sum(each.status == wire.ESME_ROK for each in answers) == open_max
        # What was taken over arrives, once each.
        with guarded.bind("inbox", mode="receiver") as client:
            wait_until(lambda: len(received(client)) >= open_max, "all arrive")
            wait_until(lambda: guarded.account_stats("inbox").open_messages == 0, "nothing is open")
            assert len(client.deliveries) == open_max


def test_a_flood_of_receipts_for_unknown_ids_is_answered_and_the_right_ones_are_matched(guarded: Gateway) -> None:
    count = 30_000
    with undisturbed(guarded, grows_mib=64), hostile(guarded, plainly) as carrier, guarded.bind() as client:
        flooding = b"".join(
            wire.pdu(wire.DELIVER_SM, receipt_body(UNKNOWN, f"nobody{each}"), sequence=each + 100_000)
            for each in range(count)
        )
        writing = flood(carrier, flooding)
        # Their receipts stand behind the flood, on the same bind.
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        writing.join()
        answers = [each for each in carrier.answered(count) if each.sequence >= 100_000]
        # Taken, since nobody will ever know them; or to be sent again, since more are parked than may be.
        assert {each.status for each in answers} <= {wire.ESME_ROK, ESME_RX_T_APPN}
        wait_until(lambda: len(carrier.answers) >= count + 20, "each is answered")


REQUESTS: Final = [wire.SUBMIT_SM, wire.BIND_TRANSCEIVER, wire.QUERY_SM, 0x21, 0x103, 0x111, 0x777]


def test_requests_that_no_carrier_may_send_are_refused_and_the_bind_stays(guarded: Gateway) -> None:
    with undisturbed(guarded), hostile(guarded, plainly) as carrier, guarded.bind() as client:
        for sequence, command_id in enumerate(REQUESTS, 1):
            carrier.binds[-1].sendall(wire.pdu(command_id, wire.submit_body("1", b"hi"), sequence=sequence))
        answers = carrier.answered(len(REQUESTS))
        assert [each.sequence for each in answers] == list(range(1, len(REQUESTS) + 1))
        assert all(each.status and not each.body for each in answers)
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        assert len(carrier.binds) == 1


def test_a_carrier_that_sends_one_octet_at_a_time_is_understood(guarded: Gateway) -> None:
    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id != wire.SUBMIT_SM:
            return False
        for octet in wire.pdu(SUBMIT_RESP, b"slow\0", sequence=each.sequence):
            connection.sendall(bytes((octet,)))
        receipt = receipt_body(wire.read_message(each.body), "slow")
        for octet in wire.pdu(wire.DELIVER_SM, receipt, sequence=each.sequence):
            connection.sendall(bytes((octet,)))
        return True

    with undisturbed(guarded), hostile(guarded, script), guarded.bind() as client:
        assert state(client.receipt(client.submit(number(0)).text)) == "DELIVRD"


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"\xff" * 64])
def test_octets_that_are_no_pdu_end_that_bind_and_the_next_one_carries(guarded: Gateway, octets: bytes) -> None:
    left = itertools.count()

    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.BIND_TRANSCEIVER and next(left) < 3:
            connection.sendall(octets)
            return True
        return False

    with undisturbed(guarded), hostile(guarded, script) as carrier, guarded.bind() as client:
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        assert len(carrier.binds) == 4


def test_a_carrier_that_reads_nothing_holds_what_may_wait_for_it_and_no_more(guarded: Gateway) -> None:
    gate = threading.Event()

    def script(_: Scripted, __: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.SUBMIT_SM:
            # This thread reads no further.
            gate.wait(60)
        return False

    guarded.account("eager", windowMax=1000)
    payload = {wire.MESSAGE_PAYLOAD: b"x" * 20_000}
    # More than fits into every buffer on the way: 40 MB.
    count = 2_000
    with (
        undisturbed(guarded, grows_mib=96),
        hostile(guarded, script, windowMax=10_000, queueMax=1_000) as carrier,
        guarded.bind("eager") as client,
    ):
        statuses: set[int] = set()
        for start in range(0, count, 100):
            sequences = range(start + 10, start + 110)
            body = wire.submit_body(number(start), b"", tlvs=payload)
            client.socket.sendall(b"".join(wire.pdu(wire.SUBMIT_SM, body, sequence=each) for each in sequences))
            statuses |= {each.status for each in client.responses(sequences).values()}
        assert statuses == {wire.ESME_ROK, wire.ESME_RMSGQFUL}
        assert counts(guarded).queued == 1_000
        gate.set()
        accepted = guarded.account_stats("eager").accepted
        wait_until(lambda: len(received(client)) >= accepted, "all is carried", seconds=60)
        assert len(carrier.messages) == accepted


def test_a_flood_of_enquire_link_from_a_carrier_that_reads_nothing_is_not_read_further(guarded: Gateway) -> None:
    gate = threading.Event()

    def script(_: Scripted, __: socket.socket, each: Pdu) -> bool:
        if each.command_id == wire.ENQUIRE_LINK | wire.RESPONSE:
            gate.wait(60)
        return False

    burst = wire.pdu(wire.ENQUIRE_LINK, sequence=3) * 4_096
    with undisturbed(guarded), hostile(guarded, script) as carrier:
        bind = carrier.binds[-1]
        bind.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 512 << 20:
                sent += bind.send(burst)
        assert sent < 512 << 20, "it was read without end"
        bind.settimeout(None)
        gate.set()


def test_one_who_is_gone_in_the_middle_of_a_pdu_takes_nothing_along(guarded: Gateway) -> None:
    def script(_: Scripted, connection: socket.socket, each: Pdu) -> bool:
        connection.sendall(wire.pdu(SUBMIT_RESP, b"half", sequence=each.sequence, length=40))
        connection.shutdown(socket.SHUT_RDWR)
        return True

    with undisturbed(guarded), hostile(guarded, once(script)) as carrier, guarded.bind() as client:
        assert {state(each) for each in carried(client)} == {"DELIVRD"}
        assert len(carrier.binds) == 2


def test_the_suite_would_see_a_connection_that_ends(guarded: Gateway) -> None:
    """A bystander whose connection is cut is not passed over."""
    with pytest.raises(AssertionError), undisturbed(guarded) as bystander:  # noqa: PT012 - it is the end that fails.
        with contextlib.suppress(ConnectionEndedError, OSError):
            bystander.socket.shutdown(socket.SHUT_RDWR)
        time.sleep(0.2)
