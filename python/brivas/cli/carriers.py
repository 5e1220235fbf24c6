"""`brivas carriers quirks`: what carriers' receipts are like, as configured or learned, and how many were matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json, print_table

if TYPE_CHECKING:
    from brivas.v1 import control_pb2


@click.group(short_help="Shows what is known of carriers.")
def carriers() -> None:
    """Shows what is known of carriers."""


@carriers.command(short_help="Shows what carriers' receipts are like.")
@control_target_option
@json_option
@click.pass_obj
def quirks(output: Output, control_target: str | None, as_json: bool) -> None:
    """Shows how each carrier's receipts name their messages, the zone of their dates, and how many were matched."""
    from brivas import endpoints
    from brivas.clients.control import ControlClient

    target = endpoints.control_target(output.data, control_target)
    with ControlClient(target, endpoints.control_token(output.data, None)) as client:
        found = [quirks_as_dict(carrier) for carrier in client.stats().carriers]
    found.sort(key=lambda carrier: str(carrier["carrier"]))
    if as_json:
        print_json({"carriers": found})
        return
    print_quirks(found)


def quirks_as_dict(carrier: control_pb2.CarrierStats) -> dict[str, Any]:
    """All that the engine says of a carrier's receipts."""
    from brivas.resources.snapshot import message_ids_name

    learned, receipts = carrier.learned, carrier.receipts
    has_zone = learned.HasField("receipt_zone_minutes")
    return {
        "carrier": carrier.name,
        "message_ids": message_ids_name(learned.message_ids),
        "message_ids_configured": learned.message_ids_configured,
        "receipt_zone_minutes": learned.receipt_zone_minutes if has_zone else None,
        "receipt_zone_configured": learned.receipt_zone_configured,
        "plain_receipts": learned.plain_receipts,
        "samples": learned.samples,
        "response_id": learned.response_id.decode("ascii", "backslashreplace"),
        "receipt_id": learned.receipt_id.decode("ascii", "backslashreplace"),
        "receipts": {field.name: getattr(receipts, field.name) for field in receipts.DESCRIPTOR.fields},
        "unanswered": carrier.unanswered,
        "held": carrier.held,
    }


def print_quirks(found: list[dict[str, Any]]) -> None:
    """The quirks for people."""
    rows = [
        (
            carrier["carrier"],
            _known(carrier["message_ids"], carrier["message_ids_configured"], unknown=carrier["message_ids"] == "auto"),
            f"{carrier['response_id']} -> {carrier['receipt_id']}" if carrier["receipt_id"] else "",
            _known(
                str(carrier["receipt_zone_minutes"]),
                carrier["receipt_zone_configured"],
                unknown=carrier["receipt_zone_minutes"] is None,
            ),
            *(str(carrier["receipts"][count]) for count in ("matched", "unmatched", "ambiguous")),
            str(carrier["held"]),
        )
        for carrier in found
    ]
    columns = ("carrier", "message ids", "response -> receipt", "zone", "matched", "unmatched", "ambiguous", "held")
    print_table(columns, rows, "carrier")


def _known(value: str, is_configured: bool, *, unknown: bool) -> str:
    if unknown:
        return "not learned yet"
    return f"{value} ({'configured' if is_configured else 'learned'})"
