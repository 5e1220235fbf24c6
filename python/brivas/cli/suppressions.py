"""`brivas suppressions list|add|remove`: consents that changed since the lists of the configuration were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json

if TYPE_CHECKING:
    from brivas.v1 import control_pb2, events_pb2


@click.group(short_help="Shows and changes who wants no messages.")
def suppressions() -> None:
    """Shows and changes who wants no messages, beside the SuppressionLists of the configuration."""


@suppressions.command("list", short_help="Lists what changed.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=10_000, help="At most so many.")
@control_target_option
@json_option
@click.pass_obj
def list_changes(output: Output, limit: int, control_target: str | None, as_json: bool) -> None:
    """Lists what changed: by STOP and START in incoming messages, and by `add` and `remove`.

    What the lists of the configuration say as well is left out.
    """
    from brivas.v1 import control_pb2

    answer = _call(output, control_target, control_pb2.SuppressionsRequest(limit=limit))
    changes = sorted((_change(each) for each in answer.changes), key=lambda change: change["number"])
    if as_json:
        print_json({"changes": changes, "changed": answer.changed, "listed": answer.listed})
        return
    for each in changes:
        said = "wants nothing" if each["suppressed"] else "welcome"
        account, sender = each["account"] or "every account", each["sender"] or "every sender"
        click.echo(f"{each['number']}  {said}  {account}, {sender}")
    click.echo(f"{answer.changed} changes, {answer.listed} in the lists of the configuration")


@suppressions.command(short_help="A number wants nothing more.")
@click.argument("number")
@click.option("--account", default="", help="From this account.  [default: from every one]")
@click.option("--sender", default="", help="From this sender.  [default: from every one]")
@control_target_option
@json_option
@click.pass_obj
def add(output: Output, number: str, account: str, sender: str, control_target: str | None, as_json: bool) -> None:
    """NUMBER wants nothing more. In force with the next message, and remembered over restarts."""
    from brivas.v1 import control_pb2

    _set(output, control_target, control_pb2.SUPPRESSIONS_ACTION_ADD, number, account, sender, as_json)


@suppressions.command(short_help="A number wants messages again.")
@click.argument("number")
@click.option("--account", default="", help="From this account.  [default: from every one]")
@click.option("--sender", default="", help="From this sender.  [default: from every one]")
@control_target_option
@json_option
@click.pass_obj
def remove(output: Output, number: str, account: str, sender: str, control_target: str | None, as_json: bool) -> None:
    """NUMBER wants messages again: what was said of exactly this account and sender no longer counts."""
    from brivas.v1 import control_pb2

    _set(output, control_target, control_pb2.SUPPRESSIONS_ACTION_REMOVE, number, account, sender, as_json)


def _set(
    output: Output,
    control_target: str | None,
    action: control_pb2.SuppressionsAction.ValueType,
    number: str,
    account: str,
    sender: str,
    as_json: bool,
) -> None:
    from brivas.v1 import control_pb2

    request = control_pb2.SuppressionsRequest(action=action, account=account, sender=sender, number=number)
    answer = _call(output, control_target, request)
    suppressed = action == control_pb2.SUPPRESSIONS_ACTION_ADD
    if as_json:
        print_json(
            {
                "number": number,
                "account": account or None,
                "sender": sender or None,
                "suppressed": suppressed,
                "changed": answer.changed,
            }
        )
        return
    click.echo(f"{number}: {'wants nothing' if suppressed else 'welcome'}; {answer.changed} changes")


def _call(
    output: Output, control_target: str | None, request: control_pb2.SuppressionsRequest
) -> control_pb2.SuppressionsResponse:
    from brivas import endpoints
    from brivas.clients.control import ControlClient

    target = endpoints.control_target(output.data, control_target)
    with ControlClient(target, endpoints.control_token(output.data, None)) as client:
        return client.suppressions(request)


def _change(change: events_pb2.ConsentChanged) -> dict[str, Any]:
    return {
        "account": change.account or None,
        "sender": change.sender.decode("latin-1") or None,
        "number": change.number,
        "suppressed": change.suppressed,
    }
