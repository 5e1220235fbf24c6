"""PDUs of a trace as the command line shows them: JSON objects, and lines for people. Texts hide unless asked for."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from brivas.v1 import control_pb2

_TEXTS = ("short_message", "tlv.message_payload")
_UCS2 = 8
_MESSAGE_TYPE = 0b0011_1100
_RECEIPTS = (0x04, 0x20)
# What is said of a PDU in its line, and by which name, in this order.
_SAID = (
    ("sequence_number", "seq"),
    ("status", "status"),
    ("system_id", "system_id"),
    ("interface_version", "version"),
    ("source_addr", "from"),
    ("destination_addr", "to"),
    ("message_id", "id"),
    ("tlv.receipted_message_id", "receipted_id"),
    ("message_state", "state"),
    ("tlv.message_state", "state"),
    ("text", "text"),
    ("malformed", "malformed"),
)


def traced_as_dict(pdu: control_pb2.TracedPdu, *, show_text: bool) -> dict[str, Any]:
    """All that is known of a PDU; at the end of a connection `ended` instead of `pdu`."""
    from brivas._core import describe_pdu

    shown: dict[str, Any] = {
        "at_us": pdu.at_us,
        "connection": pdu.connection,
        "side": pdu.side,
        "name": pdu.name,
        "system_id": pdu.system_id,
        "peer": pdu.peer,
        "local": pdu.local,
        "lost_octets_before": pdu.lost_octets_before,
    }
    if pdu.ended:
        return shown | {"ended": True}
    fields = msgspec.json.decode(describe_pdu(pdu.octets), type=dict[str, Any])
    return shown | {"direction": "out" if pdu.outgoing else "in", "pdu": with_text(fields, show_text=show_text)}


def with_text(fields: dict[str, Any], *, show_text: bool) -> dict[str, Any]:
    """The fields of a PDU with its text as `text`: hidden but for its length, unless it shall be shown.

    Of a receipt what stands before the message's own text is shown.
    """
    whole = "".join(fields.get(name) or "" for name in _TEXTS)
    if not whole:
        return fields
    octets = bytes.fromhex(whole)
    fields = fields | {"text_octets": len(octets)}
    if show_text:
        return fields | {"text": readable(octets, int(fields.get("data_coding", 0)))}
    fields = {name: value for name, value in fields.items() if name not in _TEXTS}
    if int(fields.get("esm_class", 0)) & _MESSAGE_TYPE in _RECEIPTS:
        before, mark, _ = octets.decode("latin-1").partition("text:")
        return fields | {"text": f"{before}{mark}(hidden)" if mark else before}
    return fields | {"text": f"(hidden: {len(octets)} octets)"}


def readable(octets: bytes, data_coding: int) -> str:
    """The text as good as it can be told without the carrier's alphabet."""
    return octets.decode("utf-16-be" if data_coding == _UCS2 else "latin-1", errors="replace")


def line(shown: dict[str, Any]) -> str:
    """One line for people."""
    at = datetime.datetime.fromtimestamp(shown["at_us"] / 1e6, tz=datetime.UTC)
    clock = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}Z"
    who = f"{shown['side']} {shown['name'] or shown['system_id'] or shown['peer']} #{shown['connection']}"
    lost = f"  ({shown['lost_octets_before']} octets left out before)" if shown["lost_octets_before"] else ""
    if shown.get("ended"):
        return f"{clock}  {who}  ended{lost}"
    pdu = shown["pdu"]
    said = " ".join(f"{name}={_quoted(pdu[field])}" for field, name in _SAID if pdu.get(field) not in (None, ""))
    return f"{clock}  {who:<28}  {shown['direction']:<3}  {pdu.get('command', '?'):<20}  {said}{lost}"


def _quoted(value: object) -> str:
    text = str(value)
    # A text stays on its line, and terminals are told nothing by it.
    return text if text.isprintable() and " " not in text else repr(text)
