"""Recorded TCP connections, and a capture file of them that Wireshark reads, with the borders of what was read at once.

`tests.integration.wiretap` records them. Addresses and ports are made up: whoever served is on the port of SMPP.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

# Raw IP packets: https://www.tcpdump.org/linktypes.html.
LINKTYPE_RAW = 101
SMPP_PORT = 2775
CLIENT_PORT_FIRST = 40_000
"""Of the first conversation; each next one has the next."""
CONVERSATIONS_MAX = 4_000
"""Wireshark takes the ports behind for those of other protocols (pcp has 44321)."""
HEADER_OCTETS = 16
"""Of a PDU."""
SYN, ACK, PUSH_ACK = 0x02, 0x10, 0x18
LOCALHOST = bytes([127, 0, 0, 1])
# The first octet of TLS (RFC 8446 §5.1: a handshake record); no PDU that anybody accepts begins so.
TLS_HANDSHAKE = 0x16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Octets that were read at once."""

    at: float
    is_from_client: bool
    octets: bytes


@dataclass
class Conversation:
    """One connection; the client is who connected."""

    chunks: list[Chunk] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, *, by_client: bool) -> bytes:
        """All octets of one direction."""
        return b"".join(chunk.octets for chunk in self.chunks if chunk.is_from_client == by_client)

    @property
    def is_tls(self) -> bool:
        """Whether nobody but its ends can read it."""
        return self.sent(by_client=True)[:1] == bytes([TLS_HANDSHAKE])


def capture_file(conversations: Sequence[Conversation]) -> bytes:
    """A capture file (libpcap) of whole connections, in the order of time."""
    assert len(conversations) <= CONVERSATIONS_MAX
    packets = sorted(
        (packet for index, each in enumerate(conversations) for packet in packets_of(each, CLIENT_PORT_FIRST + index)),
        key=lambda packet: packet[0],
    )
    file = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, LINKTYPE_RAW)]
    for at, packet in packets:
        seconds, rest = divmod(at, 1)
        file.append(struct.pack("<IIII", int(seconds), int(rest * 1e6), len(packet), len(packet)) + packet)
    return b"".join(file)


def packets_of(conversation: Conversation, port: int) -> list[tuple[float, bytes]]:
    """The packets of a connection, with its beginning and without its end."""
    if not conversation.chunks:
        return []
    begin = conversation.chunks[0].at
    # Next sequence number of the client and of the server.
    following = {True: 1, False: 1}
    packets = [
        (begin, tcp_packet(port, SMPP_PORT, 0, 0, SYN)),
        (begin, tcp_packet(SMPP_PORT, port, 0, 1, SYN | ACK)),
        (begin, tcp_packet(port, SMPP_PORT, 1, 1, ACK)),
    ]
    for chunk in readable(conversation.chunks):
        ends = (port, SMPP_PORT) if chunk.is_from_client else (SMPP_PORT, port)
        numbers = following[chunk.is_from_client], following[not chunk.is_from_client]
        packets.append((chunk.at, tcp_packet(*ends, *numbers, PUSH_ACK, chunk.octets)))
        following[chunk.is_from_client] += len(chunk.octets)
    return packets


def readable(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The same octets in chunks of at least a header: Wireshark takes less at a time for something else than SMPP."""
    made: list[Chunk] = []
    last: dict[bool, int] = {}
    for chunk in chunks:
        at = last.get(chunk.is_from_client)
        if at is not None and min(len(chunk.octets), len(made[at].octets)) < HEADER_OCTETS:
            made[at] = Chunk(made[at].at, chunk.is_from_client, made[at].octets + chunk.octets)
        else:
            last[chunk.is_from_client] = len(made)
            made.append(chunk)
    return made


def tcp_packet(
    source: int, target: int, sequence_number: int, acknowledged: int, flags: int, octets: bytes = b""
) -> bytes:
    """IPv4 and TCP without checksums, which nobody asks for here."""
    numbers = sequence_number & 0xFFFF_FFFF, acknowledged & 0xFFFF_FFFF
    tcp = struct.pack(">HHIIBBHHH", source, target, *numbers, 5 << 4, flags, 65_535, 0, 0) + octets
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + LOCALHOST + LOCALHOST + tcp
