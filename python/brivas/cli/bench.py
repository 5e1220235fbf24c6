"""`brivas bench e2e|floor|route`: measures the gateway end to end, beside what the machine gives without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from brivas.cli.bench_results import finish, write_results
from brivas.cli.bench_route import route
from brivas.cli.output import Output, json_option, print_error
from brivas.errors import BrivasError

if TYPE_CHECKING:
    from brivas.bench.runner import Measurement, Stage
    from brivas.bench.shape import Shape

Command = TypeVar("Command", bound=Callable[..., Any])

_SHAPE_OPTIONS = (
    click.option("--binds", type=click.IntRange(1, 10_000), default=64, help="Customers' transceiver binds."),
    click.option("--window", type=click.IntRange(1, 10_000), default=64, help="Unanswered messages a bind."),
    click.option("--carrier-binds", type=click.IntRange(1, 1_000), default=16, help="Binds to the carrier."),
    click.option("--seconds", type=click.FloatRange(0.1, 86_400), default=10.0, help="Measured time of each round."),
    click.option("--warm-up-seconds", type=click.FloatRange(0, 3_600), default=1.0, help="Before it, not measured."),
    click.option("--drain-seconds", type=click.FloatRange(0, 3_600), default=30.0, help="Wait so long for receipts."),
    click.option("--text-octets", type=click.IntRange(0, 254), default=140, help="Length of each text."),
    click.option("--rounds", type=click.IntRange(1, 100), default=3, help="Rounds; figures are medians."),
    click.option("--results", type=click.Path(path_type=Path, dir_okay=False), help="Also write all of it to a file."),
)


def _shape_options(command: Command) -> Command:
    for option in reversed(_SHAPE_OPTIONS):
        command = option(command)
    return command


@click.group(short_help="Measures messages per second.")
def bench() -> None:
    """Measures. A message counts when it was accepted, forwarded, and its receipt is back at the customer."""


bench.add_command(route)


@bench.command(short_help="The gateway end to end, beside the floor.")
@_shape_options
@click.option(
    "--carrier-window", type=click.IntRange(1, 10_000), default=1_000, help="Unanswered messages a carrier bind."
)
@click.option("--durability", type=click.Choice(["disk", "memory"]), default="disk", help="What the account asks for.")
@click.option(
    "--latency-load",
    type=click.FloatRange(0, 1),
    default=0.5,
    help="Latency is taken at this share of the rate found, counted from when each message was to be sent; "
    "0 takes it at full rate, from when it was sent.",
)
@json_option
@click.pass_obj
def e2e(
    output: Output,
    binds: int,
    window: int,
    carrier_binds: int,
    seconds: float,
    warm_up_seconds: float,
    drain_seconds: float,
    text_octets: int,
    rounds: int,
    results: Path | None,
    carrier_window: int,
    durability: str,
    latency_load: float,
    as_json: bool,
) -> None:
    """The gateway end to end, and the floor at the same shape, in turn.

    Load, gateway and carrier are processes of their own. Journals stand in DATA/bench and are removed. Exit code 1:
    customers, carrier and journal do not count the same.
    """
    from brivas.bench.runner import measure_e2e, refuse_debug
    from brivas.bench.shape import Shape

    refuse_debug()
    shape = Shape(
        binds=binds,
        window=window,
        carrier_binds=carrier_binds,
        carrier_window=carrier_window,
        durability="disk" if durability == "disk" else "memory",
        seconds=seconds,
        warm_up_seconds=warm_up_seconds,
        drain_seconds=drain_seconds,
        text_octets=text_octets,
    )
    total = 2 * rounds + (1 if latency_load > 0 else 0)
    with _stages(shape, total) as stage:
        measurement = measure_e2e(shape, rounds, latency_load, output.data / "bench", stage)
    _finish("e2e", measurement, results, as_json=as_json)


@bench.command(short_help="What the machine gives when bytes are only moved.")
@_shape_options
@json_option
def floor(
    binds: int,
    window: int,
    carrier_binds: int,
    seconds: float,
    warm_up_seconds: float,
    drain_seconds: float,
    text_octets: int,
    rounds: int,
    results: Path | None,
    as_json: bool,
) -> None:
    """What the machine gives when nothing but bytes is moved between the same load and carrier.

    Exit code 1: customers and carrier do not count the same.
    """
    from brivas.bench.runner import measure_floor, refuse_debug
    from brivas.bench.shape import Shape

    refuse_debug()
    shape = Shape(
        binds=binds,
        window=window,
        carrier_binds=carrier_binds,
        carrier_window=1,
        durability="memory",
        seconds=seconds,
        warm_up_seconds=warm_up_seconds,
        drain_seconds=drain_seconds,
        text_octets=text_octets,
    )
    with _stages(shape, rounds) as stage:
        measurement = measure_floor(shape, rounds, stage)
    _finish("floor", measurement, results, as_json=as_json)


@contextmanager
def _stages(shape: Shape, total: int) -> Iterator[Stage]:
    """A bar on stderr for each round, and one for all."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        everything = bars.add_task("rounds", total=total, note="")
        current = bars.add_task("", total=None, note="", visible=False)
        begun = 0

        def stage(name: str) -> Callable[[dict[str, Any]], None]:
            nonlocal begun
            bars.update(everything, completed=begun)
            begun += 1
            bars.reset(current, total=shape.warm_up_seconds + shape.seconds, description=name, visible=True, note="")
            before = {"messages": 0, "at": 0.0}

            def progress(counters: dict[str, Any]) -> None:
                elapsed = bars.tasks[current].elapsed or 0.0
                gained, spent = counters["receipts"] - before["messages"], elapsed - before["at"]
                rate = gained / spent if spent > 0 else 0.0
                before.update(messages=counters["receipts"], at=elapsed)
                bars.update(current, completed=elapsed, note=f"{counters['phase']} {rate:,.0f}/s")

            return progress

        yield stage
        bars.update(everything, completed=total)


def _finish(command: str, measurement: Measurement, results: Path | None, *, as_json: bool) -> None:
    if results is not None:
        rounds = [each.as_json() for each in measurement.rounds]
        details = {"rounds": rounds, "fdatasync_ms": measurement.sync_ms}
        write_results(command, measurement.result, details, results)
    finish(measurement.result, as_json=as_json)
    if not measurement.result["counts_agree"]:
        hint = "the rounds in a --results FILE have every count; a slow machine may need more --drain-seconds"
        print_error(BrivasError("customers, carrier and journal do not count the same", hint=hint))
        click.get_current_context().exit(1)
