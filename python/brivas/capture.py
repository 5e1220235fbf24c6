"""Capture files of traces: pcapng with IP and TCP made up around the PDUs, so that Wireshark and tshark see SMPP.

The SMSC's port is always 2775, by which they know the protocol; the real addresses stand in the packets' comments.
TCP's numbers are consistent: what was lost of a trace shows as a gap.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from brivas.v1 import control_pb2

SMPP_PORT: Final = 2775
SEGMENT_OCTETS: Final = 1_460
"""A PDU that is longer goes in several packets."""

# https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html and https://www.tcpdump.org/linktypes.html.
_LINKTYPE_RAW: Final = 101
_SNAPSHOT_OCTETS: Final = 262_144
_TICKS_US: Final = struct.pack("<HHBxxx", 9, 1, 6)
_COMMENT: Final = 1

_FIN: Final = 0x01
_SYN: Final = 0x02
_PSH: Final = 0x08
_ACK: Final = 0x10
_CONNECTIONS_MAX: Final = 65_536

Endpoint = tuple[IPv4Address | IPv6Address, int]


@dataclass(slots=True)
class _Connection:
    """A made-up TCP connection; ours is the end that the gateway has."""

    ours: Endpoint
    theirs: Endpoint
    we_connected: bool
    next_ours: int = 0
    next_theirs: int = 0
    comment: str = field(default="")


class CaptureWriter:
    """Writes PDUs as they come; flush it to let others read along."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._connections: dict[int, _Connection] = {}
        self._used: set[tuple[Endpoint, Endpoint]] = set()
        byte_order_magic, length_unknown = 0x1A2B3C4D, -1
        self._block(0x0A0D0D0A, struct.pack("<IHHq", byte_order_magic, 1, 0, length_unknown))
        self._block(1, struct.pack("<HHI", _LINKTYPE_RAW, 0, _SNAPSHOT_OCTETS) + _TICKS_US + bytes(4))

    def add(self, pdu: control_pb2.TracedPdu) -> None:
        """Writes a PDU; before the first of a connection its beginning, and its end where it has ended."""
        connection = self._connections.get(pdu.connection)
        if connection is None:
            if pdu.ended:
                return
            connection = self._open(pdu)
        if pdu.outgoing:
            connection.next_ours += pdu.lost_octets_before
        else:
            connection.next_theirs += pdu.lost_octets_before
        if pdu.ended:
            self._packet(connection, pdu.at_us, outgoing=False, flags=_FIN | _ACK)
            connection.next_theirs += 1
            self._packet(connection, pdu.at_us, outgoing=True, flags=_FIN | _ACK)
            self._forget(pdu.connection)
            return
        for start in range(0, len(pdu.octets), SEGMENT_OCTETS):
            part = pdu.octets[start : start + SEGMENT_OCTETS]
            self._packet(connection, pdu.at_us, outgoing=pdu.outgoing, flags=_PSH | _ACK, payload=part)

    def flush(self) -> None:
        """What was written can be read."""
        self._file.flush()

    def _open(self, pdu: control_pb2.TracedPdu) -> _Connection:
        we_connected = pdu.side == "carrier"
        theirs = endpoint(pdu.peer)
        ours = endpoint(pdu.local) if pdu.local else (theirs[0], 0)
        if ours[0].version != theirs[0].version:
            ours = (theirs[0], ours[1])
        if we_connected:
            theirs = (theirs[0], SMPP_PORT)
            ours = (ours[0], self._free_port(ours, theirs))
        else:
            ours = (ours[0], SMPP_PORT)
            theirs = (theirs[0], self._free_port(theirs, ours))
        who = f"{pdu.side} {pdu.name or pdu.system_id or '(not bound)'} #{pdu.connection}"
        connection = _Connection(ours, theirs, we_connected, comment=f"{who}, {pdu.peer} to {pdu.local}")
        if len(self._connections) >= _CONNECTIONS_MAX:
            self._forget(next(iter(self._connections)))
        self._connections[pdu.connection] = connection
        self._used.add((ours, theirs))
        for outgoing, flags in ((we_connected, _SYN), (not we_connected, _SYN | _ACK), (we_connected, _ACK)):
            self._packet(connection, pdu.at_us, outgoing=outgoing, flags=flags)
            if flags & _SYN and outgoing:
                connection.next_ours += 1
            elif flags & _SYN:
                connection.next_theirs += 1
        return connection

    def _free_port(self, client: Endpoint, server: Endpoint) -> int:
        """The client's port, or another: with the server's made up, two connections may look the same."""
        address, port = client
        while {((address, port), server), (server, (address, port))} & self._used or port in (0, SMPP_PORT):
            port = port % 65_535 + 1
        return port

    def _forget(self, number: int) -> None:
        connection = self._connections.pop(number)
        self._used.discard((connection.ours, connection.theirs))

    def _packet(self, connection: _Connection, at_us: int, *, outgoing: bool, flags: int, payload: bytes = b"") -> None:
        if outgoing:
            source, destination = connection.ours, connection.theirs
            number, acknowledged = connection.next_ours, connection.next_theirs
            connection.next_ours += len(payload)
        else:
            source, destination = connection.theirs, connection.ours
            number, acknowledged = connection.next_theirs, connection.next_ours
            connection.next_theirs += len(payload)
        packet = ip_packet(source, destination, number, acknowledged if flags & _ACK else 0, flags, payload)
        comment = connection.comment.encode()[:1_000]
        option = struct.pack("<HH", _COMMENT, len(comment)) + _padded(comment) + bytes(4)
        head = struct.pack("<IIIII", 0, at_us >> 32, at_us & 0xFFFFFFFF, len(packet), len(packet))
        self._block(6, head + _padded(packet) + option)

    def _block(self, kind: int, body: bytes) -> None:
        length = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + length + body + length)


def endpoint(text: str) -> Endpoint:
    """`127.0.0.1:2775` or `[::1]:2775`; an IPv4 address in IPv6's clothes is an IPv4 address."""
    host, _, port = text.rpartition(":")
    address = ip_address(host.strip("[]").partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address, int(port)


def ip_packet(
    source: Endpoint, destination: Endpoint, number: int, acknowledged: int, flags: int, payload: bytes
) -> bytes:
    """A TCP segment in its IP packet, with right checksums (RFC 9293 §3.1, RFC 791 §3.1, RFC 8200 §8.1)."""
    numbers = (number & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF)
    head = struct.pack(">HHIIBB", source[1], destination[1], *numbers, 5 << 4, flags)
    length = 20 + len(payload)
    ends = source[0].packed + destination[0].packed
    pseudo = ends + struct.pack(">II", 6, length)
    window = 0xFFFF
    checksum = internet_checksum(pseudo + head + struct.pack(">HHH", window, 0, 0) + payload)
    segment = head + struct.pack(">HHH", window, checksum, 0) + payload
    if source[0].version == 6:
        return struct.pack(">IHBB", 6 << 28, length, 6, 64) + ends + segment
    header = struct.pack(">BBHHHBB", 0x45, 0, 20 + length, 0, 0x4000, 64, 6)
    return header + struct.pack(">H", internet_checksum(header + bytes(2) + ends)) + ends + segment


def internet_checksum(octets: bytes) -> int:
    """RFC 1071: the complement of the ones' complement sum, which is the number modulo 2^16 - 1."""
    number = int.from_bytes(octets + bytes(len(octets) % 2))
    total = number % 0xFFFF or (0xFFFF if number else 0)
    return 0xFFFF - total


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
