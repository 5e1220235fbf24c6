"""`brivas simulate smsc|esme`: a carrier that behaves as told, and customers that send."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from brivas import settings
from brivas.carrier_profiles import PROFILES, options_of
from brivas.cli.options import setting_option
from brivas.cli.output import Output, json_option
from brivas.errors import UsageError


@click.group(short_help="Simulates carriers and customers.")
def simulate() -> None:
    """Simulates the two sides of the gateway: a carrier (smsc), or customers (esme)."""


def _profiles_help() -> str:
    """The profiles, each on a line of its own."""
    width = max(len(name) for name in PROFILES)
    lines = [f"{name:<{width}}  {profile.meaning}" for name, profile in PROFILES.items()]
    return "\b\nProfiles:\n" + "\n".join(f"  {line}" for line in lines)


@simulate.command(short_help="A carrier that behaves as told.", epilog=_profiles_help())
@setting_option(
    "--profile", settings.SIMULATE_PROFILE, multiple=True, type=click.Choice(list(PROFILES)), metavar="NAME"
)
@setting_option("--listen", settings.CARRIER_LISTEN, metavar="HOST:PORT")
@setting_option("--system-id", settings.SIMULATE_SYSTEM_ID)
@setting_option("--password", settings.SIMULATE_PASSWORD)
@click.option("--latency-ms", type=click.IntRange(0, 86_400_000), default=0, help="Before each submit_sm_resp.")
@click.option(
    "--receipts", type=click.Choice(["asked", "always", "never"]), default="asked", help="For which messages."
)
@click.option("--receipt-delay-ms", type=click.IntRange(0, 86_400_000), default=0, help="From response to receipt.")
@click.option("--receipt-before-response", is_flag=True, help="Send the receipt first, as some carriers do.")
@click.option(
    "--state", "states", multiple=True, metavar="STATE=RATIO[:ERR]", help="Share of a final state: UNDELIV=0.05:011."
)
@click.option(
    "--error", "errors", multiple=True, metavar="STATUS=RATIO", help="Share of refusals: ESME_RSYSERR=0.01 or 8=0.01."
)
@click.option(
    "--throttle-per-second", type=click.IntRange(min=0), default=0, help="Beyond it ESME_RTHROTTLED; 0: never."
)
@click.option(
    "--disconnect-every", type=click.IntRange(min=0), default=0, help="Hang up at each N-th message; 0: never."
)
@click.option("--silent-ratio", type=click.FloatRange(0, 1), default=0.0, help="Share of messages never answered.")
@click.option(
    "--message-id",
    type=click.Choice(["hexadecimal", "decimal", "padded", "mixed", "reversed", "case", "zeros", "dashes", "short"]),
    default="hexadecimal",
    help="How ids are written; mixed: hexadecimal in the response, decimal in the receipt.",
)
@click.option("--incoming-per-second", type=click.FloatRange(0, 1_000_000), default=0.0, help="Messages from mobiles.")
@click.option("--incoming-to", default="4915000", help="The number that they are for.")
@click.option("--incoming-from", default="491700000001", help="The mobile.")
@click.option("--incoming-text", default="Hello from a mobile", help="Up to 160 octets.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Of every choice by chance.")
@click.option("--quiet", is_flag=True, help="No progress and no result.")
@json_option
@click.pass_context
def smsc(
    context: click.Context,
    profile: tuple[str, ...],
    listen: str,
    system_id: str | None,
    password: str | None,
    latency_ms: int,
    receipts: str,
    receipt_delay_ms: int,
    receipt_before_response: bool,
    states: tuple[str, ...],
    errors: tuple[str, ...],
    throttle_per_second: int,
    disconnect_every: int,
    silent_ratio: float,
    message_id: str,
    incoming_per_second: float,
    incoming_to: str,
    incoming_from: str,
    incoming_text: str,
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """A carrier: takes binds and messages, answers and sends receipts as told, until Ctrl-C.

    A profile is a peculiarity of carriers in the field; several may be given. What an option says stands above them.
    """
    from brivas.cli.simulation import run_simulation

    options: dict[str, Any] = {
        "listen": listen,
        "system_id": system_id or "",
        "password": password or "",
        "latency_ms": latency_ms,
        "receipts": receipts,
        "receipt_delay_ms": receipt_delay_ms,
        "receipt_before_response": receipt_before_response,
        "states": [parse_state(text) for text in states],
        "error_rates": [parse_error_rate(text) for text in errors],
        "throttle_per_second": throttle_per_second,
        "disconnect_every": disconnect_every,
        "silent_ratio": silent_ratio,
        "message_id": message_id,
        "seed": seed,
    }
    if incoming_per_second > 0:
        options["mobile_originated"] = {
            "per_second": incoming_per_second,
            "source": incoming_from,
            "destination": incoming_to,
            "text": incoming_text,
        }
    run_simulation("smsc", _with_profiles(context, options, profile), as_json=as_json, quiet=quiet)


def _with_profiles(context: click.Context, options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The options, and of the profiles what was not said by an option of its own."""
    said = {
        _OPTION_OF.get(name, name)
        for name in context.params
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    return options | {name: value for name, value in options_of(names).items() if name not in said}


_OPTION_OF = {"errors": "error_rates"}
"""The simulated carrier's names of options that have another one here."""


@simulate.command()
@click.option("--target", metavar="HOST:PORT", help="Where to bind.  [default: the gateway of --data]")
@click.option("--system-id", help="Whose binds they are.  [default: the sample account's]")
@setting_option("--password", settings.SMPP_PASSWORD)
@click.option("--binds", type=click.IntRange(1, 16_384), default=1, help="Transceiver binds.")
@click.option("--window", type=click.IntRange(1, 100_000), default=64, help="Unanswered messages a bind.")
@click.option("--messages", type=click.IntRange(min=0), default=0, help="Messages in all; 0: as --seconds says.")
@click.option("--seconds", type=click.FloatRange(0, 1_000_000), default=0.0, help="How long to send; 0: no limit.")
@click.option("--rate", type=click.FloatRange(0, 1e8), default=0.0, help="Messages a second; 0: as fast as answered.")
@click.option("--text-octets", type=click.IntRange(0, 254), default=140, help="Length of the text.")
@click.option("--receipts/--no-receipts", default=True, help="Ask for a receipt of each message.")
@click.option("--from", "source", default="Brivas", help="The sender.")
@click.option("--destination-prefix", default="4915", help="How the destinations begin.")
@click.option("--reconnect", is_flag=True, help="Bind again when a connection ends, and go on.")
@click.option("--drain-seconds", type=click.FloatRange(0, 1_000_000), default=10.0, help="Wait so long for receipts.")
@click.option("--quiet", is_flag=True, help="No progress and no result.")
@json_option
@click.pass_obj
def esme(
    output: Output,
    target: str | None,
    system_id: str | None,
    password: str | None,
    binds: int,
    window: int,
    messages: int,
    seconds: float,
    rate: float,
    text_octets: int,
    receipts: bool,
    source: str,
    destination_prefix: str,
    reconnect: bool,
    drain_seconds: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """Customers: bind, send, and count what comes back. Sends one message unless told how many, or how long."""
    from brivas import endpoints
    from brivas.cli.simulation import run_simulation
    from brivas.layout import Layout
    from brivas.supervise.sample import read_credentials

    sample = None if system_id else read_credentials(Layout(output.data))
    if sample is not None:
        system_id, password = sample.system_id, password or sample.password
    if not system_id:
        raise UsageError(f"no --system-id, and no sample account in {output.data}", hint="name the account to bind as")
    options: dict[str, Any] = {
        "target": endpoints.smpp_target(output.data, target),
        "system_id": system_id,
        "password": password or "",
        "binds": binds,
        "window": window,
        "messages": messages if messages or seconds else 1,
        "seconds": seconds,
        "rate": rate,
        "text_octets": text_octets,
        "registered_delivery": int(receipts),
        "source": source,
        "destination_prefix": destination_prefix,
        "reconnect": reconnect,
        "drain_seconds": drain_seconds,
    }
    run_simulation("load", options, as_json=as_json, quiet=quiet)


def parse_state(text: str) -> dict[str, Any]:
    """`UNDELIV=0.05:011` to the simulation's option."""
    state, _, rest = text.partition("=")
    ratio, _, error = rest.partition(":")
    return {"state": state.upper(), "ratio": _ratio("--state", text, ratio), "error": error}


def parse_error_rate(text: str) -> dict[str, Any]:
    """`ESME_RSYSERR=0.01` or `8=0.01` to the simulation's option."""
    status, _, ratio = text.partition("=")
    try:
        code: int | str = int(status, 0)
    except ValueError:
        code = status.upper()
    return {"command_status": code, "ratio": _ratio("--error", text, ratio)}


def _ratio(option: str, text: str, ratio: str) -> float:
    try:
        value = float(ratio)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"{option} {text}: the ratio is {ratio or 'missing'!r}", hint="NAME=RATIO, RATIO from 0 to 1")
    return value
