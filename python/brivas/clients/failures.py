"""From a gRPC status to an error of Brivas.

The engine writes what failed and, after `; hint: `, what to do. What gRPC itself reports (nothing listens, the deadline
passed) gets a hint here.
"""

from __future__ import annotations

from typing import Final

import grpc
import grpc.aio

from brivas import errors

_HINT_MARK: Final = "; hint: "

# How gRPC names a connection that could not be made or was lost (its statuses are UNAVAILABLE too), and what we say.
_NOT_REACHED: Final = (
    ("connection refused", "connection refused"),
    ("dns resolution", "its name cannot be resolved"),
    ("timed out", "no connection in time"),
    ("no route to host", "no route to host"),
    ("unreachable", "network unreachable"),
    ("failed to connect", "no connection"),
    ("connection", "connection lost"),
    ("socket closed", "connection lost"),
    ("endpoint closing", "connection lost"),
    ("recvmsg", "connection lost"),
    ("sendmsg", "connection lost"),
    ("tcp", "connection lost"),
    ("goaway", "connection lost"),
    ("broken pipe", "connection lost"),
    ("keepalive", "connection lost"),
    ("ping", "connection lost"),
)

_PLAIN: Final[dict[grpc.StatusCode, tuple[type[errors.CallError], str]]] = {
    grpc.StatusCode.UNAUTHENTICATED: (errors.UnauthenticatedError, "check the key; a key belongs to one Account"),
    grpc.StatusCode.PERMISSION_DENIED: (errors.ForbiddenError, "use a key or token that may do this"),
    grpc.StatusCode.NOT_FOUND: (
        errors.NotFoundError,
        "check the id or name",
    ),
    grpc.StatusCode.INVALID_ARGUMENT: (errors.InvalidError, "correct the value and call again"),
    grpc.StatusCode.ALREADY_EXISTS: (
        errors.ConflictError,
        "an idempotency key belongs to one request: send the same messages, or take a new key",
    ),
    grpc.StatusCode.FAILED_PRECONDITION: (errors.StateError, "look at the message's state first"),
    grpc.StatusCode.ABORTED: (errors.StateError, "the same request is under way: ask again in a moment"),
    grpc.StatusCode.OUT_OF_RANGE: (errors.OffsetError, "start at the journal's first offset (Stats names it)"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        errors.DeadlineError,
        "it may have taken effect: repeat it with the same idempotency key",
    ),
}


def as_error(failure: grpc.RpcError, target: str) -> errors.BrivasError:
    """The error that a failed call stands for. `target` is the engine's address, for the message."""
    if not isinstance(failure, (grpc.Call, grpc.aio.AioRpcError)):
        return errors.CallError(f"the call to the engine at {target} failed: {failure}")
    code = failure.code()
    message, hint = _split(failure.details() or code.name.lower())
    if code is grpc.StatusCode.UNAVAILABLE:
        reason = next((reason for mark, reason in _NOT_REACHED if mark in message.lower()), None)
        if reason is not None:
            return errors.UnreachableError(
                f"the engine at {target} does not answer: {reason}",
                hint="is `brivas gateway` (or `brivas up`) running, and is this its address?",
            )
        return errors.UnavailableError(message, hint=hint or "try again in a moment")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        queue_full = "queue" in message.lower() or "open messages" in message.lower()
        return errors.BusyError(message, hint=hint or "send slower, or later", queue_full=queue_full)
    if code in _PLAIN:
        cls, usual = _PLAIN[code]
        return cls(message, hint=hint or usual)
    return errors.CallError(f"the engine at {target} answers {code.name}: {message}", hint=hint)


def _split(details: str) -> tuple[str, str | None]:
    message, _, hint = details.partition(_HINT_MARK)
    return message, hint or None
