"""The checks behind `brivas doctor`: each looks at one thing and says ok, warn or fail, and what to do."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from brivas import endpoints, settings
from brivas.errors import BrivasError, UnreachableError
from brivas.expiry import WARN_DAYS, our_certificates
from brivas.layout import Layout, read_json

if TYPE_CHECKING:
    from brivas.v1 import control_pb2

FILES_WANTED = 4096
FREE_BYTES_WANTED = 5 * 1024**3
SYNC_SLOW_MS = 20.0
YEAR_MIN = 2026
DOCTOR_TIMEOUT_SECONDS = 3.0

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    check: str
    verdict: Verdict
    found: str
    hint: str | None = None


def diagnose(data: Path, control_target: str | None) -> list[Finding]:
    """All checks, in order."""
    stats, engine = _engine(data, control_target)
    findings = [_python(), _extension(), _file_limit(), _clock(), *_data(data), _configuration(data)]
    if stats is None:
        return [*findings, *_ports(data), engine]
    return [*findings, engine, _journal(stats), *_carriers(stats), *_certificates(stats, data)]


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} ({sys.executable})")


def _extension() -> Finding:
    try:
        from brivas import _core
    except ImportError as error:
        return Finding("extension", "fail", str(error), "`make build` builds it")
    if _core.PROFILE != "release":
        return Finding("extension", "warn", f"{_core.PROFILE} build", "`make build` builds the fast one")
    return Finding("extension", "ok", f"{_core.__version__}, {_core.PROFILE} build")


def _file_limit() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES_WANTED:
        return Finding("file_limit", "warn", f"{soft} (hard {hard})", f"`ulimit -n {min(hard, 20_000)}` for many binds")
    return Finding("file_limit", "ok", f"{soft} (hard {hard})")


def _clock() -> Finding:
    year = time.gmtime().tm_year
    if year < YEAR_MIN:
        return Finding("clock", "fail", f"the year is {year}", "set the clock: message ids and validity depend on it")
    return Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()))


def _data(data: Path) -> Iterator[Finding]:
    existing = data
    while not existing.exists():
        existing = existing.absolute().parent
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            "data", "fail", f"{existing} is not writable", f"--data or {settings.DATA.variable} names another"
        )
        return
    yield Finding("data", "ok", str(data) if data.exists() else f"{data} (not there yet)")
    free = os.statvfs(existing)
    free_bytes = free.f_bavail * free.f_frsize
    enough = free_bytes >= FREE_BYTES_WANTED
    hint = f"the journal keeps up to {settings.default(settings.RETENTION_BYTES)} bytes"
    yield Finding("disk_space", "ok" if enough else "warn", f"{free_bytes // 1024**2} MiB free", hint)
    if existing == data:
        took_ms = _sync_ms(data)
        slow = took_ms > SYNC_SLOW_MS
        hint = "durability `disk` waits for it; use a faster disk, or `memory` for accounts that may"
        yield Finding("fdatasync", "warn" if slow else "ok", f"{took_ms:.1f} ms", hint)


def _sync_ms(folder: Path) -> float:
    file = folder / f".doctor-{os.getpid()}"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, b"x" * 4096)
            started = time.perf_counter()
            os.fdatasync(descriptor)
            return (time.perf_counter() - started) * 1000
        finally:
            os.close(descriptor)
    finally:
        file.unlink(missing_ok=True)


def _configuration(data: Path) -> Finding:
    outcome = read_json(Layout(data).config_status)
    if outcome is None:
        return Finding("configuration", "ok", "no folder was read yet")
    if outcome.get("state") != "applied":
        return Finding(
            "configuration", "fail", str(outcome.get("message")), "`brivas config check` shows what is wrong"
        )
    return Finding("configuration", "ok", f"{outcome.get('folder')} applied at {outcome.get('at')}")


def _ports(data: Path) -> Iterator[Finding]:
    """While nothing runs: whether its ports are free."""
    from brivas.supervise.ports import FACES, why_taken

    stored = read_json(Layout(data).ports) or {}
    for face, setting in FACES.items():
        address = str(stored.get(face) or settings.default(setting))
        why = why_taken(address)
        hint = "stop what listens there, or `brivas up --ports auto`"
        yield Finding(f"port_{face}", "fail" if why else "ok", f"{address}: {why or 'free'}", hint)


def _engine(data: Path, control_target: str | None) -> tuple[control_pb2.StatsResponse | None, Finding]:
    from brivas.clients.control import ControlClient

    target = endpoints.control_target(data, control_target)
    try:
        token = endpoints.control_token(data, None)
        with ControlClient(target, token, timeout_seconds=DOCTOR_TIMEOUT_SECONDS) as client:
            stats = client.stats()
    except UnreachableError:
        return None, Finding(
            "engine", "warn", f"nothing answers at {target}", "`brivas up` or `brivas gateway` starts it"
        )
    except BrivasError as error:
        return None, Finding("engine", "warn", error.message, error.hint)
    if stats.acceptance_stopped:
        hint = "free disk space, or look at the disk; then start the gateway again"
        return stats, Finding("engine", "fail", f"accepts nothing: {stats.acceptance_stopped}", hint)
    if stats.draining:
        return stats, Finding("engine", "warn", "draining", "it takes no new messages; start it again")
    return stats, Finding("engine", "ok", f"{target}: version {stats.version}, {stats.profile}")


def _journal(stats: control_pb2.StatsResponse) -> Finding:
    journal = stats.journal
    behind = journal.written_offset - journal.durable_offset
    found = f"{behind} events not yet durable, fdatasync p99 {journal.sync_us_p99 / 1000:.1f} ms"
    slow = journal.sync_us_p99 / 1000 > SYNC_SLOW_MS
    return Finding("journal", "warn" if slow else "ok", found, "the disk is slow: accounts with `disk` wait for it")


def _carriers(stats: control_pb2.StatsResponse) -> Iterator[Finding]:
    for carrier in stats.carriers:
        found = f"{carrier.name}: {carrier.binds_up} of {carrier.binds_wanted} binds up, {carrier.queued} queued"
        verdict: Verdict = "ok" if carrier.binds_up == carrier.binds_wanted else "warn" if carrier.binds_up else "fail"
        yield Finding("carrier", verdict, found, "`brivas binds --side carrier` says why")


def _certificates(stats: control_pb2.StatsResponse, data: Path) -> Iterator[Finding]:
    folder = (read_json(Layout(data).config_status) or {}).get("folder")
    now_ms = time.time() * 1000
    for each in our_certificates(stats, Path(folder) if isinstance(folder, str) else None, data):
        days = each.days_left(now_ms)
        verdict: Verdict = "fail" if days < 0 else "warn" if days < WARN_DAYS else "ok"
        left = f"{-days} days ago" if days < 0 else f"in {days} days"
        what = f"{each.owner}'s {each.field}" if each.where is None else each.where
        hint = f"replace {what}, and its key; new connections get it without a restart, those that are there go on"
        yield Finding("certificate", verdict, f"{each.describe()}, {left}", hint)
