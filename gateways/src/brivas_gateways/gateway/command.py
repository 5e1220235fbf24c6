"""`brivas gateway`: the options of the process that hosts the engine."""

from __future__ import annotations

from pathlib import Path

import click

from brivas import settings
from brivas.cli.options import config_option, setting_option
from brivas.cli.output import Output


@click.command()
@config_option
@setting_option("--smpp-listen", settings.SMPP_LISTEN, metavar="HOST:PORT")
@setting_option("--messaging-listen", settings.MESSAGING_LISTEN, metavar="HOST:PORT")
@setting_option("--control-listen", settings.CONTROL_LISTEN, metavar="HOST:PORT")
@setting_option("--segment-bytes", settings.SEGMENT_BYTES, type=click.IntRange(min=1 << 20))
@setting_option("--retention-bytes", settings.RETENTION_BYTES, type=click.IntRange(min=1 << 22))
@setting_option("--open-bytes", settings.OPEN_BYTES, type=click.IntRange(min=1 << 20))
@setting_option("--drain-timeout-ms", settings.DRAIN_TIMEOUT_MS, type=click.IntRange(min=0, max=600_000))
@click.pass_obj
def gateway(
    output: Output,
    config: Path | None,
    smpp_listen: str,
    messaging_listen: str,
    control_listen: str,
    segment_bytes: int,
    retention_bytes: int,
    open_bytes: int,
    drain_timeout_ms: int,
) -> None:
    """Runs the engine: SMPP and its two gRPC faces.

    Starts with the last good configuration; --config replaces it (SIGHUP reads it again). SIGTERM drains and exits 0;
    a failed engine exits 70.
    """
    from brivas.layout import Layout
    from brivas_gateways.gateway.host import Bounds, Listens, host_engine

    host_engine(
        Layout(output.data),
        Listens(smpp=smpp_listen, messaging=messaging_listen, control=control_listen),
        config_folder=config,
        bounds=Bounds(segment_bytes=segment_bytes, retention_bytes=retention_bytes, open_bytes=open_bytes),
        drain_timeout_ms=drain_timeout_ms,
    )
