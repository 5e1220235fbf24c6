"""`brivas routes explain`: which way a message would go, whether it would be taken, and why."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json, styled

if TYPE_CHECKING:
    from brivas.v1 import control_pb2

BALANCES = ("destination", "message", "leastCost")
"""By number, as `Balance` in control.proto."""


@click.group()
def routes() -> None:
    """Asks the routing table and the policy."""


@routes.command(short_help="Explains where a message would go, and whether it would be taken.")
@click.argument("number")
@click.option("--account", help="mt: as a message of this account.  [default: sample]")
@click.option("--from", "source", default="", help="As a message from this sender.")
@click.option("--text", default="", help="With this text.")
@click.option("--data-coding", type=click.IntRange(0, 255), help="With this data_coding.  [default: as the text needs]")
@click.option("--at", "at", help="At this time, ISO 8601; without an offset it is UTC.  [default: now]")
@click.option("--direction", type=click.Choice(["mt", "mo"]), default="mt", help="From a customer, or from a carrier.")
@click.option("--carrier", default="", help="mo: as a message that comes from this carrier.")
@click.option("--tag", "tags", multiple=True, help="With this tag beside the account's or carrier's; repeat it.")
@control_target_option
@json_option
@click.pass_obj
def explain(
    output: Output,
    number: str,
    account: str | None,
    source: str,
    text: str,
    data_coding: int | None,
    at: str | None,
    direction: str,
    carrier: str,
    tags: tuple[str, ...],
    control_target: str | None,
    as_json: bool,
) -> None:
    """Explains what would be done with a message to NUMBER, step by step. Sends nothing, counts nothing."""
    from brivas import endpoints
    from brivas.clients.control import ControlClient
    from brivas.v1 import control_pb2

    is_mo = direction == "mo"
    request = control_pb2.ExplainRequest(
        account=(account or "") if is_mo else (account if account is not None else "sample"),
        destination=number,
        direction=control_pb2.DIRECTION_MO if is_mo else control_pb2.DIRECTION_MT,
        source=source,
        text=text,
        data_coding=data_coding,
        at_ms=_at_ms(at),
        tags=tags,
        carrier=carrier,
    )
    target = endpoints.control_target(output.data, control_target)
    with ControlClient(target, endpoints.control_token(output.data, None)) as client:
        answer = client.explain_message(request)
    explained = explanation_as_dict(request, answer, direction)
    if as_json:
        print_json(explained)
    else:
        _show(explained)


def explanation_as_dict(
    request: control_pb2.ExplainRequest, answer: control_pb2.ExplainResponse, direction: str
) -> dict[str, Any]:
    """For `--json`."""
    return {
        "destination": request.destination,
        "account": request.account or None,
        "direction": direction,
        "network": answer.network or None,
        "ported": answer.ported,
        "decision": answer.decision or None,
        "policy_rule": answer.policy_rule or None,
        "status": answer.status or None,
        "until_ms": answer.until_ms or None,
        "policy_steps": list(answer.policy_steps),
        "consent": answer.consent or None,
        "route": answer.route or None,
        "to_account": answer.to_account or None,
        "balance": BALANCES[answer.balance] if answer.targets else None,
        "targets": [_target(each) for each in answer.targets],
        "steps": list(answer.steps),
    }


def _target(target: control_pb2.ExplainedTarget) -> dict[str, Any]:
    rewrite = target.rewrite
    return {
        "carrier": target.carrier,
        "priority": target.priority,
        "weight": target.weight,
        "price": target.price,
        "available": target.available,
        "sender": rewrite.sender.digits.decode("latin-1") if rewrite.HasField("sender") else None,
        "tlvs": [{"tag": tlv.tag, "value_hex": tlv.value.hex(), "keep_own": tlv.keep_own} for tlv in rewrite.tlvs],
    }


def _show(explained: dict[str, Any]) -> None:
    if explained["network"]:
        click.echo(f"network: {explained['network']}{' (ported)' if explained['ported'] else ''}")
    if explained["policy_steps"]:
        for step in explained["policy_steps"]:
            click.echo(f"- {step}")
        rule = f" by {explained['policy_rule']}" if explained["policy_rule"] else ""
        status = f" with {explained['status']}" if explained["status"] else ""
        colour = "green" if explained["decision"] == "accept" else "yellow"
        until = ""
        if explained["until_ms"]:
            moment = datetime.datetime.fromtimestamp(explained["until_ms"] / 1_000, datetime.UTC)
            until = f" until {moment.isoformat(timespec='minutes')}"
        click.echo(f"policy: {styled(explained['decision'], fg=colour)}{rule}{status}{until}")
    if explained["consent"]:
        click.echo(f"consent: {explained['consent']}")
    for step in explained["steps"]:
        click.echo(f"- {step}")
    click.echo(f"route: {styled(explained['route'] or 'none', bold=True)}")
    for each in explained["targets"]:
        up = styled("available", fg="green") if each["available"] else styled("down", fg="red")
        price = f"  price {each['price']}" if explained["balance"] == "leastCost" else ""
        click.echo(f"  {each['carrier']}  priority {each['priority']}  weight {each['weight']}{price}  {up}")
        if each["sender"] is not None:
            click.echo(f"    sender {each['sender']}")
        for tlv in each["tlvs"]:
            own = ", unless it has one" if tlv["keep_own"] else ""
            click.echo(f"    TLV {tlv['tag']:#06x} = {tlv['value_hex']}{own}")
    if explained["to_account"]:
        click.echo(f"  to account {explained['to_account']}")


def _at_ms(text: str | None) -> int:
    from brivas.errors import UsageError

    if text is None:
        return 0
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"no time: {text!r}", hint="ISO 8601, such as 2026-11-24T21:30+01:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp() * 1_000)
