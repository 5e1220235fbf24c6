"""Hosts the engine: Python starts it, waits for signals in the main thread, and drains it.

Signals are blocked before the engine starts its threads, so that only `sigtimedwait` here takes them. The engine's own
failure is polled beside them: it ends the process with exit code 70, and a supervisor starts it again.
"""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brivas.clients.control import ControlClient
from brivas.errors import BrivasError, ConfigError, EngineError, InvalidError
from brivas.layout import Layout
from brivas.log import Log
from brivas.resources.config import load_folder
from brivas.resources.secret import Secret
from brivas.resources.snapshot import compile_snapshot
from brivas.supervised import end_with_supervisor

if TYPE_CHECKING:
    from brivas._core import Engine

_FAILURE_POLL_SECONDS = 0.25
_STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
_SIGNALS = _STOP_SIGNALS | {signal.SIGHUP}


@dataclass(frozen=True, slots=True)
class Listens:
    """The addresses to listen on, host:port; port 0 takes a free one."""

    smpp: str
    messaging: str
    control: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """Octets: of a journal segment, of the journal, of open messages in memory."""

    segment_bytes: int
    retention_bytes: int
    open_bytes: int


def host_engine(
    layout: Layout,
    listens: Listens,
    *,
    config_folder: Path | None,
    bounds: Bounds,
    drain_timeout_ms: int,
) -> None:
    """Runs the engine until a signal; an EngineError when it fails."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    end_with_supervisor()
    _open_descriptors()
    log = Log("gateway")
    token = layout.ensure_control_token()
    engine = _start(layout, listens, token, bounds)
    addresses = engine.addresses()
    log.info("engine_started", **addresses)
    try:
        if config_folder is not None:
            _apply_folder(config_folder, layout, addresses["control"], token, log)
        _serve(engine, log, lambda: _reload(config_folder, layout, addresses["control"], token, log))
        log.info("draining", timeout_ms=drain_timeout_ms)
        drained = engine.drain(drain_timeout_ms)
        _tell(engine, log)
        log.info("drained" if drained else "drain_timed_out")
    finally:
        engine.stop()
        _tell(engine, log)


def _start(layout: Layout, listens: Listens, token: Secret, bounds: Bounds) -> Engine:
    # Not at import time: a process that only asks for help loads no extension.
    from brivas._core import Engine

    layout.gateway.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return Engine(
            data_dir=str(layout.gateway),
            smpp_listen=listens.smpp,
            messaging_listen=listens.messaging,
            control_listen=listens.control,
            control_token=token.reveal(),
            segment_bytes=bounds.segment_bytes,
            retention_bytes=bounds.retention_bytes,
            open_bytes=bounds.open_bytes,
        )
    except BrivasError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        hint = f"is another gateway using {layout.gateway}, or a port taken? `brivas doctor` looks"
        raise EngineError(f"the engine did not start: {error}", hint=hint) from error


def _serve(engine: Engine, log: Log, reload: Callable[[], None]) -> None:
    """Returns when asked to stop."""
    while True:
        received = signal.sigtimedwait(_SIGNALS, _FAILURE_POLL_SECONDS)
        if received is not None:
            log.info("signal_received", signal=signal.Signals(received.si_signo).name)
            if received.si_signo in _STOP_SIGNALS:
                return
            reload()
        _tell(engine, log)
        failure = engine.wait(0)
        if failure is not None:
            log.error("engine_failed", why=failure)
            raise EngineError(f"the engine failed: {failure}", hint="the journal is kept; start the gateway again")


def _tell(engine: Engine, log: Log) -> None:
    """Writes what the engine has noticed into the log."""
    for level, event, fields in engine.notices():
        log.write(level, event, dict(fields))


def _open_descriptors() -> None:
    """Lets the engine hold as many connections as the system allows: the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _apply_folder(folder: Path, layout: Layout, target: str, token: Secret, log: Log) -> None:
    """Puts the folder in force. Wrong: the last good configuration stays; there is none: a ConfigError."""
    try:
        snapshot = compile_snapshot(load_folder(folder, data=layout.data))
        with ControlClient(target, token) as client:
            answer = client.apply(snapshot)
        log.info("config_applied", hash=answer.hash, changed=answer.changed, changes=list(answer.changes))
    except (ConfigError, InvalidError) as error:
        log.error("config_refused", why=error.message, hint=error.hint)
        with ControlClient(target, token) as client:
            in_force = client.stats()
        if not in_force.accounts and not in_force.carriers:
            raise
        log.warning("last_good_config_stays", hash=in_force.snapshot_hash)


def _reload(folder: Path | None, layout: Layout, target: str, token: Secret, log: Log) -> None:
    if folder is None:
        log.warning("nothing_to_reload", hint="start with --config DIR, or let `brivas ops` watch the folder")
        return
    with contextlib.suppress(BrivasError):
        _apply_folder(folder, layout, target, token, log)
