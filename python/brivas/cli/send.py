"""`brivas send`: one message through the engine's Messaging."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import click

from brivas.cli.options import api_key_option, messaging_target_option
from brivas.cli.output import Output, json_option, print_json, styled
from brivas.limits import VALIDITY_SECONDS_MAX

if TYPE_CHECKING:
    from brivas.actions.send_message import Encoding
    from brivas.clients.messaging import MessagingClient
    from brivas.v1 import messaging_pb2

_POLL_SECONDS = 0.1


@click.command()
@click.option("--to", required=True, help="The recipient in E.164: up to 15 digits, with or without '+'.")
@click.option("--from", "sender", required=True, help="A number, a short code, or up to 11 alphanumeric characters.")
@click.option("--text", help="What it says.")
@click.option("--data", metavar="HEX", help="Instead of --text: octets in hexadecimal, sent as they are.")
@click.option(
    "--encoding",
    type=click.Choice(["auto", "gsm7", "latin1", "ucs2", "binary"]),
    default="auto",
    help="How the text is written: auto takes the fewest parts, the others are taken or refused; binary is --data.",
)
@click.option("--flash", is_flag=True, help="Show it at once and do not store it: message class 0.")
@click.option(
    "--transliterate/--no-transliterate",
    default=None,
    help="Whether characters may be replaced by their nearest; as the account says if not given.",
)
@click.option(
    "--validity-seconds",
    type=click.IntRange(0, VALIDITY_SECONDS_MAX),
    default=0,
    help="How long to try, up to 12 months; 0 takes the account's default.",
)
@click.option(
    "--schedule",
    default="",
    metavar="TIME",
    help="When to send it, with its zone: 2030-01-02T03:04:05Z; at once if not given.",
)
@click.option("--reference", default="", help="Your own name for the message, up to 64 octets.")
@click.option("--idempotency-key", default="", help="The same key with the same message is sent once.")
@click.option("--wait", is_flag=True, help="Wait for the receipt; exit code 1 unless it says delivered.")
@click.option("--timeout-seconds", type=click.FloatRange(min=0.1), default=60.0, help="How long --wait waits.")
@messaging_target_option
@api_key_option
@json_option
@click.pass_obj
def send(
    output: Output,
    to: str,
    sender: str,
    text: str | None,
    data: str | None,
    encoding: Encoding,
    flash: bool,
    transliterate: bool | None,
    validity_seconds: int,
    schedule: str,
    reference: str,
    idempotency_key: str,
    wait: bool,
    timeout_seconds: float,
    messaging_target: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Sends one message, and with --wait waits for its receipt."""
    from brivas import endpoints
    from brivas.actions.send_message import NewMessage, refusal
    from brivas.cli.events import status_as_dict
    from brivas.clients.messaging import MessagingClient

    if (text is None) == (data is None):
        raise click.UsageError("give exactly one of --text and --data")
    if data is not None and not re.fullmatch("([0-9a-fA-F]{2})*", data):
        raise click.BadParameter(f"{data!r} is not octets in hexadecimal, two digits each", param_hint="--data")
    options = {"text": text, "data": data, "transliterate": transliterate}
    try:
        # The engine judges the addresses; what goes with what, the action says for all faces.
        message = NewMessage(
            to=to,
            from_=sender,
            encoding=encoding,
            flash=flash,
            validity_seconds=validity_seconds,
            reference=reference,
            **{name: value for name, value in options.items() if value is not None},  # type: ignore[arg-type]
        ).as_proto()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if schedule:
        message.schedule_at_ms = _schedule_ms(schedule)
    target = endpoints.messaging_target(output.data, messaging_target)
    with MessagingClient(target, endpoints.api_key(output.data, api_key)) as client:
        answer = client.submit([message], idempotency_key=idempotency_key)
        result = answer.results[0]
        if not result.id:
            raise refusal(result)
        if not wait:
            if as_json:
                print_json({"id": result.id, "replayed": answer.replayed, **_cost(result.text)})
            else:
                click.echo(result.id)
                _tell_saving(result.text)
            return
        click.echo(f"accepted {result.id}, waiting for the receipt", err=True)
        status = status_as_dict(_wait_final(client, result.id, timeout_seconds))
    _show(status, as_json=as_json)
    if status["state"] != "delivered":
        raise SystemExit(1)


def _schedule_ms(text: str) -> int:
    from brivas.timestamps import parse_timestamp

    try:
        return parse_timestamp(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time with a zone; write 2030-01-02T03:04:05Z", param_hint="--schedule"
        ) from None


def _cost(cost: messaging_pb2.TextCost) -> dict[str, Any]:
    return {
        "parts": cost.parts,
        "encoding": cost.encoding,
        "replaced": cost.replaced,
        "parts_saved": cost.parts_saved if cost.replaced else 0,
    }


def _tell_saving(cost: messaging_pb2.TextCost) -> None:
    if cost.parts > 1 or cost.replaced:
        said = f"{cost.parts} parts in {cost.encoding}"
        if cost.replaced:
            said += f", {cost.parts_saved} saved by replacing {cost.replaced} characters"
        elif cost.parts_saved:
            said += f"; transliteration would save {cost.parts_saved}"
        click.echo(said, err=True)


def _wait_final(client: MessagingClient, message_id: str, timeout_seconds: float) -> Any:
    from brivas.errors import DeadlineError
    from brivas.events import FINAL_STATES, state_name

    end = time.monotonic() + timeout_seconds
    while True:
        status = client.query(message_id)
        if status.state in FINAL_STATES:
            return status
        if time.monotonic() >= end:
            raise DeadlineError(
                f"no receipt of {message_id} after {timeout_seconds:g} seconds: {state_name(status.state)}",
                hint=f"`brivas messages show {message_id}` says how far it is",
            )
        time.sleep(_POLL_SECONDS)


def _show(status: dict[str, Any], *, as_json: bool) -> None:
    from brivas.cli.events import line

    if as_json:
        print_json(status)
        return
    for entry in status["history"]:
        click.echo(line(entry))
    colour = "green" if status["state"] == "delivered" else "red"
    click.echo(f"{status['id']} {styled(status['state'], fg=colour, bold=True)}")
