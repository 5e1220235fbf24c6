"""`brivas doctor`: looks for what usually goes wrong, and says what to do about each."""

from __future__ import annotations

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json, styled

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(short_help="Checks machine, data directory and engine.")
@control_target_option
@json_option
@click.pass_obj
def doctor(output: Output, control_target: str | None, as_json: bool) -> None:
    """Checks this machine, the data directory and the running engine.

    Each check is ok, warn or fail, with a hint. Exit code 1 when any fails.
    """
    from brivas.diagnosis import diagnose

    findings = diagnose(output.data, control_target)
    failed = any(finding.verdict == "fail" for finding in findings)
    if as_json:
        checks = [
            {"check": each.check, "verdict": each.verdict, "found": each.found, "hint": each.hint} for each in findings
        ]
        print_json({"ok": not failed, "checks": checks})
    else:
        for each in findings:
            click.echo(f"{styled(f'{each.verdict:<5}', fg=_COLOURS[each.verdict])}{each.check:<16} {each.found}")
            if each.hint and each.verdict != "ok":
                click.echo(f"     {styled('hint:', fg='cyan')} {each.hint}")
    if failed:
        raise SystemExit(1)
