"""What every command shares: where the data is, and how results and errors are printed.

Data goes to stdout: text for people, or with `--json` one JSON object (keys in snake_case, units in the name). Errors
go to stderr.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from brivas.errors import BrivasError

Command = TypeVar("Command", bound=Callable[..., Any])


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
