"""`brivas routes explain`: which way a message would go, and why."""

from __future__ import annotations

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json, styled


@click.group()
def routes() -> None:
    """Asks the routing table."""


@routes.command(short_help="Explains where a message would go.")
@click.argument("destination")
@click.option("--account", default="sample", help="As a message of (mt) this account.")
@click.option("--direction", type=click.Choice(["mt", "mo"]), default="mt", help="From a customer, or from a carrier.")
@control_target_option
@json_option
@click.pass_obj
def explain(
    output: Output, destination: str, account: str, direction: str, control_target: str | None, as_json: bool
) -> None:
    """Explains where a message to DESTINATION would go, step by step. Sends nothing."""
    from brivas import endpoints
    from brivas.clients.control import ControlClient
    from brivas.v1 import control_pb2

    way = control_pb2.DIRECTION_MO if direction == "mo" else control_pb2.DIRECTION_MT
    target = endpoints.control_target(output.data, control_target)
    with ControlClient(target, endpoints.control_token(output.data, None)) as client:
        answer = client.explain(account, destination.removeprefix("+"), direction=way)
    targets = [
        {
            "carrier": each.carrier,
            "priority": each.priority,
            "weight": each.weight,
            "available": each.available,
        }
        for each in answer.targets
    ]
    if as_json:
        print_json(
            {
                "destination": destination,
                "account": account,
                "direction": direction,
                "route": answer.route or None,
                "to_account": answer.to_account or None,
                "targets": targets,
                "steps": list(answer.steps),
            }
        )
        return
    for step in answer.steps:
        click.echo(f"- {step}")
    click.echo(f"route: {styled(answer.route or 'none', bold=True)}")
    for each in targets:
        up = styled("available", fg="green") if each["available"] else styled("down", fg="red")
        click.echo(f"  {each['carrier']}  priority {each['priority']}  weight {each['weight']}  {up}")
    if answer.to_account:
        click.echo(f"  to account {answer.to_account}")
