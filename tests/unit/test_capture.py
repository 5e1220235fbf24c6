"""Capture files: the packets around PDUs are whole, right, and in order."""

from __future__ import annotations

import io
import struct

import pytest

from brivas.capture import SEGMENT_OCTETS, SMPP_PORT, CaptureWriter, endpoint, internet_checksum
from brivas.v1 import control_pb2

PDU = bytes.fromhex("00000010000000150000000000000001")


def traced(connection: int = 1, **fields: object) -> control_pb2.TracedPdu:
    usual = {
        "side": "customer",
        "peer": "10.0.0.1:40000",
        "local": "10.0.0.2:3550",
        "octets": PDU,
        "at_us": 1_795_348_800_000_001,
    }
    return control_pb2.TracedPdu(connection=connection, **(usual | fields))  # type: ignore[arg-type]


def written(*pdus: control_pb2.TracedPdu) -> list[bytes]:
    """The packets, each checked against its checksums."""
    file = io.BytesIO()
    writer = CaptureWriter(file)
    for pdu in pdus:
        writer.add(pdu)
    octets, packets = file.getvalue(), []
    while octets:
        kind, length = struct.unpack("<II", octets[:8])
        assert length % 4 == 0
        assert octets[length - 4 : length] == octets[4:8]
        if kind == 6:
            high, low, count, _ = struct.unpack("<IIII", octets[12:28])
            assert high << 32 | low == 1_795_348_800_000_001
            packets.append(octets[28 : 28 + count])
        octets = octets[length:]
    for packet in packets:
        version = packet[0] >> 4
        head = 20 if version == 4 else 40
        ends, segment = packet[head - (8 if version == 4 else 32) : head], packet[head:]
        if version == 4:
            assert internet_checksum(packet[:head]) == 0
            assert struct.unpack(">H", packet[2:4])[0] == len(packet)
        assert internet_checksum(ends + struct.pack(">II", 6, len(segment)) + segment) == 0
    return packets


def tcp(packet: bytes) -> tuple[int, int, int, int, int, bytes]:
    """Ports, sequence number, acknowledgement, flags, payload."""
    head = 20 if packet[0] >> 4 == 4 else 40
    source, destination, number, acknowledged, _, flags = struct.unpack(">HHIIBB", packet[head : head + 14])
    return source, destination, number, acknowledged, flags, packet[head + 20 :]


def test_a_connection_begins_with_a_handshake_and_ends_with_fins() -> None:
    packets = written(traced(), traced(outgoing=True), traced(ended=True, octets=b""))
    assert [tcp(packet)[:5] for packet in packets] == [
        (40000, SMPP_PORT, 0, 0, 0x02),
        (SMPP_PORT, 40000, 0, 1, 0x12),
        (40000, SMPP_PORT, 1, 1, 0x10),
        (40000, SMPP_PORT, 1, 1, 0x18),
        (SMPP_PORT, 40000, 1, 17, 0x18),
        (40000, SMPP_PORT, 17, 17, 0x11),
        (SMPP_PORT, 40000, 17, 18, 0x11),
    ]
    assert tcp(packets[3])[5] == PDU


def test_to_a_carrier_we_connect_and_its_port_is_that_of_smpp() -> None:
    packets = written(traced(side="carrier", outgoing=True, peer="10.0.0.2:9999", local="10.0.0.1:5555"))
    assert [tcp(packet)[:2] for packet in packets] == [
        (5555, SMPP_PORT),
        (SMPP_PORT, 5555),
        (5555, SMPP_PORT),
        (5555, SMPP_PORT),
    ]


def test_a_large_pdu_is_split_and_what_was_lost_is_a_gap() -> None:
    large = bytes(3 * SEGMENT_OCTETS + 1)
    packets = written(traced(octets=large), traced(lost_octets_before=1_000))
    numbers = [tcp(packet)[2] for packet in packets[3:]]
    assert b"".join(tcp(packet)[5] for packet in packets[3:-1]) == large
    assert numbers == [
        1,
        1 + SEGMENT_OCTETS,
        1 + 2 * SEGMENT_OCTETS,
        1 + 3 * SEGMENT_OCTETS,
        1 + len(large) + 1_000,
    ]


def test_connections_that_would_look_the_same_get_ports_of_their_own() -> None:
    one, other = (
        traced(number, side="carrier", peer=f"10.0.0.2:{port}", local="10.0.0.1:5555")
        for number, port in ((1, 2776), (2, 2777))
    )
    packets = written(one, other, traced(1, ended=True), one)
    assert {tcp(packet)[0] for packet in packets} == {5555, 5556, SMPP_PORT}
    # The first port is free again after its connection has ended.
    assert tcp(packets[-1])[1] == 5555


@pytest.mark.parametrize(
    ("peer", "local", "version"),
    [
        ("[2001:db8::1]:40000", "[2001:db8::2]:2775", 6),
        ("[::ffff:10.0.0.1]:40000", "[::ffff:10.0.0.2]:2775", 4),
        ("[fe80::1%2]:40000", "", 6),
        ("10.0.0.1:40000", "[::1]:2775", 4),
    ],
)
def test_addresses_of_both_families_are_written(peer: str, local: str, version: int) -> None:
    packets = written(traced(peer=peer, local=local))
    assert {packet[0] >> 4 for packet in packets} == {version}


def test_the_end_of_a_connection_that_was_not_seen_is_nothing() -> None:
    assert written(traced(ended=True, octets=b"")) == []


@pytest.mark.parametrize(
    ("octets", "checksum"), [(b"", 0xFFFF), (b"\xff\xff", 0), (b"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 0x220D)]
)
def test_checksums_are_those_of_rfc_1071(octets: bytes, checksum: int) -> None:
    assert internet_checksum(octets) == checksum


def test_endpoints_are_read() -> None:
    address, port = endpoint("[::1]:2775")
    assert (str(address), port) == ("::1", 2775)
