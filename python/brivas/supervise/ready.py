"""When everything answers, and what the ready file then says (DESIGN.md, "For scripts")."""

from __future__ import annotations

import asyncio
import errno
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brivas.clients.control import AsyncControlClient
from brivas.errors import BrivasError, FileError
from brivas.layout import Layout, make_folder, read_json
from brivas.resources.secret import Secret
from brivas.supervise.sample import CARRIER, Credentials

PROBE_SECONDS = 1.0
POLL_SECONDS = 0.1


def describe_endpoints(
    ports: Mapping[str, str],
    credentials: Credentials | None,
    *,
    data: Path,
    pid: int,
    pids: Mapping[str, int | None],
    carrier: bool,
    smpp_tls: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The ready file's object: a face that is not on is absent."""
    smpp: dict[str, Any] = _host_and_port(ports["smpp"])
    messaging: dict[str, Any] = {"target": ports["messaging"]}
    http: dict[str, Any] = {"url": f"http://{ports['http']}"}
    if credentials is not None:
        smpp |= {"system_id": credentials.system_id, "password": credentials.password}
        messaging["token"] = credentials.api_key
        http["api_key"] = credentials.api_key
    faces: dict[str, Any] = {"smpp": smpp}
    if smpp_tls is not None:
        faces["smpp_tls"] = dict(smpp_tls)
    if carrier:
        faces["carrier"] = _host_and_port(ports["carrier"])
    running = {name: each for name, each in pids.items() if each is not None and name != "carrier"}
    return {**faces, "messaging": messaging, "http": http, "data": str(data), "pid": pid, "pids": running}


def forget_ready_file(file: Path) -> None:
    """Removes what an earlier run wrote: who waits for it must not find that. An error if it cannot be written."""
    make_folder(file.parent)
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(error, f"write the ready file {file}") from error
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise FileError(OSError(errno.EACCES, os.strerror(errno.EACCES)), f"write the ready file {file}")


async def wait_until_ready(
    layout: Layout, ports: Mapping[str, str], token: Secret, *, since: str, carrier: bool, http: bool
) -> None:
    """Returns when every face answers, the folder was judged after `since`, and the simulated carrier is bound to."""
    while not (  # noqa: ASYNC110 - other processes are asked; nothing here could set an event.
        await _takes_connections(ports["smpp"])
        and _folder_judged(layout, since)
        and await _engine_ready(ports["control"], token, carrier=carrier)
        and (not http or await asyncio.to_thread(http_ready, ports["http"]))
    ):
        await asyncio.sleep(POLL_SECONDS)


def http_ready(address: str) -> bool:
    """Whether GET /health/ready answers 200."""
    try:
        with urllib.request.urlopen(f"http://{address}/health/ready", timeout=PROBE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


async def _takes_connections(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _folder_judged(layout: Layout, since: str) -> bool:
    # Both are ISO 8601 in UTC with milliseconds: their order is the order of time.
    return str((read_json(layout.config_status) or {}).get("at", "")) >= since


async def _engine_ready(target: str, token: Secret, *, carrier: bool) -> bool:
    try:
        async with AsyncControlClient(target, token, timeout_seconds=PROBE_SECONDS) as client:
            stats = await client.stats()
    except BrivasError:
        return False
    simulated = [each for each in stats.carriers if each.name == CARRIER] if carrier else []
    return not stats.acceptance_stopped and all(each.binds_up == each.binds_wanted for each in simulated)


def _host_and_port(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"host": host, "port": int(port)}
