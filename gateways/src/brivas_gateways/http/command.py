"""`brivas api`: the options of the process that answers HTTP."""

from __future__ import annotations

import click

from brivas import settings
from brivas.cli.options import control_target_option, messaging_target_option, setting_option
from brivas.cli.output import Output


@click.command(short_help="Answers HTTP.")
@setting_option("--http-listen", settings.HTTP_LISTEN, metavar="HOST:PORT")
@setting_option("--workers", settings.HTTP_WORKERS, type=click.IntRange(min=1, max=64))
@messaging_target_option
@control_target_option
@click.pass_obj
def api(
    output: Output, http_listen: str, workers: int, messaging_target: str | None, control_target: str | None
) -> None:
    """Answers HTTP: /v1/messages, /metrics, /health/live, /health/ready, /openapi.json.

    Stopping or killing it never disturbs traffic. SIGTERM lets requests finish and ends it with exit code 0.
    """
    from brivas import endpoints
    from brivas_gateways.http.engine import EngineAddress
    from brivas_gateways.http.server import serve

    address = EngineAddress(
        messaging_target=endpoints.messaging_target(output.data, messaging_target),
        control_target=endpoints.control_target(output.data, control_target),
        data=output.data,
    )
    serve(http_listen, address, workers=workers)
