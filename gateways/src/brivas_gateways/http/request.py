"""What every request passes: its key, its media type, its size."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

from brivas.resources.secret import Secret
from brivas_gateways.http.problem import ProblemError, unauthorized

BODY_BYTES_MAX: Final = 4 * 1024 * 1024
"""A thousand messages of ordinary length, several times over."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,512}")
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")
_JSON: Final = "application/json"


def api_key(request: Request) -> Secret:
    """The caller's key, from `Authorization: Bearer` or `X-API-Key`. The engine judges it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "").strip()
    if not key:
        raise unauthorized("no API key came with the request", "send `Authorization: Bearer KEY` or `X-API-Key: KEY`")
    if not _KEY.fullmatch(key):
        raise unauthorized("the API key is not 1 to 512 visible ASCII characters", "send the key as it was given out")
    return Secret(key)


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key, empty when there is none. As a quoted string (the IETF draft's form) or bare."""
    value = request.headers.get("idempotency-key")
    if value is None:
        return ""
    key = value[1:-1] if len(value) > 1 and value.startswith('"') and value.endswith('"') else value
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise ProblemError(
            400,
            "idempotency-key-invalid",
            "The Idempotency-Key cannot be taken",
            detail="it is not 1 to 64 visible ASCII characters",
            hint="use a UUID, a new one for every new request",
            value=value,
        )
    return key


async def json_body(request: Request) -> bytes:
    """The body of a request that must be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise ProblemError(
            415,
            "media-type",
            "The body must be JSON",
            detail="the Content-Type is not application/json",
            hint=f"send `Content-Type: {_JSON}`",
            value=media_type,
            headers={"Accept": _JSON},
        )
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > BODY_BYTES_MAX:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
    return bytes(body)


def _too_large() -> ProblemError:
    return ProblemError(
        413,
        "too-large",
        "The body is too large",
        detail=f"more than {BODY_BYTES_MAX:,} bytes",
        hint="send fewer messages in one request",
        # What is left of the body is not read.
        headers={"Connection": "close"},
    )
