"""`brivas quarantine list|release|reject`: messages that a policy rule holds for review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json

if TYPE_CHECKING:
    from brivas.v1 import control_pb2


@click.group(short_help="Reviews messages that a policy rule holds.")
def quarantine() -> None:
    """Reviews messages that a policy rule holds: they are taken, and go out only when they are released."""


@quarantine.command("list", short_help="Lists what is held.")
@click.option("--rule", default="", help="Only what this PolicyRule holds.")
@click.option("--account", default="", help="Only messages of this account.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=1_000, help="At most so many, the oldest first.")
@click.option("--after", default="", help="Only messages behind this id: the last one of a list gives the next page.")
@control_target_option
@json_option
@click.pass_obj
def list_held(
    output: Output, rule: str, account: str, limit: int, after: str, control_target: str | None, as_json: bool
) -> None:
    """Lists the messages that are held, the oldest first."""
    from brivas.v1 import control_pb2

    request = control_pb2.ReviewRequest(rule=rule, account=account, limit=limit, after=after)
    answer = _review(output, control_target, request)
    messages = [held_as_dict(each) for each in answer.messages]
    if as_json:
        print_json({"messages": messages, "held": answer.held})
        return
    for each in messages:
        click.echo(_line(each))
    click.echo(f"{answer.held} held")


@quarantine.command(short_help="Lets messages go.")
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are held, or all that --rule and --account name.")
@click.option("--rule", default="", help="With --all: only what this PolicyRule holds.")
@click.option("--account", default="", help="With --all: only messages of this account.")
@control_target_option
@json_option
@click.pass_obj
def release(
    output: Output,
    ids: tuple[str, ...],
    everything: bool,
    rule: str,
    account: str,
    control_target: str | None,
    as_json: bool,
) -> None:
    """Lets messages go. The policy is asked once more: suppressions and quiet hours still count."""
    from brivas.v1 import control_pb2

    _decide(output, control_target, control_pb2.REVIEW_ACTION_RELEASE, ids, everything, rule, account, as_json)


@quarantine.command(short_help="Ends messages, rejected.")
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are held, or all that --rule and --account name.")
@click.option("--rule", default="", help="With --all: only what this PolicyRule holds.")
@click.option("--account", default="", help="With --all: only messages of this account.")
@control_target_option
@json_option
@click.pass_obj
def reject(
    output: Output,
    ids: tuple[str, ...],
    everything: bool,
    rule: str,
    account: str,
    control_target: str | None,
    as_json: bool,
) -> None:
    """Ends messages: their state is `rejected`, and the customer gets a receipt that says so."""
    from brivas.v1 import control_pb2

    _decide(output, control_target, control_pb2.REVIEW_ACTION_REJECT, ids, everything, rule, account, as_json)


def held_as_dict(held: control_pb2.HeldMessage) -> dict[str, Any]:
    """One held message."""
    from brivas import content

    return {
        "id": held.id,
        "account": held.account,
        "rule": held.rule,
        "accepted_at_ms": held.accepted_at_ms,
        "expires_at_ms": held.expires_at_ms,
        "from": content.address(held.source),
        "to": content.address(held.destination),
        "text": held.text,
    }


def _decide(
    output: Output,
    control_target: str | None,
    action: control_pb2.ReviewAction.ValueType,
    ids: tuple[str, ...],
    everything: bool,
    rule: str,
    account: str,
    as_json: bool,
) -> None:
    from brivas.errors import UsageError
    from brivas.v1 import control_pb2

    if bool(ids) == everything:
        raise UsageError("name ids, or say --all", hint="`brivas quarantine list` shows the ids")
    if (rule or account) and not everything:
        raise UsageError("--rule and --account go with --all", hint="ids say by themselves which messages are meant")
    request = control_pb2.ReviewRequest(
        action=action, ids=ids, rule=rule, account=account, all=everything, limit=10_000
    )
    answer = _review(output, control_target, request)
    messages = [held_as_dict(each) for each in answer.messages]
    if as_json:
        print_json({"messages": messages, "unknown": list(answer.unknown), "held": answer.held})
    else:
        for each in messages:
            click.echo(_line(each))
        for unknown in answer.unknown:
            click.echo(f"{unknown}: nothing is held under this id", err=True)
        click.echo(f"{len(messages)} done, {answer.held} still held")
    if answer.unknown:
        raise SystemExit(1)


def _review(
    output: Output, control_target: str | None, request: control_pb2.ReviewRequest
) -> control_pb2.ReviewResponse:
    from brivas import endpoints
    from brivas.clients.control import ControlClient

    target = endpoints.control_target(output.data, control_target)
    with ControlClient(target, endpoints.control_token(output.data, None)) as client:
        return client.review(request)


def _line(held: dict[str, Any]) -> str:
    from brivas.cli.events import clock

    text = held["text"].replace("\n", " ")
    return f"{held['id']}  {clock(held['accepted_at_ms'])}  {held['rule']}  {held['from']} -> {held['to']}  {text}"
