"""The ASGI application: routes, and what becomes of errors."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from brivas.errors import BrivasError
from brivas.log import Log
from brivas_gateways.http import health, message, metrics, openapi, submission
from brivas_gateways.http.engine import Engine, EngineAddress
from brivas_gateways.http.problem import ProblemError, from_error, respond

_INDEX: Final = {
    "name": "Brivas",
    "messages": "/v1/messages",
    "openapi": "/openapi.json",
    "metrics": "/metrics",
    "health": ["/health/live", "/health/ready"],
}


def create_app(address: EngineAddress) -> Starlette:
    """The application of one worker; its channels are opened when the worker's loop runs."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.engine = Engine(address)
        try:
            yield
        finally:
            await app.state.engine.close()

    return Starlette(
        routes=[
            Route("/v1/messages", submission.post_messages, methods=["POST"]),
            Route("/v1/messages/{id}", message.one_message, methods=["GET", "DELETE"]),
            Route("/v1/messages/{id}/cancel", message.cancel_message, methods=["POST"]),
            Route("/metrics", metrics.scrape, methods=["GET"]),
            Route("/health/live", health.live, methods=["GET"]),
            Route("/health/ready", health.ready, methods=["GET"]),
            Route("/openapi.json", _openapi, methods=["GET"]),
            Route("/", _index, methods=["GET"]),
        ],
        exception_handlers={
            ProblemError: _problem,
            BrivasError: _brivas_error,
            HTTPException: _http_error,
            Exception: _unexpected,
        },
        lifespan=lifespan,
    )


async def _index(_request: Request) -> Response:
    return Response(msgspec.json.encode(_INDEX), media_type="application/json")


async def _openapi(_request: Request) -> Response:
    return Response(openapi.document(), media_type="application/json")


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class.
    return respond(error)


async def _brivas_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BrivasError)  # noqa: S101 - registered for this class.
    return respond(from_error(error))


async def _http_error(_request: Request, error: Exception) -> Response:
    """What Starlette itself answers: no such path, a method that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class.
    names = {404: ("not-found", "Not found"), 405: ("method", "The method is not allowed here")}
    name, title = names.get(error.status_code, ("http", error.detail))
    headers = dict(error.headers or {})
    return respond(ProblemError(error.status_code, name, title, hint="see /openapi.json", headers=headers))


async def _unexpected(_request: Request, error: Exception) -> Response:
    """A fault of ours. Where it happened is logged, not what was in the request."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    Log("api").error("request_failed", error=type(error).__name__, at=f"{frame.filename}:{frame.lineno}")
    return respond(ProblemError(500, "internal", "The request could not be answered", hint="the fault was logged"))
