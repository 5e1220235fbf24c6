"""What tshark should show of a PDU, made from what our codec reads in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from tests.support.codec import Fields
from tests.support.tshark import Dissection

Field = tuple[str, int | str]

# Trees, explanations, and texts that are in a field of octets as well.
NOT_COMPARED = re.compile(
    r"_ws\.|smpp\.(dcs\.|message_text$|password$|dlist|opt_params|opt_param$|.*_tree$|.*\.duplicate$)"
)
ADDRESSES = {"source_addr", "destination_addr"}
TIMES = {"schedule_delivery_time", "validity_period", "final_date", "broadcast_end_time"}


def comparable(seen: Dissection) -> Iterator[tuple[str, str]]:
    """Its leaves, but for those that say nothing of their own."""
    for name, value in seen.fields:
        if NOT_COMPARED.match(name):
            continue
        short = name.removeprefix("smpp.").removesuffix("_r")
        if short in ADDRESSES and not value:
            # An empty text is not shown, but for addresses in some PDUs.
            continue
        if short in TIMES:
            yield short, instant(value)
        else:
            yield short, value


def is_same(ours: Field, theirs: tuple[str, str]) -> bool:
    """Numbers are shown in any base, octets with colons."""
    (name, value), (their_name, shown) = ours, theirs
    if (name, their_name, shown) == ("validity_period", "schedule_delivery_time", "0.0"):
        # Wireshark's slip in submit_multi, where there is no validity_period.
        their_name = name
    if isinstance(value, int):
        return name == their_name and shown[:1].isdigit() and int(shown, 0) == value
    return name == their_name and value in (shown, shown.replace(":", ""))


def instant(shown: str) -> str:
    """A time as tshark shows it: seconds, or a date in UTC; to the tenth of a second."""
    if re.fullmatch(r"-?\d+\.\d+", shown):
        return f"{float(shown):.1f}"
    date, _, fraction = shown.removesuffix(" UTC").rpartition(".")
    return f"{datetime.strptime(date, '%b %d, %Y %H:%M:%S').replace(tzinfo=UTC).isoformat()} {fraction[:1]}"


def as_shown(fields: Fields, tags: dict[str, int]) -> Iterator[Field]:
    """What tshark should show of a PDU in which our codec reads these fields."""
    is_response = int(fields["command_id"]) >= 0x80000000
    # It reads no body of an error response, though deliver_sm_resp has one.
    has_body = not is_response or int(fields["command_status"]) == 0
    for name, value in fields.items():
        if name == "command_status" and not is_response:
            continue
        if name not in HEADER and not has_body:
            continue
        if name.startswith("tlv."):
            if fields["command"] not in WITHOUT_TLVS:
                yield from tlv_as_shown(name.removeprefix("tlv.").partition("[")[0], value, tags)
        else:
            yield from field_as_shown(name.rpartition(".")[2], value)


def field_as_shown(name: str, value: int | str) -> Iterator[Field]:
    if name in NOT_SHOWN:
        return
    if isinstance(value, int):
        yield from PARTS[name](value) if name in PARTS else [(name, value)]
    elif name in TIMES:
        if value or name != "final_date":
            yield name, time_as_shown(value)
    elif name == "service_type":
        yield name, unescaped(value) or "(Default)"
    elif name == "short_message":
        if value:
            yield "message", value
    elif value:
        # Empty texts are not shown.
        yield name, unescaped(value)


def tlv_as_shown(name: str, value: int | str, tags: dict[str, int]) -> Iterator[Field]:
    is_known = name in tags
    tag = tags[name] if is_known else int(name, 0)
    octets = b"" if isinstance(value, int) else bytes.fromhex(value) if name not in TEXTS else b""
    length = WIDTHS.get(name, 1) if isinstance(value, int) else len(octets)
    if name in TEXTS:
        length = len(unescaped(str(value))) + 1
    yield from [("opt_param_tag", tag), ("opt_param_len", length)]
    if not is_known:
        yield "vendor_op" if tag in VENDOR_TAGS else "reserved_op", octets.hex()
    elif name == "broadcast_rep_num":
        # Wireshark 4.0 reads one of its two octets (SMPP 5.0 §4.8.4.13), and loses its way behind it.
        yield name, int(value) >> 8
    elif name in TIMES:
        yield name, time_as_shown(str(value))
    elif name in TEXTS:
        yield NAMES.get(name, name), unescaped(str(value))
    elif name == "alert_on_message_delivery":
        yield (f"{name}_type", octets[0]) if octets else (f"{name}_null", "")
    elif name in COMPOUND:
        yield from COMPOUND[name](octets)
    elif isinstance(value, int):
        yield from PARTS[name](value) if name in PARTS else [(NAMES.get(name, name), value)]
    elif octets:
        yield NAMES.get(name, name), octets.hex()


def time_as_shown(text: str) -> str:
    """A time of SMPP; none is shown as 0 seconds."""
    if not text:
        return "0.0"
    numbers = [int(text[at : at + 2]) for at in range(0, 12, 2)]
    if text.endswith("R"):
        days, hours, minutes, seconds = numbers[2:]
        return f"{timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds():.1f}"
    year, month, day, hour, minute, second = numbers
    # Wireshark's century: SMPP 3.4 Appendix C.
    local = datetime(year + (2000 if year < 38 else 1900), month, day, hour, minute, second, tzinfo=UTC)
    offset = timedelta(minutes=15 * int(text[13:15]))
    return f"{(local - offset if text.endswith('+') else local + offset).isoformat()} {text[12]}"


def unescaped(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)


def is_wiresharks_own(complaint: str, fields: Fields) -> bool:
    """Whether a complaint is about how Wireshark 4.0 reads what is right; each is explained here."""
    if complaint == "Trailing stray characters":
        # It shows texts as far as the first NUL, which is "@" in the default alphabet (3GPP TS 23.038 §6.2.1).
        octets = bytes.fromhex(str(fields.get("short_message", "")))
        return b"\0" in octets.rstrip(b"\0")
    # The octet that it does not read of this one is no TLV.
    return complaint == "malformed" and list(fields)[-1] == "tlv.broadcast_rep_num"


# The dissector does not look for TLVs in these.
HEADER = {"command", "command_length", "command_id", "command_status", "sequence_number"}
VENDOR_TAGS = range(0x1400, 0x4000)
WITHOUT_TLVS = {
    "generic_nack",
    "unbind_resp",
    "enquire_link_resp",
    "query_sm_resp",
    "cancel_sm_resp",
    "replace_sm_resp",
    "cancel_broadcast_sm_resp",
}
NOT_SHOWN = {"command", "body", "password", "number_of_dests", "dest_flag", "no_unsuccess"}
TEXTS = {
    "additional_status_info_text",
    "receipted_message_id",
    "source_network_id",
    "dest_network_id",
    "broadcast_end_time",
}
WIDTHS = {
    "dest_telematics_id": 2,
    "qos_time_to_live": 4,
    "user_message_reference": 2,
    "source_port": 2,
    "dest_port": 2,
    "sar_msg_ref_num": 2,
    "broadcast_rep_num": 2,
    "broadcast_error_status": 4,
    "sms_signal": 2,
}
# Names that Wireshark spells otherwise.
NAMES = {
    "sc_interface_version": "SC_interface_version",
    "dest_port": "destination_port",
    "billing_identification": "billing_id",
    "dest_addr_np_information": "dest_addr_np_info",
    "broadcast_content_type_info": "broadcast_content_type.info",
}
# Octets of several fields: (name, value) of each.
PARTS: dict[str, Callable[[int], list[Field]]] = {
    "esm_class": lambda value: [
        ("esm.submit.msg_mode", value & 3),
        ("esm.submit.msg_type", value >> 2 & 15),
        ("esm.submit.features", value >> 6),
    ],
    "registered_delivery": lambda value: [
        ("regdel.receipt", value & 3),
        ("regdel.acks", value >> 2 & 3),
        ("regdel.notif", value >> 4 & 1),
    ],
    "replace_if_present_flag": lambda value: [("replace_if_present_flag", value & 1)],
    "ms_msg_wait_facilities": lambda value: [("msg_wait.ind", value >> 7), ("msg_wait.type", value & 3)],
    "callback_num_pres_ind": lambda value: [
        ("callback_num.pres", value >> 2 & 3),
        ("callback_num.scrn", value & 3),
    ],
}
COMPOUND: dict[str, Callable[[bytes], list[Field]]] = {
    "network_error_code": lambda octets: [
        ("network_error.type", octets[0]),
        ("network_error.code", int.from_bytes(octets[1:])),
    ],
    "its_session_info": lambda octets: [
        ("its_session.number", octets[0]),
        ("its_session.sequence", octets[1] >> 1),
        ("its_session.ind", octets[1] & 1),
    ],
    "broadcast_content_type": lambda octets: [
        ("broadcast_content_type.nw", octets[0]),
        ("broadcast_content_type.type", int.from_bytes(octets[1:])),
    ],
    "broadcast_frequency_interval": lambda octets: [
        ("broadcast_frequency_interval.unit", octets[0]),
        ("broadcast_frequency_interval.value", int.from_bytes(octets[1:])),
    ],
    "broadcast_area_identifier": lambda octets: [
        ("broadcast_area_identifier.format", octets[0]),
        ("broadcast_area_identifier", octets.hex()),
    ],
    "ms_validity": lambda octets: [("ms_validity", octets[0])],
    "callback_num": lambda octets: [("callback_num", "")],
    "callback_num_atag": lambda octets: [("callback_num_atag", "")],
}
