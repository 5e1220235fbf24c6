"""Starts granian: a listening socket here, workers that are spawned (never forked: gRPC and forks do not mix)."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from typing import Any

from brivas.errors import BrivasError, UsageError
from brivas.log import Log
from brivas.supervised import end_with_parent, end_with_supervisor
from brivas_gateways.http.engine import EngineAddress

WORKER_KILL_TIMEOUT_SECONDS = 8
"""How long a worker may take to finish its requests."""


def serve(listen: str, address: EngineAddress, *, workers: int) -> None:
    """Answers HTTP until SIGTERM."""
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.log import LogLevels
    from granian.server import Server

    end_with_supervisor()
    host, port = split_listen(listen)
    multiprocessing.set_start_method("spawn", force=True)
    server = Server(
        target="brivas_gateways.http.app",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        loop=Loops.uvloop,
        http=HTTPModes.auto,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=WORKER_KILL_TIMEOUT_SECONDS,
    )
    require_free(host, port)
    log = Log("api")
    log.info("http_listening", listen=listen, workers=workers)
    server.serve(target_loader=WorkerLoader(address, os.getpid()), wrap_loader=False)
    log.info("http_stopped")


class WorkerLoader:
    """Makes the application inside a spawned worker."""

    def __init__(self, address: EngineAddress, parent: int) -> None:
        self._address = address
        self._parent = parent

    def __call__(self) -> Callable[..., Any]:
        """The ASGI application. The worker ends with its parent, also when that one is killed."""
        from brivas_gateways.http.app import create_app

        end_with_parent(self._parent)
        return create_app(self._address)


def require_free(host: str, port: int) -> None:
    """granian shares a port with whoever else shares it (SO_REUSEPORT): a second process would go unnoticed."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise BrivasError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="another process may hold the port: choose one with --http-listen",
        ) from error


def split_listen(listen: str) -> tuple[str, int]:
    """HOST:PORT, with brackets around an IPv6 address."""
    host, mark, port = listen.rpartition(":")
    if not mark or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(f"--http-listen {listen!r} is not HOST:PORT", hint="for example 127.0.0.1:8080")
    return host.strip("[]") or "127.0.0.1", int(port)
