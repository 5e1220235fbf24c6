"""A client of SMPP 3.4 that is made of octets: it sends what a test says, right or wrong, and shows what came back.

It is no peer of the gateway's codec: it shares no code with it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final

BIND_RECEIVER: Final = 0x0000_0001
BIND_TRANSMITTER: Final = 0x0000_0002
QUERY_SM: Final = 0x0000_0003
BROADCAST_SM: Final = 0x0000_0111
SUBMIT_SM: Final = 0x0000_0004
DELIVER_SM: Final = 0x0000_0005
UNBIND: Final = 0x0000_0006
BIND_TRANSCEIVER: Final = 0x0000_0009
ENQUIRE_LINK: Final = 0x0000_0015
GENERIC_NACK: Final = 0x8000_0000
RESPONSE: Final = 0x8000_0000
BINDS: Final = {"transceiver": BIND_TRANSCEIVER, "transmitter": BIND_TRANSMITTER, "receiver": BIND_RECEIVER}

ESME_ROK: Final = 0x00
ESME_RINVCMDLEN: Final = 0x02
ESME_RINVCMDID: Final = 0x03
ESME_RINVBNDSTS: Final = 0x04
ESME_RALYBND: Final = 0x05
ESME_RINVDSTADR: Final = 0x0B
ESME_RBINDFAIL: Final = 0x0D
ESME_RINVPASWD: Final = 0x0E
ESME_RMSGQFUL: Final = 0x14
ESME_RTHROTTLED: Final = 0x58
ESME_RX_P_APPN: Final = 0x65

MESSAGE_PAYLOAD: Final = 0x0424
RECEIPTED_MESSAGE_ID: Final = 0x001E
ESM_CLASS_RECEIPT: Final = 0x04

TIMEOUT_SECONDS: Final = 20.0


class ConnectionEndedError(Exception):
    """The peer closed the connection."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU as it came."""

    command_id: int
    status: int
    sequence: int
    body: bytes

    @property
    def text(self) -> str:
        """The C-octet string that a response's body starts with: message_id or system_id."""
        return self.body.partition(b"\0")[0].decode()


@dataclass(frozen=True, slots=True)
class Message:
    """The body of a submit_sm or deliver_sm."""

    source: bytes
    destination: bytes
    esm_class: int
    registered_delivery: int
    data_coding: int
    short_message: bytes
    tlvs: dict[int, bytes]

    @property
    def receipted_id(self) -> str:
        """The id that a receipt names in its TLV."""
        return self.tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode()


class Client:
    """A TCP connection. Reading answers enquire_link and deliver_sm, unless told otherwise, and keeps the latter."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        timeout: float = TIMEOUT_SECONDS,
        receive_octets: int | None = None,
        source: str = "",
        first: bytes = b"",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`first` goes out before anything else, `tls` too; `source` is the address to connect from."""
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        if receive_octets is not None:
            # Before the connection stands: afterwards the window is no longer made smaller.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_octets)
        self.socket.settimeout(timeout)
        try:
            if source:
                self.socket.bind((source, 0))
            self.socket.connect(address)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(first)
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname=address[0])
        except BaseException:
            self.socket.close()
            raise
        self.timeout = timeout
        self.deliveries: list[Message] = []
        self.answers = True
        self._sequence = 0
        self._octets = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """`host:port` as the gateway sees it."""
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Ends the connection."""
        self.socket.close()

    # Sending.

    def send(self, command_id: int, body: bytes = b"", *, status: int = 0, sequence: int | None = None) -> int:
        """Sends one PDU; gives its sequence number."""
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        self.socket.sendall(pdu(command_id, body, status=status, sequence=sequence))
        return sequence

    def request(self, command_id: int, body: bytes = b"") -> Pdu:
        """Sends one PDU and waits for what answers it."""
        return self.response(self.send(command_id, body))

    def bind(self, system_id: str, password: str, *, mode: str = "transceiver") -> Pdu:
        """Asks to bind; gives the response, whatever it says."""
        return self.request(BINDS[mode], bind_body(system_id, password))

    def submit(self, destination: str, text: bytes = b"hello", *, receipt: bool = True, data_coding: int = 0) -> Pdu:
        """Submits a message; gives the response."""
        return self.request(SUBMIT_SM, submit_body(destination, text, receipt=receipt, data_coding=data_coding))

    def ping(self) -> float:
        """Seconds from enquire_link to its response."""
        began = time.monotonic()
        answer = self.request(ENQUIRE_LINK)
        assert (answer.command_id, answer.status) == (ENQUIRE_LINK | RESPONSE, ESME_ROK)
        return time.monotonic() - began

    # Reading.

    def read(self, timeout: float | None = None) -> Pdu:
        """The next PDU, whatever it is."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            if len(self._octets) >= 16:
                length, command_id, status, sequence = struct.unpack(">IIII", self._octets[:16])
                assert 16 <= length <= 100_000, f"the gateway wrote command_length {length}"
                if len(self._octets) >= length:
                    found = Pdu(command_id, status, sequence, self._octets[16:length])
                    self._octets = self._octets[length:]
                    return found
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                more = self.socket.recv(65_536)
            except ConnectionResetError as error:
                raise ConnectionEndedError from error
            finally:
                self.socket.settimeout(self.timeout)
            if not more:
                raise ConnectionEndedError
            self._octets += more

    def response(self, sequence: int) -> Pdu:
        """The answer to a request; what comes before it is dealt with."""
        return self._until(lambda each: bool(each.command_id & RESPONSE) and each.sequence == sequence)

    def responses(self, sequences: Iterable[int]) -> dict[int, Pdu]:
        """The answers to several requests, in whatever order they come."""
        waited = set(sequences)
        found: dict[int, Pdu] = {}
        while waited:
            each = self._until(lambda each: bool(each.command_id & RESPONSE) and each.sequence in waited)
            waited.remove(each.sequence)
            found[each.sequence] = each
        return found

    def receipt(self, message_id: str, timeout: float = TIMEOUT_SECONDS) -> Message:
        """Waits for the receipt of a message."""
        deadline = time.monotonic() + timeout
        while True:
            for delivery in self.deliveries:
                if RECEIPTED_MESSAGE_ID in delivery.tlvs and delivery.receipted_id == message_id:
                    return delivery
            self._deal_with(self.read(deadline - time.monotonic()))

    def ends(self, timeout: float = TIMEOUT_SECONDS) -> list[Pdu]:
        """Reads until the peer closes; what it said before."""
        said: list[Pdu] = []
        deadline = time.monotonic() + timeout
        with contextlib.suppress(ConnectionEndedError):
            while True:
                said.append(self.read(deadline - time.monotonic()))
        return said

    def _until(self, wanted: Callable[[Pdu], bool]) -> Pdu:
        deadline = time.monotonic() + self.timeout
        while True:
            each = self.read(deadline - time.monotonic())
            if wanted(each):
                return each
            self._deal_with(each)

    def _deal_with(self, each: Pdu) -> None:
        if not self.answers:
            return
        if each.command_id == DELIVER_SM:
            self.deliveries.append(read_message(each.body))
            self.send(DELIVER_SM | RESPONSE, b"\0", sequence=each.sequence)
        elif each.command_id == ENQUIRE_LINK:
            self.send(ENQUIRE_LINK | RESPONSE, sequence=each.sequence)


def pdu(command_id: int, body: bytes = b"", *, status: int = 0, sequence: int = 1, length: int | None = None) -> bytes:
    """A PDU; `length` says something else than the truth."""
    return struct.pack(">IIII", 16 + len(body) if length is None else length, command_id, status, sequence) + body


def bind_body(system_id: str, password: str) -> bytes:
    """Body of the three binds (SMPP 3.4 §4.1)."""
    return b"\0".join((system_id.encode(), password.encode(), b"", b"\x34\0\0")) + b"\0"


def submit_body(
    destination: str,
    text: bytes,
    *,
    receipt: bool = True,
    data_coding: int = 0,
    esm_class: int = 0,
    tlvs: dict[int, bytes] | None = None,
) -> bytes:
    """Body of submit_sm (SMPP 3.4 §4.4.1)."""
    area = b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in (tlvs or {}).items())
    return b"".join(
        (
            b"\0\x05\x00Brivas\0\x01\x01",
            destination.encode() + b"\0",
            bytes((esm_class, 0, 0)),
            b"\0\0",
            bytes((int(receipt), 0, data_coding, 0, len(text))),
            text,
            area,
        )
    )


def read_message(body: bytes) -> Message:
    """The fields of a submit_sm or deliver_sm that tests look at."""
    _service_type, _, rest = body.partition(b"\0")
    source, _, rest = rest[2:].partition(b"\0")
    destination, _, rest = rest[2:].partition(b"\0")
    esm_class = rest[0]
    _schedule, _, rest = rest[3:].partition(b"\0")
    _validity, _, rest = rest.partition(b"\0")
    registered_delivery, data_coding, length = rest[0], rest[2], rest[4]
    text, area = rest[5 : 5 + length], rest[5 + length :]
    tlvs: dict[int, bytes] = {}
    while area:
        tag, size = struct.unpack(">HH", area[:4])
        tlvs[tag] = area[4 : 4 + size]
        area = area[4 + size :]
    return Message(source, destination, esm_class, registered_delivery, data_coding, text, tlvs)
