"""`brivas messages tail|show`: what happens to messages, from the engine's journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from brivas.cli.options import api_key_option, control_target_option, messaging_target_option
from brivas.cli.output import Output, json_option, print_json

if TYPE_CHECKING:
    from brivas.v1 import messaging_pb2

KINDS = (
    "accepted",
    "sent",
    "attempt_failed",
    "part_ended",
    "final",
    "receipt_delivered",
    "mo_accepted",
    "mo_delivered",
    "replaced",
    "released",
    "consent_changed",
)


@click.group()
def messages() -> None:
    """Shows messages and their events.

    With an API key: those of its account, through Messaging. Without: those of all accounts, through Control.
    """


@messages.command()
@click.option("--from-offset", type=click.IntRange(min=0), help="Start at this offset of the journal.  [default: now]")
@click.option("--from-start", is_flag=True, help="Start with the oldest event that the journal still has.")
@click.option("--follow/--no-follow", default=True, help="Wait for more at the end, or stop there.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these kinds; repeat it.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many events.")
@messaging_target_option
@control_target_option
@api_key_option
@json_option
@click.pass_obj
def tail(
    output: Output,
    from_offset: int | None,
    from_start: bool,
    follow: bool,
    kinds: tuple[str, ...],
    limit: int | None,
    messaging_target: str | None,
    control_target: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Prints events as they are written, one a line."""
    from brivas import endpoints
    from brivas.cli.events import line, watched_as_dict
    from brivas.clients.control import ControlClient
    from brivas.clients.messaging import MessagingClient

    start = from_offset
    count = 0
    if api_key:
        target = endpoints.messaging_target(output.data, messaging_target)
        client: ControlClient | MessagingClient = MessagingClient(target, endpoints.api_key(output.data, api_key))
    else:
        target = endpoints.control_target(output.data, control_target)
        client = ControlClient(target, endpoints.control_token(output.data, None))
    with client:
        if start is None and (from_start or not follow):
            start = client.stats().journal.start_offset if isinstance(client, ControlClient) else 0
        if not follow and isinstance(client, ControlClient) and (start or 0) >= client.stats().journal.written_offset:
            # The engine answers nothing until there is something to tell.
            return
        for watched in _events(client.watch(from_offset=start, kinds=kinds), follow=follow):
            shown = watched_as_dict(watched)
            if as_json:
                print_json(shown)
            else:
                click.echo(line(shown))
            count += 1
            if count == limit:
                return


@messages.command()
@click.argument("message_id")
@messaging_target_option
@control_target_option
@api_key_option
@json_option
@click.pass_obj
def show(
    output: Output,
    message_id: str,
    messaging_target: str | None,
    control_target: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Shows one message: its state, and each of its events."""
    from brivas import endpoints
    from brivas.cli.events import clock, line, status_as_dict
    from brivas.clients.control import ControlClient
    from brivas.clients.messaging import MessagingClient

    if api_key:
        target = endpoints.messaging_target(output.data, messaging_target)
        with MessagingClient(target, endpoints.api_key(output.data, api_key)) as messaging:
            status = status_as_dict(messaging.query(message_id))
    else:
        target = endpoints.control_target(output.data, control_target)
        with ControlClient(target, endpoints.control_token(output.data, None)) as control:
            status = status_as_dict(control.query(message_id))
    if as_json:
        print_json(status)
        return
    click.echo(f"{status['id']}  {status['state']}  account {status['account']}")
    click.echo(f"  from {status['from']} to {status['to']}, accepted {clock(status['accepted_at_ms'])}")
    if status["text"] is not None:
        click.echo(f"  {status['text']!r}")
    for entry in status["history"]:
        click.echo(f"  {line(entry)}")


def _events(responses: Iterator[messaging_pb2.WatchResponse], *, follow: bool) -> Iterator[messaging_pb2.WatchedEvent]:
    end: int | None = None
    for response in responses:
        # Without --follow: up to where the journal ended when this began.
        end = response.end_offset if end is None else end
        for watched in response.events:
            if not follow and watched.offset >= end:
                return
            yield watched
        if not follow and response.next_offset >= end:
            return
