"""Runs a simulation of the extension until it ends or a signal comes: progress on stderr, the result on stdout."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from brivas.cli.output import print_json
from brivas.errors import BrivasError, UsageError
from brivas.supervised import end_with_supervisor

if TYPE_CHECKING:
    from brivas._core import Simulation

_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
_POLL_SECONDS = 0.1
_PROGRESS_SECONDS = 1.0


def run_simulation(kind: str, options: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    """`kind` is smsc or load; `options` are the simulation's own."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    end_with_supervisor()
    simulation = _start(kind, options)
    address = simulation.address()
    if not quiet and address is not None:
        click.echo(f"listening on {address}; Ctrl-C ends it", err=True)
    _watch(simulation, quiet=quiet)
    simulation.stop()
    result = json.loads(simulation.result())
    if as_json:
        print_json({"address": address, **result})
    elif not quiet:
        for name, value in result.items():
            click.echo(f"{name:<28} {value}")
    if result.get("error"):
        raise BrivasError(f"the simulation failed: {result['error']}", hint="check the options, and what it talks to")


def _start(kind: str, options: dict[str, Any]) -> Simulation:
    # Not at import time: help needs no extension.
    from brivas._core import Simulation

    text = json.dumps(options)
    try:
        return Simulation.smsc(text) if kind == "smsc" else Simulation.load(text)
    except BrivasError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"the simulation does not start: {error}", hint="see --help for the options' ranges"
        ) from error


def _watch(simulation: Simulation, *, quiet: bool) -> None:
    """Until the end or a signal; shows the counters that are not zero, on a terminal in one line that changes."""
    on_terminal = sys.stderr.isatty()
    shown_at, before = time.monotonic(), ""
    while not simulation.wait(0):
        if signal.sigtimedwait(_SIGNALS, _POLL_SECONDS) is not None:
            break
        if quiet or time.monotonic() - shown_at < _PROGRESS_SECONDS:
            continue
        shown_at = time.monotonic()
        counters = json.loads(simulation.progress())
        line = "  ".join(f"{name} {value}" for name, value in counters.items() if value)
        if line == before:
            continue
        before = line
        click.echo(f"\r\x1b[K{line}" if on_terminal else line, err=True, nl=not on_terminal)
    if on_terminal and before:
        click.echo(err=True)
