"""Whether Wireshark and our codec see the same in recorded connections: every PDU, every field, nothing malformed.

Octets are cut into PDUs here, by their lengths alone; the codec reads each by itself, tshark whole connections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import codec, tshark
from tests.support.conversation import HEADER_OCTETS, Conversation
from tests.support.dissection import as_shown, comparable, is_same, is_wiresharks_own

PDU_OCTETS_MAX = 70_000
"""As the codec's."""
SHOWN = 5
"""Disagreements that a failure tells in full."""

Side = tuple[int, bool]
"""A conversation's number, and whether the client sent."""


@dataclass
class Agreement:
    """What was compared, and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    """PDUs that both saw, by command."""
    unknown: int = 0
    """PDUs of commands that SMPP does not have."""
    encrypted: int = 0
    """Connections that nobody here could read."""
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Commands and their counts, for people."""
        rows = [f"{name:<28}{self.counts[name]:>7}" for name in codec.tables()["commands"]]
        return "\n".join([*rows, f"{'of all':<28}{self.counts.total():>7}"])

    def assert_holds(self) -> None:
        """Fails with what was wrong."""
        assert not self.wrong, f"{len(self.wrong)} disagreements, such as:\n" + "\n".join(self.wrong[:SHOWN])


def compare(conversations: Sequence[Conversation], folder: Path) -> Agreement:
    """Compares all that was recorded."""
    found = Agreement(encrypted=sum(each.is_tls for each in conversations))
    plain = [Conversation() if each.is_tls else each for each in conversations]
    tables = codec.tables()
    known = set(tables["commands"].values())
    sides: dict[Side, list[bytes]] = {}
    for index, conversation in enumerate(plain):
        for by_client in (True, False):
            whole, rest = cut(conversation.sent(by_client=by_client))
            if rest:
                found.wrong.append(f"what does not end, or is no PDU: {rest[:64].hex()}")
            sides[index, by_client] = [pdu for pdu in whole if command_id(pdu) in known]
            found.unknown += len(whole) - len(sides[index, by_client])
    seen, elsewhere = tshark.dissect_conversations(plain, folder)
    found.wrong += elsewhere
    theirs: dict[Side, list[tshark.SeenPdu]] = {side: [] for side in sides}
    for each in seen:
        if int(dict(each.dissection.fields)["smpp.command_id"], 0) in known:
            theirs[each.conversation, each.is_from_client].append(each)
    read = iter(codec.decoded([pdu for pdus in sides.values() for pdu in pdus]))
    for side, pdus in sides.items():
        if len(pdus) != len(theirs[side]):
            found.wrong.append(f"connection {side}: {len(pdus)} PDUs, of which tshark sees {len(theirs[side])}")
        # What was read of a side that does not fit is passed over.
        ours = [next(read) for _ in pdus]
        for pdu, codecs, tsharks in zip(pdus, ours, theirs[side], strict=False):
            wrong = list(disagreements(codecs, tsharks, tables["tlvs"]))
            found.wrong += [f"{what}\n  octets {pdu.hex()}" for what in wrong]
            found.counts[codecs.get("fields", {}).get("command", "unreadable")] += not wrong
    return found


def disagreements(ours: dict[str, codec.Fields], theirs: tshark.SeenPdu, tags: dict[str, int]) -> Iterator[str]:
    """How two readings of one PDU differ."""
    if "fields" not in ours:
        yield f"our codec refuses it: {ours['error']}"
        return
    command = ours["fields"]["command"]
    for complaint in theirs.complaints:
        if is_wiresharks_own(complaint, ours["fields"]):
            continue
        yield f"{command}: tshark says: {complaint}"
    expected, shown = list(as_shown(ours["fields"], tags)), list(comparable(theirs.dissection))
    if len(expected) != len(shown) or not all(map(is_same, expected, shown)):
        yield f"{command}: read differently\n  codec  {expected}\n  tshark {shown}"


def cut(octets: bytes) -> tuple[list[bytes], bytes]:
    """PDUs, and what is left: the beginning of one, or what can be none."""
    pdus, at = [], 0
    while len(octets) - at >= HEADER_OCTETS:
        length = int.from_bytes(octets[at : at + 4])
        if not HEADER_OCTETS <= length <= min(PDU_OCTETS_MAX, len(octets) - at):
            break
        pdus.append(octets[at : at + length])
        at += length
    return pdus, octets[at:]


def command_id(pdu: bytes) -> int:
    """From its header."""
    return int.from_bytes(pdu[4:8])
