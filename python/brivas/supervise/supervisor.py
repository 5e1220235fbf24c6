"""`brivas up`: starts the processes, waits until all answer, says so, keeps them running, stops them in order.

The order of stopping is api, ops, gateway, carrier: first nobody calls any more, then the gateway drains while the
carrier still answers. A process that dies is started again; the ready file then has its new process id.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvloop

from brivas.errors import BrivasError, FileError
from brivas.layout import Layout, make_folder, write_private_json
from brivas.log import Log
from brivas.resources.secret import Secret
from brivas.supervise.claim import only_one
from brivas.supervise.in_force import open_something, snapshot_in_force
from brivas.supervise.leftovers import wait_for_leftovers
from brivas.supervise.plans import STOP_SECONDS, make_plans
from brivas.supervise.ports import Mode, choose_ports
from brivas.supervise.process import SupervisedProcess
from brivas.supervise.ready import describe_endpoints, forget_ready_file, wait_until_ready
from brivas.supervise.sample import Credentials, read_credentials, write_sample
from brivas.supervise.tls_face import ask_tls_face

STOP_ORDER = ("api", "ops", "gateway", "carrier")
READY_SECONDS_MAX = 120.0
FOLLOW_SECONDS = 1.0
"""How soon the ready file follows a listener that came, went or moved."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `brivas up` was asked for."""

    data: Path
    config_folder: Path | None
    ports: Mode | None
    ready_file: Path | None
    sample_carrier: bool
    drain_timeout_ms: int


@dataclass(frozen=True, slots=True)
class Started:
    """What the caller prints once everything answers."""

    ports: dict[str, str]
    """host:port of each face that is on."""
    credentials: Credentials | None
    """The sample account's, if the configuration in force has it."""
    carrier: bool
    """The simulated carrier runs."""
    first: bool
    """The sample was written by this run: its credentials are shown now, and never again."""
    smpp_tls: dict[str, Any] | None = None
    """host and port of a TLS listener, if the configuration has one."""


def run_up(options: UpOptions, announce: Callable[[Started], None]) -> None:
    """Runs everything until a signal; returns after all have stopped."""
    with only_one(Layout(options.data.resolve())), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Up(options).run(announce))


class _Up:
    def __init__(self, options: UpOptions) -> None:
        self._options = options
        self._log = Log("up")
        self._layout = Layout(options.data.resolve())
        self._processes: list[SupervisedProcess] = []
        self._started: Started | None = None
        self._ready = False
        self._failure: BrivasError | None = None
        self._stop = asyncio.Event()

    async def run(self, announce: Callable[[Started], None]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        make_folder(self._layout.ops)
        drain_seconds = self._options.drain_timeout_ms / 1000 + STOP_SECONDS
        await wait_for_leftovers(self._layout, self._log, drain_seconds, self._stop)
        if self._stop.is_set():
            return
        token, folder = self._prepare()
        assert self._started is not None  # noqa: S101 - set by _prepare.
        plans = make_plans(self._layout, folder, self._started.ports, self._options)
        self._processes = [SupervisedProcess(plan, self._log, self._write_endpoints) for plan in plans]
        since = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        async with asyncio.TaskGroup() as group:
            for process in self._processes:
                group.create_task(self._or_stop(process.run()))
            became_ready = group.create_task(self._or_stop(self._announce_when_ready(token, since, announce)))
            await self._stop.wait()
            became_ready.cancel()
            self._log.info("stopping")
            await self._stop_all()
        if self._failure is not None:
            raise self._failure
        self._log.info("stopped")

    async def _or_stop(self, work: Coroutine[None, None, None]) -> None:
        """What cannot go on stops everything, in order."""
        try:
            await work
        except BrivasError as error:
            self._failure = self._failure or error
            self._stop.set()
        except OSError as error:
            self._failure = self._failure or FileError(error, f"use {error.filename or self._layout.data}")
            self._stop.set()

    def _prepare(self) -> tuple[Secret, Path]:
        """Everything that can be refused before a process is started."""
        layout, options = self._layout, self._options
        if options.ready_file is not None:
            forget_ready_file(options.ready_file)
        ports = choose_ports(layout.ports, options.ports, off=() if options.sample_carrier else ("carrier",))
        made = None
        if options.config_folder is None:
            made = write_sample(layout, ports["carrier"] if options.sample_carrier else None)
        folder = options.config_folder or layout.config
        snapshot = snapshot_in_force(layout, folder)
        credentials = made or read_credentials(layout)
        if credentials is not None and not open_something(credentials, snapshot):
            credentials = None
        if not options.sample_carrier:
            ports = {face: address for face, address in ports.items() if face != "carrier"}
        self._started = Started(ports, credentials, options.sample_carrier, first=made is not None)
        return layout.ensure_control_token(), folder

    async def _announce_when_ready(self, token: Secret, since: str, announce: Callable[[Started], None]) -> None:
        assert self._started is not None  # noqa: S101 - set by _prepare.
        names = {process.name for process in self._processes}
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                await wait_until_ready(
                    self._layout,
                    self._started.ports,
                    token,
                    since=since,
                    carrier="carrier" in names,
                    http="api" in names,
                )
        except TimeoutError:
            raise BrivasError(
                f"not ready after {READY_SECONDS_MAX:.0f} seconds", hint="the lines above say what does not answer"
            ) from None
        for process in self._processes:
            process.settled = True
        self._ready = True
        await self._look_for_tls(token)
        self._write_endpoints()
        announce(self._started)
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            if await self._look_for_tls(token):
                self._write_endpoints()

    async def _look_for_tls(self, token: Secret) -> bool:
        """Whether customers bind over TLS elsewhere than before: listeners are the configuration's, which changes."""
        assert self._started is not None  # noqa: S101 - set by _prepare.
        known = self._started.smpp_tls
        found = await ask_tls_face(self._started.ports["control"], token, known)
        self._started = replace(self._started, smpp_tls=found)
        return found != known

    def _write_endpoints(self) -> None:
        """The ready file, once everything was ready, and after each new start of a process."""
        if not self._ready or self._started is None:
            return
        pids = {process.name: process.pid for process in self._processes}
        endpoints = describe_endpoints(
            self._started.ports,
            self._started.credentials,
            data=self._layout.data,
            pid=os.getpid(),
            pids=pids,
            carrier="carrier" in pids,
            smpp_tls=self._started.smpp_tls,
        )
        write_private_json(self._layout.endpoints, endpoints)
        if self._options.ready_file is not None:
            write_private_json(self._options.ready_file, endpoints)

    async def _stop_all(self) -> None:
        by_name = {process.name: process for process in self._processes}
        for name in STOP_ORDER:
            if name in by_name:
                await by_name[name].stop()
        self._layout.endpoints.unlink(missing_ok=True)
