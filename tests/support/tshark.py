"""Wireshark's SMPP dissector as an oracle: PDUs go into a capture file, tshark tells what it sees in them.

Nothing is captured and nothing listens: the file is written here, octet by octet.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TSHARK = shutil.which("tshark")

# Raw IP packets: https://www.tcpdump.org/linktypes.html.
LINKTYPE_RAW = 101
SMPP_PORT = 2775


@dataclass(frozen=True)
class Dissection:
    """One packet as tshark sees it."""

    layers: tuple[str, ...]
    # Leaves of the SMPP layer in their order: (`smpp.sm_length`, "5").
    fields: tuple[tuple[str, str], ...]


def capture(pdus: Sequence[bytes]) -> bytes:
    """A capture file (libpcap) of a TCP stream to an SMPP port, one PDU a packet."""
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, LINKTYPE_RAW)
    sequence_number = 1
    for pdu in pdus:
        tcp = struct.pack(">HHIIBBHHH", 40_000, SMPP_PORT, sequence_number, 1, 5 << 4, 0x18, 65_535, 0, 0) + pdu
        localhost = bytes([127, 0, 0, 1])
        packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + localhost + localhost + tcp
        file += struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet
        sequence_number += len(pdu)
    return file


def dissect(pdus: Sequence[bytes], folder: Path) -> list[Dissection]:
    """What tshark sees in each of the PDUs."""
    file = folder / "smpp.pcap"
    file.write_bytes(capture(pdus))
    return dissect_file(file)


def dissect_file(file: Path) -> list[Dissection]:
    """What tshark sees in each packet of a capture file, without a hint of what is in it."""
    assert TSHARK is not None
    command = [TSHARK, "-r", str(file), "-T", "json", "-J", "smpp _ws.malformed tcp"]
    environment = os.environ | {"TZ": "UTC", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, check=True, capture_output=True, timeout=100, env=environment)
    # Texts of messages are shown as they are, and need not be UTF-8. Names repeat: objects are lists of pairs.
    packets = json.loads(done.stdout.decode(errors="replace"), object_pairs_hook=lambda pairs: pairs)
    dissections = []
    for packet in packets:
        layers = dict(dict(packet)["_source"])["layers"]
        smpp = [value for name, value in layers if name == "smpp" and isinstance(value, list)]
        fields = [leaf for layer in smpp for leaf in leaves(layer)]
        dissections.append(Dissection(tuple(name for name, _ in layers), tuple(fields)))
    return dissections


def known_values(field: str) -> dict[int, str]:
    """The values of a field that Wireshark has a name for, without ranges."""
    assert TSHARK is not None
    done = subprocess.run([TSHARK, "-G", "values"], check=True, capture_output=True, timeout=100)
    found = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        columns = line.split("\t")
        if columns[1:2] == [field] and columns[0] in ("V", "R"):
            first, last = int(columns[2], 0), int(columns[3], 0) if columns[0] == "R" else int(columns[2], 0)
            if first == last:
                found[first] = columns[-1]
    return found


def leaves(pairs: list[Any]) -> list[tuple[str, str]]:
    """The leaves of a tree in their order."""
    found: list[tuple[str, str]] = []
    for name, value in pairs:
        if isinstance(value, list):
            found += leaves(value)
        else:
            found.append((name, value))
    return found
