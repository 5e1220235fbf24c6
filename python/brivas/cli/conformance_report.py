"""The report of a conformance test, for people."""

from __future__ import annotations

from typing import Any

import click

from brivas.cli.output import print_table, styled

_COLOURS = {"pass": "green", "quirk": "yellow", "fail": "red", "skipped": "bright_black"}


def print_report(report: dict[str, Any], *, exchange: bool) -> None:
    """A table of the checks; then what they add up to, and what to configure."""
    rows = [(check["outcome"], check["id"], check["section"], check["seen"]) for check in report["checks"]]
    print_table(("outcome", "check", "section", "seen"), rows, "check")
    if exchange:
        for check in report["checks"]:
            if check["outcome"] in ("quirk", "fail"):
                _print_exchange(check)
    counts = ", ".join(
        styled(f"{report[name]} {name}", fg=_COLOURS[outcome])
        for name, outcome in (("passed", "pass"), ("quirks", "quirk"), ("failed", "fail"), ("skipped", "skipped"))
    )
    score = "" if report["score_percent"] is None else f"; score {report['score_percent']} %"
    click.echo(f"\n{counts}{score}")
    for name, value in report["facts"].items():
        click.echo(f"  {name}: {value}")
    if report["suggested_quirks"]:
        click.echo("\nIn the resource Carrier:\n" + suggestion(report["suggested_quirks"]), nl=False)
    if report["error"]:
        click.echo(f"{styled('error:', fg='red', bold=True)} {report['error']}", err=True)


def suggestion(quirks: dict[str, Any]) -> str:
    """The part of a Carrier that fits the SMSC, as YAML."""
    lines = [f"    {name}: {value}\n" for name, value in quirks.items()]
    return "spec:\n  quirks:\n" + "".join(lines)


def _print_exchange(check: dict[str, Any]) -> None:
    click.echo(f"\n{check['id']}: {check['title']}")
    for said in check["exchange"]:
        click.echo(f"  {said}")
