"""Signatures of the Standard Webhooks specification 1.0: symmetric, identifier `v1`.

What is signed is `{webhook-id}.{webhook-timestamp}.{body}`, by HMAC-SHA256 with a secret written as `whsec_` and
base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from brivas.errors import ConfigError
from brivas.resources.secret import Secret

PREFIX: Final = "whsec_"
KEY_BYTES_MIN: Final = 24
KEY_BYTES_MAX: Final = 64
TOLERANCE_SECONDS: Final = 300
"""How old a signature may be for a receiver."""


class SigningKey:
    """The key of one webhook; printing it shows nothing."""

    __slots__ = ("_key",)

    def __init__(self, secret: Secret) -> None:
        self._key = _decode(secret.reveal())

    def headers(self, event_id: str, timestamp_seconds: int, body: bytes) -> dict[str, str]:
        """The three headers of one attempt."""
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp_seconds),
            "webhook-signature": self._sign(event_id, str(timestamp_seconds), body),
        }

    def verify(self, headers: Mapping[str, str], body: bytes, now_seconds: int) -> bool:
        """What a receiver does; for tests and for those who write one in Python."""
        event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not event_id or not timestamp.isdecimal() or abs(int(timestamp) - now_seconds) > TOLERANCE_SECONDS:
            return False
        expected = self._sign(event_id, timestamp, body)
        return any(hmac.compare_digest(expected, given) for given in headers.get("webhook-signature", "").split(" "))

    def _sign(self, event_id: str, timestamp: str, body: bytes) -> str:
        signed = b".".join((event_id.encode(), timestamp.encode(), body))
        return "v1," + base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()


def _decode(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ConfigError(f"the secret does not begin with {PREFIX}", hint=f"write {PREFIX} and base64 of random bytes")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(
            f"what follows {PREFIX} is not base64", hint="copy the whole secret, padding and all"
        ) from None
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise ConfigError(
            f"the secret holds {len(key)} bytes", hint=f"{KEY_BYTES_MIN} to {KEY_BYTES_MAX} random bytes in base64"
        )
    return key
