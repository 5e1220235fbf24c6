"""Channels to the engine: one to Messaging with an account's API key, one to Control with the platform's token.

Both give the generated stub over a channel that adds the credentials to every call; `calling` turns what gRPC raises
into the errors of Brivas. Blocking: for commands and for threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc

from brivas.errors import BrivasError, ConfigError, UnreachableError
from brivas.resources.secret import Secret
from brivas.v1 import control_pb2_grpc, messaging_pb2_grpc

RECEIVE_BYTES_MAX = 64 * 1024 * 1024

_OPTIONS = [("grpc.max_receive_message_length", RECEIVE_BYTES_MAX), ("grpc.enable_http_proxy", 0)]


@contextmanager
def messaging(target: str, key: Secret) -> Iterator[messaging_pb2_grpc.MessagingStub]:
    """Messaging of the engine, as the account whose key this is."""
    with _channel(target, key) as channel, calling(target):
        yield messaging_pb2_grpc.MessagingStub(channel)


@contextmanager
def control(target: str, token: Secret) -> Iterator[control_pb2_grpc.ControlStub]:
    """Control of the engine."""
    with _channel(target, token) as channel, calling(target):
        yield control_pb2_grpc.ControlStub(channel)


@contextmanager
def calling(target: str) -> Iterator[None]:
    """What gRPC raises inside becomes an error of Brivas."""
    try:
        yield
    except grpc.RpcError as error:
        raise as_error(error, target) from error


def as_error(error: grpc.RpcError, target: str) -> BrivasError:
    """The error of Brivas that a gRPC status stands for."""
    call: Any = error  # What gRPC raises is also a grpc.Call.
    code: grpc.StatusCode | None = call.code() if hasattr(call, "code") else None
    details: str = (call.details() if hasattr(call, "details") else None) or str(error)
    match code:
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return UnreachableError(
                f"the engine at {target} does not answer: {details}",
                hint="is `brivas up` running? --data names its data directory",
            )
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return BrivasError(f"the engine at {target} refuses the key or token: {details}", hint="check --data")
        case grpc.StatusCode.INVALID_ARGUMENT:
            return ConfigError(f"the engine refuses: {details}")
        case _:
            name = code.name if code else "unknown"
            return BrivasError(f"the engine at {target} answers {name}: {details}")


class _Details(NamedTuple):
    """The details of a call, with the credentials added."""

    method: str
    timeout: float | None
    metadata: Sequence[tuple[str, str | bytes]] | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _AddToken(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds `authorization: Bearer <token>` to every call; gRPC's own call credentials would want TLS."""

    def __init__(self, token: Secret) -> None:
        self._entry = ("authorization", f"Bearer {token.reveal()}")

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._with_token(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._with_token(client_call_details), request)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(self._with_token(client_call_details), request_iterator)

    def _with_token(self, details: Any) -> _Details:
        metadata = (*(details.metadata or ()), self._entry)
        return _Details(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )


@contextmanager
def _channel(target: str, token: Secret) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(target, options=_OPTIONS) as channel:
        yield grpc.intercept_channel(channel, _AddToken(token))
