"""Channels to the engine, and what every call on them has: a deadline and a bearer token.

The channels are plain text: the engine listens on loopback, or behind a proxy that speaks TLS.
"""

from __future__ import annotations

from typing import Final

import grpc
import grpc.aio

from brivas.resources.secret import Secret

CALL_TIMEOUT_SECONDS: Final = 10.0
"""How long a call may take when the caller names nothing."""

WATCH_SECONDS_MAX: Final = 3600.0
"""How long one stream of events may last; the clients then go on where it ended."""

_MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.enable_http_proxy", 0),
    # A peer that vanished is noticed on an open stream, too.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # An engine that was restarted is found again within this time.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


def open_channel(target: str) -> grpc.Channel:
    """A channel for threads."""
    return grpc.insecure_channel(target, options=_OPTIONS)


def open_async_channel(target: str) -> grpc.aio.Channel:
    """A channel for the running event loop."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


def bearer(token: Secret) -> tuple[tuple[str, str], ...]:
    """The metadata that names the caller."""
    return (("authorization", f"Bearer {token.reveal()}"),)
