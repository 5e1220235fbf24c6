"""A carrier that keeps every message as it came: for tests that compare octets, or that want to answer by hand.

It listens in a thread of the test, takes every bind, and answers each submit_sm with the next id and its receipt.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Final, Self

from tests.integration import wire
from tests.support.process import wait_until

SUBMIT_RESP: Final = wire.SUBMIT_SM | wire.RESPONSE
PUSHED_FROM: Final = 0x4000_0000
"""Sequence numbers above are of messages from phones; below, of receipts."""


class Recorder:
    """`messages` are those that came, in their order. Port 0 takes a free one. Ids begin with `ids`."""

    def __init__(self, *, port: int = 0, ids: str = "r", tls: ssl.SSLContext | None = None) -> None:
        self._id_prefix = ids
        self._tls = tls
        self.messages: list[wire.Message] = []
        self.unbinds = 0
        self._ids = 0
        self._pushed = PUSHED_FROM
        self._answers: dict[int, int] = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._listener.getsockname()
        return (host, port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection."""
        for each in (self._listener, *self._connections):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)
        for each in (self._listener, *self._connections):
            each.close()

    def to(self, destination: str) -> list[wire.Message]:
        """The messages for a number."""
        return [each for each in self.messages if each.destination == destination.encode()]

    def push(self, source: str, destination: str, octets: bytes, *, data_coding: int = 0, esm_class: int = 0) -> int:
        """Sends a message from a phone on the newest bind; what it is answered."""
        with self._lock:
            self._pushed += 1
            sequence = self._pushed
        fields = b"\0\x01\x01" + source.encode() + b"\0\x01\x01" + destination.encode() + b"\0"
        flags = bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, data_coding, 0, len(octets)))
        self._connections[-1].sendall(wire.pdu(wire.DELIVER_SM, fields + flags + octets, sequence=sequence))
        wait_until(lambda: sequence in self._answers, "an answer to a message from a phone")
        return self._answers.pop(sequence)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
            self._connections.append(connection)
        octets = b""
        while True:
            try:
                more = connection.recv(65_536)
            except OSError:
                return
            if not more:
                return
            octets += more
            while len(octets) >= 4 and len(octets) >= (length := int.from_bytes(octets[:4])):
                self.answer(connection, octets[:length])
                octets = octets[length:]

    def answer(self, connection: socket.socket, octets: bytes) -> None:
        """Deals with one PDU."""
        command_id, sequence = int.from_bytes(octets[4:8]), int.from_bytes(octets[12:16])
        if command_id & wire.RESPONSE:
            if sequence > PUSHED_FROM:
                self._answers[sequence] = int.from_bytes(octets[8:12])
            return
        self.unbinds += command_id == wire.UNBIND
        body = b"recorder\0" if command_id in wire.BINDS.values() else b""
        receipt = b""
        if command_id == wire.SUBMIT_SM:
            message = wire.read_message(octets[16:])
            with self._lock:
                self._ids += 1
                message_id = f"{self._id_prefix}{self._ids}"
                self.messages.append(message)
            body = message_id.encode() + b"\0"
            receipt = wire.pdu(wire.DELIVER_SM, receipt_body(message, message_id), sequence=self._ids)
        # A gateway that was killed meanwhile takes no answer.
        with contextlib.suppress(OSError):
            connection.sendall(wire.pdu(command_id | wire.RESPONSE, body, sequence=sequence) + receipt)


def receipt_body(message: wire.Message, message_id: str) -> bytes:
    """The receipt of a message, as deliver_sm has it."""
    text = (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"
    ).encode()
    tlvs = {wire.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0", 0x0427: b"\x02"}
    return wire.submit_body(message.source.decode(), text, receipt=False, esm_class=wire.ESM_CLASS_RECEIPT, tlvs=tlvs)
