"""Texts through a real gateway, from a customer to a carrier and from a phone to a customer: national tables, flash,
ports, surrogates at the borders of parts. Octets are held against the tables of 3GPP TS 23.038, not against our codec.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from brivas.clients.messaging import MessagingClient
from brivas.v1 import messaging_pb2
from tests.integration import wire
from tests.integration.gateway import Gateway
from tests.integration.recorder import Recorder
from tests.integration.wire import Client
from tests.support import parts
from tests.support.alphabet import encode_gsm
from tests.support.process import wait_until

NUMBER: Final = "905321234567"
SHORT_CODE: Final = "40404"
UDHI: Final = 0x40
TURKISH, SPANISH, PORTUGUESE = 1, 2, 3
LOCKING_SHIFT, SINGLE_SHIFT = 0x25, 0x24
ESCAPE: Final = 0x1B

# What the tests write of annex A.3 and A.2; everything else stands where the default alphabet has it.
LOCKING: Final[dict[int, dict[str, int]]] = {
    TURKISH: {"€": 0x04, "ı": 0x07, "Ğ": 0x0B, "ğ": 0x0C, "Ş": 0x1C, "ş": 0x1D, "İ": 0x40, "ç": 0x60},
    PORTUGUESE: {"ê": 0x04, "ú": 0x06, "í": 0x07, "ó": 0x08, "ç": 0x09, "á": 0x0F, "â": 0x1D, "ã": 0x7B, "õ": 0x7C},
}
SINGLE: Final[dict[int, dict[str, int]]] = {
    TURKISH: {"Ğ": 0x47, "İ": 0x49, "Ş": 0x53, "ç": 0x63, "€": 0x65, "ğ": 0x67, "ı": 0x69, "ş": 0x73},
    SPANISH: {"ç": 0x09, "Ú": 0x55, "Á": 0x41, "Í": 0x49, "á": 0x61, "€": 0x65, "í": 0x69, "ó": 0x6F, "ú": 0x75},
    PORTUGUESE: {"ê": 0x05, "Á": 0x0E, "á": 0x0F, "ã": 0x7B, "õ": 0x7C, "â": 0x7F},
}


def written(text: str, shift: int, language: int) -> bytes:
    """The octets of a text by one national table, its header before it."""
    octets = bytearray((3, shift, 1, language))
    for character in text:
        if shift == LOCKING_SHIFT and character in LOCKING[language]:
            octets.append(LOCKING[language][character])
        elif shift == SINGLE_SHIFT and character in SINGLE[language]:
            octets += bytes((ESCAPE, SINGLE[language][character]))
        else:
            octets += encode_gsm(character)
    return bytes(octets)


def part(reference: int, total: int, sequence: int, content: bytes, *others: int) -> bytes:
    """A part with an 8-bit reference, and other elements in its header."""
    header = bytes((0, 3, reference, total, sequence, *others))
    return bytes((len(header),)) + header + content


TABLES: Final = {
    "Turkish locking": written("İstanbul'da ağır kışş €", LOCKING_SHIFT, TURKISH),
    "Turkish single": written("Şişli ığğ İ€", SINGLE_SHIFT, TURKISH),
    "Turkish both": bytes((6, SINGLE_SHIFT, 1, TURKISH, LOCKING_SHIFT, 1, TURKISH, 0x07, ESCAPE, 0x73)),
    "Spanish single": written("Última Ávila íóú ç", SINGLE_SHIFT, SPANISH),
    "Portuguese locking": written("informações amanhã você", LOCKING_SHIFT, PORTUGUESE),
    "Portuguese single": written("manhã põe mês â", SINGLE_SHIFT, PORTUGUESE),
}
AS_THEY_CAME: Final[dict[str, tuple[int, int, bytes]]] = {
    **{name: (UDHI, 0x00, octets) for name, octets in TABLES.items()},
    "flash": (0, 0xF0, encode_gsm("Acil: @£ 112")),
    "flash, the other group": (0, 0x10, encode_gsm("Acil")),
    "flash in UCS2": (0, 0x18, "Срочно".encode("utf-16-be")),
    "ports": (UDHI, 0xF5, b"\x06\x05\x04\x0b\x84\x23\xf0" + bytes(range(133))),
    "ports of one octet": (UDHI, 0x04, b"\x04\x04\x02\xf0\x01" + bytes(range(255, 120, -1))),
    "ports in a part": (UDHI, 0x04, part(9, 2, 1, b"\0\xff" * 60, 5, 4, 0x0B, 0x84, 0x23, 0xF0)),
    "half a surrogate pair": (UDHI, 0x08, part(10, 2, 1, "x😀".encode("utf-16-be")[:4])),
}


@pytest.fixture
def carried(gateway: Gateway, recorder: Recorder) -> Iterator[Gateway]:
    """A gateway between the account `acme` and a carrier that keeps what it gets; both ways, everything as it came."""
    gateway.account(deliveryRetentionSeconds=600)
    gateway.carrier(recorder.address, binds=1)
    gateway.route()
    gateway.resource("Route", "incoming", {"direction": "mo", "toAccount": "acme"})
    gateway.start()
    gateway.wait_carrier_up()
    yield gateway
    assert "panicked" not in gateway.logged()


def by_api(gateway: Gateway, text: str, account: str = "acme", message_class: int | None = None) -> None:
    """Submits a text by `Messaging`."""
    message = messaging_pb2.NewMessage(to=NUMBER, text=text, message_class=message_class)
    setattr(message, "from", "Brivas")
    with MessagingClient(gateway.messaging, gateway.api_key(account)) as client:
        assert client.submit([message]).results[0].command_status == 0


def arrived(recorder: Recorder, count: int) -> list[wire.Message]:
    """The messages that the carrier got, once there are so many."""
    wait_until(lambda: len(recorder.messages) >= count, f"{count} messages at the carrier")
    return recorder.messages


def delivered(client: Client, count: int) -> list[wire.Message]:
    """The messages that the customer got, once there are so many."""
    wait_until(lambda: client.ping() >= 0 and len(client.deliveries) >= count, f"{count} messages at the customer")
    return client.deliveries


def told(message: wire.Message) -> tuple[int, int, bytes]:
    """What of it must be what was sent."""
    return message.esm_class, message.data_coding, message.short_message


def test_octets_are_the_same_from_a_customer_to_a_carrier_and_from_a_phone_to_a_customer(
    carried: Gateway, recorder: Recorder
) -> None:
    with carried.bind() as client:
        for esm_class, data_coding, octets in AS_THEY_CAME.values():
            body = wire.submit_body(NUMBER, octets, receipt=False, data_coding=data_coding, esm_class=esm_class)
            assert client.request(wire.SUBMIT_SM, body).status == wire.ESME_ROK
        for esm_class, data_coding, octets in AS_THEY_CAME.values():
            assert recorder.push(NUMBER, SHORT_CODE, octets, data_coding=data_coding, esm_class=esm_class) == 0
        there = arrived(recorder, len(AS_THEY_CAME))
        back = delivered(client, len(AS_THEY_CAME))
    for got in (there, back):
        assert dict(zip(AS_THEY_CAME, map(told, got), strict=True)) == AS_THEY_CAME


@pytest.mark.parametrize(
    ("language", "number", "shift", "text"),
    [
        (
            "turkish",
            TURKISH,
            LOCKING_SHIFT,
            "Ağır kış şartları sürüyor, ığdır yolu kapandı; İstanbul'da yağış bekleniyor",
        ),
        (
            "spanish",
            SPANISH,
            SINGLE_SHIFT,
            "El envío llegará mañana a su domicilio; avísenos si no podrá recibirlo aquí",
        ),
        (
            "portuguese",
            PORTUGUESE,
            LOCKING_SHIFT,
            "As informações estão na aplicação; não responda, você já está na lista ã",
        ),
    ],
)
def test_a_text_by_api_takes_its_languages_table_where_that_saves_a_part(
    carried: Gateway, recorder: Recorder, language: str, number: int, shift: int, text: str
) -> None:
    assert 70 < len(text) < 150, "one part by the table, two by UCS2"
    carried.account("local", languages=[language])
    carried.reload()
    by_api(carried, text, "local")
    by_api(carried, text)
    messages = arrived(recorder, 3)
    (national,) = (each for each in messages if each.data_coding == 0)
    assert (national.esm_class & UDHI, national.short_message) == (UDHI, written(text, shift, number))
    wide = [each for each in messages if each.data_coding == 8]
    assert b"".join(parts.in_order(wide)).decode("utf-16-be") == text


def test_flash_by_api_has_class_0(carried: Gateway, recorder: Recorder) -> None:
    by_api(carried, "Tsunami!", message_class=0)
    by_api(carried, "Цунами", message_class=0)
    codings = {each.short_message: each.data_coding for each in arrived(recorder, 2)}
    assert codings == {encode_gsm("Tsunami!"): 0x10, "Цунами".encode("utf-16-be"): 0x18}


def test_no_part_by_api_ends_within_a_surrogate_pair(carried: Gateway, recorder: Recorder) -> None:
    # 67 units a part: an odd one stands before the pairs of the one text, none before those of the other.
    for number, text in enumerate(("😀" * 100, "x" + "😀" * 100), start=1):
        recorder.messages.clear()
        by_api(carried, text)
        pieces = parts.in_order(arrived(recorder, 4))
        assert len(pieces) == 4, number
        assert "".join(piece.decode("utf-16-be") for piece in pieces) == text
        assert max(map(len, pieces)) <= 134


def test_parts_are_put_together_across_a_surrogate_pair_and_keep_their_national_table(
    carried: Gateway, recorder: Recorder
) -> None:
    carried.account(longMessages="payload")
    carried.carrier(recorder.address, binds=1, longMessages="payload")
    carried.reload()
    carried.wait_carrier_up()
    wide = "Привет 😀!".encode("utf-16-be")
    middle = wide.index("😀".encode("utf-16-be")) + 2
    turkish = written("ağır kış", LOCKING_SHIFT, TURKISH)[4:]
    shift = (LOCKING_SHIFT, 1, TURKISH)
    halves = [
        (0x08, [part(1, 2, 1, wide[:middle]), part(1, 2, 2, wide[middle:])], 0, wide),
        (0x00, [part(2, 2, 1, turkish[:3], *shift), part(2, 2, 2, turkish[3:], *shift)], UDHI, b"\3\x25\1\1" + turkish),
    ]
    with carried.bind() as client:
        for data_coding, both, _, _ in halves:
            for octets in reversed(both):
                body = wire.submit_body(NUMBER, octets, receipt=False, data_coding=data_coding, esm_class=UDHI)
                assert client.request(wire.SUBMIT_SM, body).status == wire.ESME_ROK
                assert recorder.push(NUMBER, SHORT_CODE, octets, data_coding=data_coding, esm_class=UDHI) == 0
        there, back = arrived(recorder, 2), delivered(client, 2)
    for got in (there, back):
        whole = [(each.data_coding, each.esm_class & UDHI, user_data(each)) for each in got]
        assert whole == [(data_coding, has_header, octets) for data_coding, _, has_header, octets in halves]


def user_data(message: wire.Message) -> bytes:
    """In short_message, or else in message_payload."""
    return message.short_message or message.tlvs[wire.MESSAGE_PAYLOAD]


@pytest.mark.parametrize("form", ["udh16", "sar"])
def test_a_customers_parts_reach_a_carrier_in_its_own_form_with_the_same_content(
    carried: Gateway, recorder: Recorder, form: str
) -> None:
    carried.carrier(recorder.address, binds=1, longMessages=form)
    carried.reload()
    carried.wait_carrier_up()
    pieces = [bytes((number,)) * 100 for number in range(3)]
    with carried.bind() as client:
        for sequence, piece in enumerate(pieces, start=1):
            octets = part(7, 3, sequence, piece, 5, 4, 0x0B, 0x84, 0x23, 0xF0)
            body = wire.submit_body(NUMBER, octets, receipt=False, data_coding=4, esm_class=UDHI)
            assert client.request(wire.SUBMIT_SM, body).status == wire.ESME_ROK
        got = arrived(recorder, 3)
    ports = b"\5\4\x0b\x84\x23\xf0"
    for sequence, (message, piece) in enumerate(zip(got, pieces, strict=True), start=1):
        if form == "sar":
            assert user_data(message) == b"\6" + ports + piece
            assert [message.tlvs[tag] for tag in (0x020C, 0x020E, 0x020F)] == [b"\0\7", b"\3", bytes((sequence,))]
        else:
            assert user_data(message) == b"\x0c\x08\4\0\7\3" + bytes((sequence,)) + ports + piece
