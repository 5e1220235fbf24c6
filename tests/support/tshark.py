"""Wireshark's SMPP dissector as an oracle: PDUs go into a capture file, tshark tells what it sees in them.

Nothing is captured and nothing listens: the file is written here, octet by octet.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.conversation import CLIENT_PORT_FIRST, SMPP_PORT, Chunk, Conversation, capture_file

TSHARK = shutil.which("tshark")
IS_MISSING = TSHARK is None and os.environ.get("CI") != "true"
"""Where people work; CI has it."""


@dataclass(frozen=True)
class Dissection:
    """One packet as tshark sees it."""

    layers: tuple[str, ...]
    # Leaves of the SMPP layer in their order: (`smpp.sm_length`, "5").
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SeenPdu:
    """One PDU as tshark sees it, and whose it is."""

    conversation: int
    is_from_client: bool
    dissection: Dissection
    complaints: tuple[str, ...]
    """What it says of the PDU and of the packets it came in."""


def dissect(pdus: Sequence[bytes], folder: Path) -> list[Dissection]:
    """What tshark sees in each of the PDUs."""
    file = folder / "smpp.pcap"
    now = time.time()
    # One packet each.
    file.write_bytes(capture_file([Conversation([Chunk(now, True, pdu) for pdu in pdus])]))
    return dissect_file(file)


def dissect_file(file: Path) -> list[Dissection]:
    """What tshark sees in each packet with octets of a capture file, without a hint of what is in it."""
    dissections = []
    for layers in packets(file):
        if dict(leaves(dict(layers)["tcp"]))["tcp.len"] == "0":
            continue
        smpp = [value for name, value in layers if name == "smpp" and isinstance(value, list)]
        fields = [leaf for layer in smpp for leaf in leaves(layer)]
        dissections.append(Dissection(tuple(name for name, _ in layers), tuple(fields)))
    return dissections


def dissect_conversations(conversations: Sequence[Conversation], folder: Path) -> tuple[list[SeenPdu], list[str]]:
    """What tshark sees in recorded connections, PDU by PDU; and what it says of packets in which it sees none."""
    file = folder / "smpp.pcap"
    file.write_bytes(capture_file(conversations))
    seen: list[SeenPdu] = []
    elsewhere: list[str] = []
    # Its guess wants a whole header in the first packet, and connections may be cut anywhere.
    for layers in packets(file, "-d", f"tcp.port=={SMPP_PORT},smpp"):
        tcp = dict(leaves(dict(layers)["tcp"]))
        is_from_client = int(tcp["tcp.dstport"]) == SMPP_PORT
        conversation = int(tcp["tcp.srcport" if is_from_client else "tcp.dstport"]) - CLIENT_PORT_FIRST
        of_packet: list[str] = []
        of_pdus: list[tuple[Dissection, list[str]]] = []
        for name, value in layers:
            fields = leaves(value) if isinstance(value, list) else []
            if name == "smpp":
                of_pdus.append((Dissection((name,), tuple(fields)), complaints(fields)))
            elif name == "_ws.malformed":
                # It follows the PDU that it is about.
                (of_pdus[-1][1] if of_pdus else of_packet).append("malformed")
            elif name == "tcp":
                of_packet += complaints(fields)
        seen += [
            SeenPdu(conversation, is_from_client, dissection, (*of_packet, *of_pdu)) for dissection, of_pdu in of_pdus
        ]
        elsewhere += of_packet if not of_pdus else []
    return seen, elsewhere


def complaints(fields: Sequence[tuple[str, str]]) -> list[str]:
    """Its own words about what is wrong or worth a warning ("expert information")."""
    said = [value for name, value in fields if name == "_ws.expert.message"]
    severities = [int(value) for name, value in fields if name == "_ws.expert.severity"]
    return [text for text, severity in zip(said, severities, strict=True) if severity >= WARNING]


def packets(file: Path, *options: str) -> list[list[tuple[str, Any]]]:
    """The layers of each packet of a capture file."""
    assert TSHARK is not None
    command = [TSHARK, "-r", str(file), "-T", "json", "-J", "smpp _ws.malformed tcp", *options]
    environment = os.environ | {"TZ": "UTC", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, check=True, capture_output=True, timeout=100, env=environment)
    # Texts of messages are shown as they are, and need not be UTF-8. Names repeat: objects are lists of pairs.
    every = json.loads(done.stdout.decode(errors="replace"), object_pairs_hook=lambda pairs: pairs)
    return [dict(dict(packet)["_source"])["layers"] for packet in every]


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


# Severities of Wireshark's expert information: epan/proto.h, PI_WARN.
WARNING = 0x0060_0000
