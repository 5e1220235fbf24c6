"""`brivas journal`: looks into the journal of a gateway that does not run."""

from __future__ import annotations

import click

from brivas.cli.output import Output, json_option, print_json


@click.group()
def journal() -> None:
    """Looks into the journal. The gateway must not be running."""


@journal.command(short_help="Counts the journal's events and messages.")
@json_option
@click.pass_obj
def census(output: Output, as_json: bool) -> None:
    """Counts the journal's events by kind, and the messages whose life does not add up.

    Exits 1 when a message has more than one final state, or a record cannot be read.
    """
    from brivas._core import journal_census
    from brivas.layout import Layout

    counts = dict(journal_census(Layout(output.data).gateway))
    if as_json:
        print_json(counts)
    else:
        width = max(map(len, counts))
        for name, count in counts.items():
            click.echo(f"{name:<{width}}  {count:,}")
    # A journal that has dropped its oldest segments has forgotten how its oldest messages began.
    if counts["unreadable"] or (counts["ended_again"] and not counts["checkpoints"]):
        raise click.exceptions.Exit(1)
