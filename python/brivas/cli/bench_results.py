"""What all of `brivas bench` prints and writes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import click

from brivas.cli.output import print_json
from brivas.errors import BrivasError


def finish(result: dict[str, Any], *, as_json: bool) -> None:
    """Prints a result: one JSON object, or a line a figure."""
    if as_json:
        print_json(result)
        return
    for name, value in result.items():
        shown = ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name:<36} {shown}")


def write_results(command: str, result: dict[str, Any], details: dict[str, Any], results: Path) -> None:
    """Writes all of it to a file, with the machine and the programs."""
    from brivas.bench.environment import environment

    content = {
        "command": command,
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "environment": environment(),
        "result": result,
        **details,
    }
    try:
        results.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise BrivasError(f"cannot write {results}: {error.strerror}", hint="is the folder there?") from error
