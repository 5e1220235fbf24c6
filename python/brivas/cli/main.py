"""`brivas`: the group of all commands.

Commands come from the entry point group `brivas.commands`, so that every distribution adds its own; a module is loaded
only when its command is called or listed, and imports what is heavy inside its functions. Errors of the tree in
`brivas.errors` end here: `error:` and `hint:` on stderr, and their exit code.

Exit codes: 0 ok, 1 failure, 2 usage, 3 configuration refused, 4 not reachable, 70 the engine failed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import click

from brivas import settings
from brivas.cli.output import Output, print_error
from brivas.errors import BrivasError, FileError

COMMANDS_GROUP = "brivas.commands"


class CommandsByEntryPoint(click.Group):
    """A group whose commands are the entry points of `brivas.commands`."""

    _found: dict[str, metadata.EntryPoint] | None = None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands installed."""
        return sorted(self._entry_points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads one command."""
        found = self._entry_points().get(cmd_name)
        if found is None:
            return None
        try:
            return cast("click.Command", found.load())
        except (ImportError, AttributeError) as error:
            # The others still work, and --help says which one does not.
            return broken_command(cmd_name, found.value, error)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; an operator's mistake ends in a message, never in a traceback."""
        try:
            return super().invoke(ctx)
        except BrivasError as error:
            print_error(error, as_json=bool(ctx.meta.get("brivas.json")))
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.filename is None or isinstance(error, BrokenPipeError):
                raise
            refused = FileError(error, f"use {error.filename}")
            print_error(refused, as_json=bool(ctx.meta.get("brivas.json")))
            ctx.exit(refused.exit_code)

    def _entry_points(self) -> dict[str, metadata.EntryPoint]:
        if self._found is None:
            self._found = {point.name: point for point in metadata.entry_points(group=COMMANDS_GROUP)}
        return self._found


def broken_command(name: str, where: str, error: Exception) -> click.Command:
    """Stands for a command whose module cannot be loaded."""

    def fail() -> None:
        raise BrivasError(
            f"the command {name} ({where}) cannot be loaded: {error}", hint="`make build` installs it anew"
        )

    return click.Command(name, callback=fail, help=f"(cannot be loaded: {error})")


def print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    """`--version`: the version, and how the extension was built."""
    if not value or ctx.resilient_parsing:
        return
    from brivas import _core

    click.echo(f"brivas {metadata.version('brivas')} (engine {_core.__version__}, {_core.PROFILE})")
    ctx.exit()


@click.group(cls=CommandsByEntryPoint, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=settings.DATA.default,
    envvar=settings.DATA.variable,
    show_envvar=True,
    help=settings.DATA.meaning,
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=print_version, help="The version.")
@click.pass_context
def brivas(ctx: click.Context, data: Path) -> None:
    """Brivas: an SMS gateway.

    Data goes to stdout, logs go to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 3 configuration refused, 4 not
    reachable, 70 the engine failed.
    """
    ctx.obj = Output(data=data)


def main() -> None:
    """The console script."""
    run = cast("Callable[..., None]", brivas)
    try:
        run(prog_name="brivas")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
