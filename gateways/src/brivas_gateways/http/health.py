"""`/health/live`: this process answers. `/health/ready`: a message sent now would be taken, or why not."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from brivas.errors import BrivasError
from brivas.v1 import control_pb2
from brivas_gateways.http.engine import Engine

READY_TIMEOUT_SECONDS: Final = 2.0


class Check(Struct, frozen=True):
    """One thing that must hold."""

    name: str
    ok: bool
    reason: str = ""


class Health(Struct, frozen=True):
    """The answer of both."""

    status: str
    checks: tuple[Check, ...] = ()


async def live(_request: Request) -> Response:
    """This process runs its event loop."""
    return _answer(200, Health("live"))


async def ready(request: Request) -> Response:
    """The engine answers, accepts, and its journal writes."""
    engine: Engine = request.app.state.engine
    try:
        stats = await engine.stats(READY_TIMEOUT_SECONDS)
    except BrivasError as error:
        return _answer(503, Health("not_ready", (Check("engine", ok=False, reason=_reason(error)),)))
    checks = judge(stats)
    if all(check.ok for check in checks):
        return _answer(200, Health("ready", checks))
    return _answer(503, Health("not_ready", checks))


def judge(stats: control_pb2.StatsResponse) -> tuple[Check, ...]:
    """What the engine's own figures say."""
    configured = bool(stats.snapshot_hash)
    return (
        Check("engine", ok=True),
        Check("configuration", ok=configured, reason="" if configured else "no configuration is in force"),
        Check("accepting", ok=not stats.draining, reason="the engine drains" if stats.draining else ""),
        Check("journal", ok=not stats.acceptance_stopped, reason=stats.acceptance_stopped),
    )


def _reason(error: BrivasError) -> str:
    # No addresses of ours: who asks may be outside.
    return {
        "unreachable": "the engine does not answer",
        "deadline": f"the engine did not answer in {READY_TIMEOUT_SECONDS:g} seconds",
        "unauthenticated": "the engine does not know our token",
    }.get(error.code, "the engine cannot be asked")


def _answer(status: int, health: Health) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(health), status_code=status, media_type="application/json", headers=headers)
