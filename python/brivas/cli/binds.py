"""`brivas binds`: every connection, of customers and to carriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json, print_table

if TYPE_CHECKING:
    from brivas.v1 import control_pb2


@click.command(short_help="Lists the binds of customers and to carriers.")
@click.option("--side", type=click.Choice(["customer", "carrier"]), help="Only binds of customers, or to carriers.")
@control_target_option
@json_option
@click.pass_obj
def binds(output: Output, side: str | None, control_target: str | None, as_json: bool) -> None:
    """Lists the binds: state, window, and of one that is down why, and when it is tried again."""
    from brivas import endpoints
    from brivas.clients.control import ControlClient

    target = endpoints.control_target(output.data, control_target)
    with ControlClient(target, endpoints.control_token(output.data, None)) as client:
        found = [bind_as_dict(bind) for bind in client.binds().binds if side in (None, bind.side)]
    found.sort(key=lambda bind: (bind["side"], bind["name"], bind["since_ms"] or 0))
    if as_json:
        print_json({"binds": found})
        return
    print_binds(found)


def bind_as_dict(bind: control_pb2.Bind) -> dict[str, Any]:
    """All that the engine says of a bind."""
    return {
        "connection": bind.connection or None,
        "side": bind.side,
        "name": bind.name,
        "system_id": bind.system_id,
        "peer": bind.peer,
        "tls": bind.tls or None,
        "tls_cipher": bind.tls_cipher or None,
        "certificate_names": list(bind.certificate_names),
        "state": bind.state,
        "interface_version": bind.interface_version,
        "window_used": bind.window_used,
        "window_max": bind.window_max,
        "round_trip_ms": bind.round_trip_ms,
        "since_ms": bind.since_ms or None,
        "pdus_in": bind.pdus_in,
        "pdus_out": bind.pdus_out,
        "last_sequence_in": bind.last_sequence_in,
        "last_sequence_out": bind.last_sequence_out,
        "last_error": bind.last_error or None,
        "retry_at_ms": bind.retry_at_ms or None,
    }


def print_binds(found: list[dict[str, Any]]) -> None:
    """The binds for people."""
    from brivas.cli.events import clock

    # Where no bind is by TLS there is nothing to tell of it.
    has_tls = any(bind["tls"] for bind in found)
    rows = [
        (
            str(bind["connection"] or ""),
            bind["side"],
            bind["name"],
            bind["peer"],
            *([_tls(bind)] if has_tls else []),
            bind["state"],
            f"{bind['window_used']}/{bind['window_max']}",
            str(bind["pdus_in"]),
            str(bind["pdus_out"]),
            clock(bind["since_ms"]) if bind["since_ms"] else "never",
            bind["last_error"] or "",
        )
        for bind in found
    ]
    tls_column = ("tls",) if has_tls else ()
    columns = ("#", "side", "name", "peer", *tls_column, "state", "window", "in", "out", "since", "last error")
    print_table(columns, rows, "bind")


def _tls(bind: dict[str, Any]) -> str:
    """Version and cipher, and whom the peer's certificate names."""
    if not bind["tls"]:
        return "plain"
    names = ", ".join(bind["certificate_names"])
    return f"{bind['tls']} {bind['tls_cipher']}" + (f" certificate: {names}" if names else "")
