"""Customers that are bound and break the protocol: each gets a clear answer, loses nothing, and disturbs nobody."""

from __future__ import annotations

import collections
import contextlib
import socket
import struct
from typing import Final

import pytest

from tests.integration import wire
from tests.integration.bystander import NUMBER, undisturbed
from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.wire import Client, Pdu
from tests.support.process import wait_until

CANCEL_SM: Final = 0x0000_0008
REPLACE_SM: Final = 0x0000_0007
DATA_SM: Final = 0x0000_0103
DELIVER_SM_RESP: Final = wire.DELIVER_SM | wire.RESPONSE
ESME_RX_T_APPN: Final = 0x64


def submit(text: bytes = b"hello", *, receipt: bool = True) -> bytes:
    """The body of a submit_sm."""
    return wire.submit_body(NUMBER, text, receipt=receipt)


def next_receipt(client: Client) -> Pdu:
    """The next deliver_sm, not answered."""
    while (each := client.read()).command_id != wire.DELIVER_SM:
        pass
    return each


def receipted(delivery: Pdu) -> str:
    """The id of the message that a receipt speaks of."""
    return wire.read_message(delivery.body).receipted_id


# Sequence numbers.


@pytest.mark.parametrize(
    "sequences",
    [[7] * 20, [0] * 5, [0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0001], [9, 3, 0x7FFF_FFFF, 1, 2, 1]],
    ids=["reused", "zero", "high bit", "in no order"],
)
def test_whatever_sequence_number_a_request_has_its_answer_has_the_same(guarded: Gateway, sequences: list[int]) -> None:
    with undisturbed(guarded), guarded.bind() as client:
        client.answers = False
        body = submit(receipt=False)
        client.socket.sendall(b"".join(wire.pdu(wire.SUBMIT_SM, body, sequence=each) for each in sequences))
        answers = [client.read() for _ in sequences]
        assert [each.sequence for each in answers] == sequences
        assert {each.status for each in answers} == {wire.ESME_ROK}
        assert len({each.text for each in answers}) == len(sequences), "one message for two requests"
        for sequence in sequences:
            client.send(wire.ENQUIRE_LINK, sequence=sequence)
            assert client.read() == Pdu(wire.ENQUIRE_LINK | wire.RESPONSE, wire.ESME_ROK, sequence, b"")


# Responses.


@pytest.mark.parametrize(
    "command_id",
    [DELIVER_SM_RESP, wire.SUBMIT_SM | wire.RESPONSE, wire.BIND_TRANSCEIVER | wire.RESPONSE, wire.GENERIC_NACK],
    ids=["deliver_sm_resp", "submit_sm_resp", "bind_transceiver_resp", "generic_nack"],
)
def test_responses_to_requests_that_are_not_known_yet_answer_nothing(guarded: Gateway, command_id: int) -> None:
    with undisturbed(guarded), guarded.bind() as client:
        # Those that the gateway will use next, and others.
        early = [*range(200), 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]
        client.socket.sendall(b"".join(wire.pdu(command_id, b"\0", sequence=each) for each in early))
        client.ping()
        # The receipt that comes then is sent, and waits for its own answer.
        message_id = client.submit(NUMBER).text
        client.receipt(message_id)
        wait_until(lambda: guarded.account_stats().open_messages == 0, "nothing is open")


def test_a_receipt_that_was_answered_with_a_wrong_command_is_sent_again_on_the_next_bind(guarded: Gateway) -> None:
    guarded.account("confused")
    guarded.reload()
    with undisturbed(guarded):
        with guarded.bind("confused") as client:
            message_id = client.submit(NUMBER).text
            delivery = next_receipt(client)
            for wrong in (wire.SUBMIT_SM | wire.RESPONSE, wire.ENQUIRE_LINK | wire.RESPONSE, DATA_SM | wire.RESPONSE):
                client.send(wrong, b"\0", sequence=delivery.sequence)
            client.ping()
            assert guarded.account_stats("confused").open_messages == 1
        with guarded.bind("confused") as client:
            client.receipt(message_id)
        wait_until(lambda: guarded.account_stats("confused").open_messages == 0, "it was taken")


def test_a_receipt_that_is_answered_twice_counts_once_and_one_that_is_nacked_comes_again(guarded: Gateway) -> None:
    guarded.account("twice")
    guarded.reload()
    with undisturbed(guarded):
        delivered = guarded.stats().totals.receipts_delivered
        with guarded.bind("twice") as client:
            for _ in range(2):
                client.send(wire.SUBMIT_SM, submit())
            # A receipt may overtake the other message's response.
            said = [client.read() for _ in range(4)]
            ids = {each.text for each in said if each.command_id == wire.SUBMIT_SM | wire.RESPONSE}
            first, second = (each for each in said if each.command_id == wire.DELIVER_SM)
            for _ in range(5):
                client.send(DELIVER_SM_RESP, b"\0", sequence=first.sequence)
            client.send(wire.GENERIC_NACK, status=wire.ESME_RINVCMDID, sequence=second.sequence)
            client.ping()
            wait_until(lambda: guarded.account_stats("twice").open_messages == 1, "one was taken")
        assert guarded.stats().totals.receipts_delivered > delivered
        assert {receipted(first), receipted(second)} == ids
        with guarded.bind("twice") as client:
            # 5 s after the refusal, or at once: it was nobody's any more.
            assert client.receipt(receipted(second)).receipted_id == receipted(second)
            wait_until(lambda: guarded.account_stats("twice").open_messages == 0, "the other, too")


def test_receipts_that_are_refused_for_ever_are_not_sent_in_a_loop(guarded: Gateway) -> None:
    guarded.account("stubborn")
    guarded.reload()
    with undisturbed(guarded), guarded.bind("stubborn") as client:
        client.answers = False
        sequences = [client.send(wire.SUBMIT_SM, submit()) for _ in range(10)]
        seen: collections.Counter[str] = collections.Counter()
        while seen.total() < len(sequences):
            each = client.read()
            if each.command_id == wire.DELIVER_SM:
                seen[receipted(each)] += 1
                client.send(DELIVER_SM_RESP, status=ESME_RX_T_APPN, sequence=each.sequence)
        # All that is under way has arrived with this answer: the refused ones rest.
        client.send(wire.ENQUIRE_LINK, sequence=0x7777)
        while (each := client.read()).sequence != 0x7777:
            assert each.command_id != wire.DELIVER_SM, "it came again at once"
        assert set(seen.values()) == {1}
    with guarded.bind("stubborn") as client:
        for message_id in seen:
            client.receipt(message_id)


# Lengths.


def test_17_octets_with_length_16_are_nacked_as_what_follows_and_the_answer_before_counts(guarded: Gateway) -> None:
    """The bug of a known peer: an octet too many behind a response. What follows it cannot be read any more."""
    guarded.account("shifted")
    guarded.reload()
    with undisturbed(guarded):
        with guarded.bind("shifted") as client:
            message_id = client.submit(NUMBER).text
            delivery = next_receipt(client)
            assert receipted(delivery) == message_id
            client.socket.sendall(wire.pdu(DELIVER_SM_RESP, b"\0", sequence=delivery.sequence, length=16))
            client.send(wire.ENQUIRE_LINK)
            [nack] = client.ends()
            assert (nack.command_id, nack.status) == (wire.GENERIC_NACK, wire.ESME_RINVCMDLEN)
        wait_until(lambda: guarded.account_stats("shifted").open_messages == 0, "the receipt was taken")
        with guarded.bind("shifted") as client:
            client.receipt(client.submit(NUMBER).text)
            assert len(client.deliveries) == 1


def test_a_body_longer_than_its_length_shifts_the_next_pdu_and_what_was_read_before_is_carried(
    guarded: Gateway,
) -> None:
    with undisturbed(guarded):
        accepted = guarded.account_stats().accepted
        with guarded.bind() as client:
            whole = wire.pdu(wire.SUBMIT_SM, submit(receipt=False), sequence=40)
            client.socket.sendall(whole + b"\0" + whole)
            nack = client.ends()[-1]
            assert (nack.command_id, nack.status) == (wire.GENERIC_NACK, wire.ESME_RINVCMDLEN)
        assert guarded.account_stats().accepted == accepted + 1
        wait_until(lambda: guarded.account_stats().open_messages == 0, "it was carried")


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17, 4_095])
def test_pdus_in_pieces_of_any_size_are_put_together(guarded: Gateway, size: int) -> None:
    octets = b"".join(wire.pdu(wire.SUBMIT_SM, submit(receipt=False), sequence=each) for each in range(2, 12))
    octets = wire.pdu(wire.BIND_TRANSCEIVER, wire.bind_body("acme", PASSWORD), sequence=1) + octets
    with undisturbed(guarded), guarded.connect() as client:
        for start in range(0, len(octets), size):
            client.socket.sendall(octets[start : start + size])
        assert [client.read().status for _ in range(11)] == [wire.ESME_ROK] * 11


# Binds and unbinds.


def test_a_second_bind_is_refused_and_the_first_one_stays(guarded: Gateway) -> None:
    with undisturbed(guarded), guarded.bind() as client:
        for mode in wire.BINDS:
            again = client.bind("acme", PASSWORD, mode=mode)
            assert again.status == wire.ESME_RALYBND
            assert again.body == b""
        assert client.bind("nobody", "nothing").status == wire.ESME_RALYBND
        client.receipt(client.submit(NUMBER).text)


def test_an_unbind_storm_is_answered_once_and_what_stood_before_it_is_done(guarded: Gateway) -> None:
    with undisturbed(guarded):
        for _ in range(50):
            with guarded.bind() as client:
                body = submit(receipt=False)
                messages = b"".join(wire.pdu(wire.SUBMIT_SM, body, sequence=each) for each in range(10, 15))
                unbinds = b"".join(wire.pdu(wire.UNBIND, sequence=each) for each in range(100, 200))
                client.socket.sendall(messages + unbinds + messages)
                said = client.ends()
                taken = [each.sequence for each in said if each.status == wire.ESME_ROK]
                assert taken == [10, 11, 12, 13, 14, 100]
                assert {each.status for each in said} <= {wire.ESME_ROK, wire.ESME_RINVBNDSTS}
        wait_until(lambda: guarded.account_stats().binds == 0, "all have parted")


def test_binds_that_come_and_go_leave_nothing_behind(guarded: Gateway) -> None:
    with undisturbed(guarded, grows_mib=8):
        before = guarded.stats().totals.connections
        reset = struct.pack("ii", 1, 0)
        for number in range(1_000):
            client = guarded.bind(mode=("transceiver", "receiver", "transmitter")[number % 3])
            if number % 2:
                # RST in the middle of everything.
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            client.close()
        wait_until(lambda: guarded.stats().totals.connections <= before, "all are gone")
        assert guarded.account_stats().binds == 0


def test_what_was_taken_from_a_connection_that_is_reset_is_carried_and_its_receipts_wait(guarded: Gateway) -> None:
    guarded.account("broken")
    guarded.reload()
    with undisturbed(guarded):
        accepted = guarded.account_stats("broken").accepted
        client = guarded.bind("broken", mode="transmitter")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sequences = [client.send(wire.SUBMIT_SM, submit(b"x")) for _ in range(50)]
        ids = {client.response(each).text for each in sequences}
        client.close()
        assert guarded.account_stats("broken").accepted - accepted == len(ids) == 50
        with guarded.bind("broken", mode="receiver") as receiver:
            for message_id in ids:
                receiver.receipt(message_id)
            receiver.ping()
            assert len(receiver.deliveries) == 50
        wait_until(lambda: guarded.account_stats("broken").open_messages == 0, "all is done")


# Floods.

OPERATIONS: Final = {
    "query_sm": (wire.QUERY_SM, b"6880de8c6cc00000\0\x01\x01491701\0"),
    "cancel_sm": (CANCEL_SM, b"\x006880de8c6cc00000\0\x01\x01491701\0\x01\x01491702\0"),
    "replace_sm": (REPLACE_SM, b"6880de8c6cc00000\0\x01\x01491701\0\0\0\0\0\x05hello"),
    "unknown": (0x0000_0777, b"anything"),
    "alert_notification": (0x0000_0102, b"\x01\x0149170\0\x01\x0149171\0"),
    "enquire_link": (wire.ENQUIRE_LINK, b""),
    "deliver_sm": (wire.DELIVER_SM, submit()),
    "bind": (wire.BIND_TRANSMITTER, wire.bind_body("acme", "wrong")),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_flood_of_requests_is_answered_one_by_one_in_their_order(guarded: Gateway, name: str) -> None:
    command_id, body = OPERATIONS[name]
    count = 20_000
    with undisturbed(guarded), guarded.bind(timeout=60) as client:
        octets = b"".join(wire.pdu(command_id, body, sequence=each) for each in range(1, count + 1))
        sent = 0
        if name == "alert_notification":
            # It has no response: nothing is said about it, and the bind goes on.
            client.socket.sendall(octets)
            client.ping()
            return
        for number in range(1, count + 1):
            while sent < len(octets) and number * len(octets) >= sent * count:
                sent += client.socket.send(octets[sent : sent + 65_536])
            answer = client.read()
            assert answer.sequence == number
            assert answer.command_id in (command_id | wire.RESPONSE, wire.GENERIC_NACK)
            assert (answer.status == wire.ESME_ROK) == (name == "enquire_link")
            # deliver_sm_resp has its empty message_id also when it refuses: peers of others need it.
            assert answer.body == (b"\0" if name == "deliver_sm" else b"")
        client.receipt(client.submit(NUMBER).text)


def test_a_flood_of_system_ids_that_nobody_has_costs_no_password_check(guarded: Gateway) -> None:
    with undisturbed(guarded):
        refused = guarded.stats().totals.binds_refused
        for number in range(1_000):
            with guarded.connect() as client:
                assert client.bind(f"nobody{number}", "nothing").status == wire.ESME_RINVPASWD
        with guarded.connect() as client:
            assert client.bind("nobody", "nothing").status == wire.ESME_RINVPASWD
            assert client.ends() == []
        assert guarded.stats().totals.binds_refused == refused + 1_001


def test_a_thousand_binds_that_each_leave_a_pdu_half_said_cost_what_they_said(guarded: Gateway) -> None:
    guarded.account("many", bindsMax=1000)
    guarded.reload()
    begun = wire.pdu(wire.SUBMIT_SM, bytes(60_000), length=66_000)
    with undisturbed(guarded, grows_mib=96), contextlib.ExitStack() as stack:
        before_mib = guarded.rss_mib()
        for _ in range(1_000):
            stack.enter_context(guarded.bind("many")).socket.sendall(begun)
        wait_until(lambda: guarded.account_stats("many").binds == 1_000, "all are bound")
        # 60,016 octets each, and little more.
        assert (guarded.rss_mib() - before_mib) * 1024 / 1_000 < 80
    wait_until(lambda: guarded.account_stats("many").binds == 0, "all are gone")
