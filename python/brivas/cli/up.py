"""`brivas up`: everything with one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from brivas import settings
from brivas.cli.options import config_option, setting_option
from brivas.cli.output import Output, json_option, print_json, styled

if TYPE_CHECKING:
    from brivas.supervise.ports import Mode
    from brivas.supervise.supervisor import Started


@click.command(short_help="Runs everything: gateway, HTTP, controllers.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="The data directory; the same as --data before `up`.",
)
@config_option
@click.option(
    "--ports",
    type=click.Choice(["default", "auto"]),
    default=None,
    envvar=settings.PORTS.variable,
    show_envvar=True,
    help=f"{settings.PORTS.meaning} Later starts keep them.  [default: the last ones, else default]",
)
@setting_option("--ready-file", settings.READY_FILE, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--no-sample-carrier", is_flag=True, help="Start no simulated carrier, and write none into the sample.")
@setting_option("--drain-timeout-ms", settings.DRAIN_TIMEOUT_MS, type=click.IntRange(min=0, max=600_000))
@json_option
@click.pass_obj
def up(
    output: Output,
    data: Path | None,
    config: Path | None,
    ports: str | None,
    ready_file: Path | None,
    no_sample_carrier: bool,
    drain_timeout_ms: int,
    as_json: bool,
) -> None:
    """Runs the gateway, its HTTP face, its controllers and a simulated carrier.

    The first run writes a sample configuration into DATA/config and shows the credentials it generated, once. SIGTERM
    or Ctrl-C drains and exits 0.
    """
    from brivas.supervise.supervisor import UpOptions, run_up

    folder = data or output.data
    options = UpOptions(
        data=folder,
        config_folder=config,
        ports=cast("Mode | None", ports),
        ready_file=ready_file,
        sample_carrier=not no_sample_carrier,
        drain_timeout_ms=drain_timeout_ms,
    )
    run_up(options, lambda started: _announce(started, folder, as_json=as_json))


def _announce(started: Started, data: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"ready": True, "ports": started.ports, "data": str(data), "pid": os.getpid()})
        return
    ports = started.ports
    click.echo(styled("Brivas is ready.", fg="green", bold=True))
    click.echo(f"  SMPP               {ports['smpp']}")
    if started.smpp_tls is not None:
        host, port = started.smpp_tls["host"], started.smpp_tls["port"]
        click.echo(f"  SMPP over TLS      {f'[{host}]' if ':' in host else host}:{port}")
    click.echo(f"  HTTP               http://{ports['http']}")
    click.echo(f"  gRPC Messaging     {ports['messaging']}")
    click.echo(f"  gRPC Control       {ports['control']}")
    if started.carrier:
        click.echo(f"  simulated carrier  {ports['carrier']}")
    if started.credentials is None:
        click.echo("The configuration has no sample account: sending needs an API key of one of its accounts.")
    elif started.first:
        credentials = started.credentials
        host, _, port = ports["smpp"].rpartition(":")
        click.echo("The sample account, shown this once (kept in DATA/secrets/sample.json, readable by you only):")
        click.echo(f"  API key            {credentials.api_key}")
        click.echo("Paste into any SMPP client:")
        click.echo(
            f"  host={host} port={port} system_id={credentials.system_id} password={credentials.password} "
            "bind=transceiver version=3.4"
        )
    else:
        click.echo(f"The sample account's credentials: {data / 'secrets' / 'sample.json'}")
    option = "" if data == Path(settings.default(settings.DATA)) else f" --data {data}"
    key = "" if started.credentials else " --api-key KEY"
    click.echo(f"Send one: brivas{option} send{key} --to 491701234567 --from Brivas --text hello --wait")
