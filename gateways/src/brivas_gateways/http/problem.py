"""Errors as RFC 9457 problems: `application/problem+json` with type, title, status, detail, hint and value."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from brivas import errors

MEDIA_TYPE: Final = "application/problem+json"

_VALUE_LENGTH_MAX: Final = 60


class ItemProblem(Struct, frozen=True, omit_defaults=True):
    """What is wrong with one message of a request."""

    index: int
    detail: str
    pointer: str | UnsetType = UNSET
    """Where in the request (RFC 6901)."""
    value: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET
    command_status: int | UnsetType = UNSET


class Problem(Struct, frozen=True, omit_defaults=True):
    """The body of an error's answer."""

    type: str
    title: str
    status: int
    detail: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET
    value: str | UnsetType = UNSET
    errors: tuple[ItemProblem, ...] | UnsetType = UNSET


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        name: str,
        title: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
        value: str | None = None,
        items: tuple[ItemProblem, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.problem = Problem(
            type=f"urn:brivas:problem:{name}",
            title=title,
            status=status,
            detail=detail or UNSET,
            hint=hint or UNSET,
            value=UNSET if value is None else shortened(value),
            errors=items or UNSET,
        )
        self.headers = headers or {}


def respond(error: ProblemError) -> Response:
    """The answer that carries a problem."""
    content = msgspec.json.encode(error.problem)
    return Response(content, status_code=error.problem.status, media_type=MEDIA_TYPE, headers=error.headers)


def from_error(error: errors.BrivasError) -> ProblemError:
    """The problem that an error of Brivas is to an HTTP caller."""
    detail, hint = error.message, error.hint
    match error:
        case errors.UnauthenticatedError():
            return unauthorized(detail, hint)
        case errors.ForbiddenError():
            return ProblemError(403, "forbidden", "Not allowed", detail=detail, hint=hint)
        case errors.NotFoundError():
            return ProblemError(404, "not-found", "Not found", detail=detail, hint=hint)
        case errors.InvalidError():
            return ProblemError(422, "invalid", "The request cannot be taken", detail=detail, hint=hint)
        case errors.ConflictError():
            return ProblemError(
                422, "idempotency-key-reused", "The Idempotency-Key was used before", detail=detail, hint=hint
            )
        case errors.StateError():
            return ProblemError(409, "state", "The message's state does not allow it", detail=detail, hint=hint)
        case errors.BusyError():
            headers = {"Retry-After": str(error.retry_after_seconds)}
            if error.queue_full:
                return ProblemError(503, "queue-full", "A queue is full", detail=detail, hint=hint, headers=headers)
            return ProblemError(429, "throttled", "Too many messages", detail=detail, hint=hint, headers=headers)
        case errors.UnavailableError():
            return ProblemError(
                503, "unavailable", "Nothing is accepted now", detail=detail, hint=hint, headers={"Retry-After": "2"}
            )
        case errors.UnreachableError():
            return ProblemError(
                503,
                "engine-unreachable",
                "The engine does not answer",
                hint="try again in a moment",
                headers={"Retry-After": "2"},
            )
        case errors.DeadlineError():
            return ProblemError(504, "timeout", "The engine did not answer in time", hint=hint)
        case errors.CallError():
            return ProblemError(502, "engine-failed", "The engine answered with an error", detail=detail, hint=hint)
        case _:
            return ProblemError(500, "internal", "The request could not be answered")


def unauthorized(detail: str, hint: str | None) -> ProblemError:
    """No key, or one that is not known."""
    return ProblemError(
        401,
        "unauthenticated",
        "An API key is needed",
        detail=detail,
        hint=hint,
        headers={"WWW-Authenticate": 'Bearer realm="brivas"'},
    )


def shortened(value: str) -> str:
    """A wrong value, not too long."""
    return value if len(value) <= _VALUE_LENGTH_MAX else value[: _VALUE_LENGTH_MAX - 3] + "..."
