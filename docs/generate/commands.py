"""The command line, from click's own help."""

from __future__ import annotations

import click

from brivas.cli.main import brivas

_WIDTH = 100


def reference() -> str:
    """The help of every command, as the program prints it."""
    context = click.Context(brivas, info_name="brivas", terminal_width=_WIDTH, **brivas.context_settings)
    return "\n".join(_help(brivas, context))


def _help(command: click.Command, context: click.Context) -> list[str]:
    parts = [f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            child = command.get_command(context, each)
            if child is not None and not child.hidden:
                parts += _help(child, click.Context(child, info_name=each, parent=context))
    return parts
