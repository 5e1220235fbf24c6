"""`brivas ops`: the options of the process that runs the controllers."""

from __future__ import annotations

from pathlib import Path

import click

from brivas.cli.options import config_option, control_target_option, messaging_target_option
from brivas.cli.output import Output


@click.command()
@config_option
@messaging_target_option
@control_target_option
@click.pass_obj
def ops(output: Output, config: Path | None, messaging_target: str | None, control_target: str | None) -> None:
    """Runs the controllers: the configuration folder, webhooks.

    Stopping or killing it never disturbs traffic. SIGTERM ends it with exit code 0.
    """
    from brivas import endpoints
    from brivas.controllers import ControllerContext
    from brivas.layout import Layout
    from brivas_orchestration.ops.process import run_controllers

    layout = Layout(output.data)
    run_controllers(
        ControllerContext(
            data=output.data,
            config_folder=config or (layout.config if layout.config.is_dir() else None),
            messaging_target=endpoints.messaging_target(output.data, messaging_target),
            control_target=endpoints.control_target(output.data, control_target),
            control_token=layout.ensure_control_token(),
        )
    )
