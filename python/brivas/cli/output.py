"""What every command shares: where the data is, and how results and errors are printed.

Data goes to stdout: text for people, or with `--json` one JSON object (keys in snake_case, units in the name). Errors
go to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from brivas.errors import BrivasError

Command = TypeVar("Command", bound=Callable[..., Any])

_PIPE_WIDTH = 500


@dataclass(frozen=True, slots=True)
class Output:
    """The context of a command: the global options."""

    data: Path


def json_option(command: Command) -> Command:
    """`--json`: one JSON object instead of text."""

    def remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
        ctx.meta["brivas.json"] = value
        return value

    return click.option("--json", "as_json", is_flag=True, callback=remember, help="One JSON object instead of text.")(
        command
    )


def print_json(value: object) -> None:
    """One JSON object on stdout, on one line."""
    import msgspec

    click.echo(msgspec.json.encode(value))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> None:
    """Rows under their columns, for people; nothing is wrapped. On stderr how many there are of `what`."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        # As Text: an error may hold what looks like markup.
        table.add_row(*(Text(cell) for cell in row))
    # A pipe has no width: nothing is cut there.
    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)
    if rows:
        console.print(table)
    click.echo(f"{len(rows)} {what}{'' if len(rows) == 1 else 's'}", err=True)


def print_error(error: BrivasError, *, as_json: bool = False) -> None:
    """An error on stderr: what failed with which value, then what to do; with `--json` an object on stdout too."""
    click.echo(f"{styled('error:', fg='red', bold=True)} {error.message}", err=True)
    if error.hint:
        click.echo(f"{styled('hint:', fg='cyan')} {error.hint}", err=True)
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})


def colours() -> bool | None:
    """None: click judges by the terminal. False: NO_COLOR is set."""
    return False if os.environ.get("NO_COLOR") else None


def styled(text: str, **style: Any) -> str:
    """Text in a style, unless NO_COLOR is set."""
    return text if colours() is False else click.style(text, **style)
