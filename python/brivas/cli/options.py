"""Options that several commands share, each bound to its setting: default and variable are shown in the help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from brivas import settings
from brivas.settings import Setting

Command = TypeVar("Command", bound=Callable[..., Any])


def setting_option(flag: str, setting: Setting, **more: Any) -> Callable[[Command], Command]:
    """An option for a setting."""
    return click.option(
        flag,
        default=setting.default,
        envvar=setting.variable,
        show_envvar=True,
        show_default=setting.default is not None,
        help=setting.meaning,
        **more,
    )


messaging_target_option = setting_option("--messaging-target", settings.MESSAGING_TARGET, metavar="HOST:PORT")
control_target_option = setting_option("--control-target", settings.CONTROL_TARGET, metavar="HOST:PORT")
api_key_option = setting_option("--api-key", settings.API_KEY, metavar="KEY")


def _absolute(_context: click.Context, _parameter: click.Parameter, folder: Path | None) -> Path | None:
    """For other processes too. A link stays one: it is swapped to change a whole folder at once."""
    return folder if folder is None else folder.absolute()


config_option = setting_option(
    "--config", settings.CONFIG, type=click.Path(path_type=Path, exists=True), callback=_absolute
)
