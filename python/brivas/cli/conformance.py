"""`brivas conformance smsc|esme`: tells what another system makes of SMPP, right and wrong."""

from __future__ import annotations

from typing import Any

import click

from brivas import settings
from brivas.cli.options import setting_option
from brivas.cli.output import json_option

EXIT_FAILURES = 1
"""A check failed. Quirks are no failures."""


@click.group(short_help="Tells another system's conformance, and its quirks.")
def conformance() -> None:
    """Tests another system's SMPP: what it does against the specification, and how.

    Every check is a pass, a quirk (otherwise, but peers live with it), a fail (it breaks peers), or was skipped. Exit
    code 0: nothing failed; 1: something did.
    """


@conformance.command(short_help="Binds to an SMSC, and checks it.")
@click.argument("target", metavar="HOST:PORT")
@click.option("--system-id", required=True, help="Whose bind it is.")
@setting_option("--password", settings.SMPP_PASSWORD)
@click.option("--system-type", default="", help="Of the bind.")
@click.option("--to", help="The number that messages go to; about forty are sent. Without it none is.")
@click.option("--from", "source", default="Brivas", show_default=True, help="The sender of the messages.")
@click.option("--timeout-ms", type=click.IntRange(10, 600_000), default=5_000, help="How long an answer may take.")
@click.option("--patience-ms", type=click.IntRange(10, 3_600_000), default=30_000, help="How long receipts may take.")
@click.option("--pause-ms", type=click.IntRange(0, 600_000), default=0, help="Between checks: each has its own bind.")
@click.option("--only", multiple=True, metavar="CHECK", help="Only checks whose id begins so; repeat it.")
@click.option("--exchange", is_flag=True, help="Show what was said in each check that did not pass, as hexadecimal.")
@json_option
def smsc(
    target: str,
    system_id: str,
    password: str | None,
    system_type: str,
    to: str | None,
    source: str,
    timeout_ms: int,
    patience_ms: int,
    pause_ms: int,
    only: tuple[str, ...],
    exchange: bool,
    as_json: bool,
) -> None:
    """Binds to a message centre some eighty times, one after the other, does right and wrong things, tells what came.

    With --to it sends about forty messages there, all harmless texts. At the end it prints what to set in the resource
    Carrier for this SMSC, where something is to be set.
    """
    options: dict[str, Any] = {
        "peer": "smsc",
        "address": target,
        "system_id": system_id,
        "password": password or "",
        "system_type": system_type,
        "from": source,
        "messages": to is not None,
        "timeout_ms": timeout_ms,
        "patience_ms": patience_ms,
        "pause_ms": pause_ms,
        "only": only,
    }
    if to is not None:
        options["to"] = to
    _run(options, exchange=exchange, as_json=as_json)


@conformance.command(short_help="Listens, and checks the ESME that binds.")
@click.argument("listen", metavar="HOST:PORT")
@click.option("--system-id", default="", help="What its bind must say.  [default: anything]")
@click.option("--password", default="", help="The same.  [default: anything]")
@click.option("--timeout-ms", type=click.IntRange(10, 600_000), default=10_000, help="How long an answer may take.")
@click.option("--patience-ms", type=click.IntRange(10, 3_600_000), default=60_000, help="How long it may take to bind.")
@click.option("--only", multiple=True, metavar="CHECK", help="Only checks whose id begins so; repeat it.")
@click.option("--exchange", is_flag=True, help="Show what was said in each check that did not pass, as hexadecimal.")
@json_option
def esme(
    listen: str,
    system_id: str,
    password: str,
    timeout_ms: int,
    patience_ms: int,
    only: tuple[str, ...],
    exchange: bool,
    as_json: bool,
) -> None:
    """Waits for an ESME to bind, sends it what a message centre may send, and tells what it made of it.

    Port 0 takes a free one. At the end it unbinds and cuts the connection, to see whether the ESME comes back.
    """
    options = {
        "peer": "esme",
        "address": listen,
        "system_id": system_id,
        "password": password,
        "timeout_ms": timeout_ms,
        "patience_ms": patience_ms,
        "only": only,
    }
    _run(options, exchange=exchange, as_json=as_json)


def _run(options: dict[str, Any], *, exchange: bool, as_json: bool) -> None:
    import json

    from brivas._core import Simulation
    from brivas.cli.conformance_report import print_report
    from brivas.cli.output import print_json
    from brivas.errors import UnreachableError, UsageError

    try:
        tester = Simulation.conformance(json.dumps(options))
    except (OSError, ValueError) as error:
        raise UsageError(f"the tester does not start: {error}", hint="see --help for the options' ranges") from error
    address = tester.address()
    if address is not None:
        click.echo(f"listening on {address}; let the ESME bind now", err=True)
    try:
        while not tester.wait(_LOOK_MS):
            pass
    except KeyboardInterrupt:
        # The report of what was done so far.
        tester.stop()
    report = json.loads(tester.result())
    report["address"] = address or report["address"]
    if not report["checks"] and report["error"]:
        raise UnreachableError(report["error"], hint="is the other side there, and is this its address?")
    if as_json:
        print_json(report)
    else:
        print_report(report, exchange=exchange)
    if report["failed"] or report["error"]:
        raise SystemExit(EXIT_FAILURES)


_LOOK_MS = 200
