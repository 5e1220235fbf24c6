"""`brivas bench route`: measures routing alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from brivas.cli.bench_results import finish, write_results
from brivas.cli.output import json_option, print_error
from brivas.errors import BrivasError


@click.command(short_help="Routing alone, beside a hash table and plain Python.")
@click.option("--prefixes", type=click.IntRange(1, 4_000_000), default=1_000_000, help="Prefixes of 4 to 12 digits.")
@click.option("--ported", type=click.IntRange(0, 10_000_000), default=1_000_000, help="Ported numbers.")
@click.option("--rules", type=click.IntRange(0, 10_000), default=10_000, help="Rules before the prefixes.")
@click.option("--lookups", type=click.IntRange(1, 1_000_000_000), default=2_000_000, help="Numbers a round.")
@click.option("--rounds", type=click.IntRange(1, 100), default=3, help="Rounds; figures are medians.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=7, help="What table and numbers are drawn from.")
@click.option("--results", type=click.Path(path_type=Path, dir_okay=False), help="Also write all of it to a file.")
@json_option
def route(
    prefixes: int, ported: int, rules: int, lookups: int, rounds: int, seed: int, results: Path | None, as_json: bool
) -> None:
    """Routing alone: the engine's own table on random prefixes, ported numbers and rules; one look-up in a hash table
    as the floor, and a router in plain Python, in turn.

    Exit code 1: the engine and plain Python do not find the same routes.
    """
    from brivas.bench.route import RouteShape, measure, stages
    from brivas.bench.runner import refuse_debug

    refuse_debug()
    shape = RouteShape(prefixes=prefixes, ported=ported, rules=rules, lookups=lookups, seed=seed)
    with _progress(stages(rounds)) as stage:
        result, taken = measure(shape, rounds, stage)
    if results is not None:
        write_results("route", result, {"rounds": taken}, results)
    finish(result, as_json=as_json)
    if result["disagreements"]:
        print_error(BrivasError(f"{result['disagreements']} of {result['compared']} numbers have another route"))
        click.get_current_context().exit(1)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on stderr for all stages, named by the current one."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bars:
        bar = bars.add_task("", total=total)
        begun = 0

        def stage(name: str) -> None:
            nonlocal begun
            bars.update(bar, completed=begun, description=name)
            begun += 1

        yield stage
        bars.update(bar, completed=total)
