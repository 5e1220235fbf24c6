"""`brivas webhooks`: how deliveries stand, which failed, and trying them again."""

from __future__ import annotations

import click

from brivas.cli.output import Output, json_option, print_json, print_table


@click.group()
def webhooks() -> None:
    """Deliveries to webhooks: how they stand, which failed."""


@webhooks.command("list", short_help="Lists every webhook and how it stands.")
@json_option
@click.pass_obj
def list_webhooks(output: Output, as_json: bool) -> None:
    """Lists every webhook: its state, deliveries that wait and that failed, its last success and last error."""
    from brivas.cli.events import clock
    from brivas_gateways.webhooks.standing import read_standings

    standings = read_standings(output.data)
    if as_json:
        print_json({"webhooks": standings})
        return
    rows = [
        (
            each.webhook,
            each.account or "",
            each.state,
            str(each.pending),
            str(each.failed),
            clock(each.last_success_at_ms) if each.last_success_at_ms else "never",
            " ".join((clock(each.last_error_at_ms) if each.last_error_at_ms else "", each.last_error or "")).strip(),
        )
        for each in standings
    ]
    print_table(("webhook", "account", "state", "pending", "failed", "last success", "last error"), rows, "webhook")
    if not rows:
        click.echo("A resource of kind Webhook in the configuration makes one.", err=True)


@webhooks.command()
@click.option("--webhook", metavar="NAME", help="Only of this Webhook.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, help="How many, newest first.")
@json_option
@click.pass_obj
def failed(output: Output, webhook: str | None, limit: int, as_json: bool) -> None:
    """Lists deliveries that were given up, newest first."""
    from brivas.timestamps import iso_timestamp
    from brivas_gateways.webhooks.store import Store

    store = Store(output.data, create=False)
    found, dropped = store.failed(webhook=webhook, limit=limit), store.failed_dropped()
    store.close()
    if as_json:
        print_json({"failed": found, "dropped": dropped})
        return
    for each in found:
        click.echo(
            f"{each.id}  {iso_timestamp(each.failed_at_ms)}  {each.webhook}  {each.event}  message {each.message_id}"
            f"  attempts {each.attempts}  {each.reason}"
        )
    if dropped:
        click.echo(f"{dropped} older ones were forgotten: too many", err=True)


@webhooks.command()
@click.argument("failed_id", metavar="ID", type=click.IntRange(min=1))
@json_option
@click.pass_obj
def retry(output: Output, failed_id: int, as_json: bool) -> None:
    """Puts a failed delivery in line again. ID is what `brivas webhooks failed` shows."""
    from brivas_gateways.webhooks.clock import SystemClock
    from brivas_gateways.webhooks.store import Store

    store = Store(output.data, create=False)
    try:
        revived = store.revive(failed_id, SystemClock().now_ms())
    finally:
        store.close()
    if as_json:
        print_json({"id": revived.id, "webhook": revived.webhook, "event": revived.event})
        return
    click.echo(f"{revived.event} of message {revived.message_id} is in line again for {revived.webhook}")


@webhooks.command(short_help="Takes a disabled webhook into use again.")
@click.argument("name")
@json_option
@click.pass_obj
def enable(output: Output, name: str, as_json: bool) -> None:
    """Takes a webhook into use again that was disabled because its receiver answered 410."""
    from brivas_gateways.webhooks.store import Store

    store = Store(output.data, create=False)
    was_disabled = store.enable(name)
    store.close()
    if as_json:
        print_json({"webhook": name, "was_disabled": was_disabled})
        return
    click.echo(f"{name} is in use again" if was_disabled else f"{name} was not disabled")
