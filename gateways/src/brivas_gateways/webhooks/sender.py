"""Posts one delivery and says what became of it. Redirects are not followed, proxies of the environment not used."""

from __future__ import annotations

import datetime
import email.utils
import os
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from brivas_gateways.webhooks.store import Delivery
from brivas_gateways.webhooks.subscription import Subscription

CONNECTIONS_MAX: Final = 512
ANSWER_BYTES_MAX: Final = 64 * 1024
"""More of an answer is not read; the connection is closed instead."""

_GONE: Final = 410
_ASKS_FOR_TIME: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver answered 2xx."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The receiver answered 410: it wants nothing more."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Anything else; it may be taken later."""

    reason: str
    retry_after_ms: int = 0


Outcome = Taken | Gone | NotTaken


class Sender(Protocol):
    """What the dispatcher needs."""

    async def send(self, subscription: Subscription, delivery: Delivery, now_ms: int) -> Outcome:
        """One attempt."""


class HttpSender:
    """Over a pool of connections. Made inside the event loop that uses it."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX, limit_per_host=0, keepalive_timeout=30.0, ttl_dns_cache=60
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": "brivas-webhooks/1", "Content-Type": "application/json"},
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._session.close()

    async def send(self, subscription: Subscription, delivery: Delivery, now_ms: int) -> Outcome:
        """One attempt, signed for this moment; the timeout covers all of it."""
        headers = subscription.key.headers(delivery.event_id, now_ms // 1000, delivery.body)
        try:
            async with self._session.post(
                subscription.url,
                data=delivery.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=subscription.timeout_ms / 1000),
            ) as response:
                status, retry_after = response.status, response.headers.get("retry-after", "")
                await _read_away(response)
        except TimeoutError:
            return NotTaken(f"no answer in {subscription.timeout_ms} ms")
        except aiohttp.ClientConnectorError as error:
            return NotTaken(f"no connection to {error.host}:{error.port}: {_why(error)}")
        except aiohttp.ServerDisconnectedError:
            return NotTaken("the connection was closed before an answer came")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NotTaken(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
        return judge(status, retry_after, now_ms)


def _why(error: aiohttp.ClientConnectorError) -> str:
    """The system's words for it: aiohttp's own hold addresses and options."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not accepted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientSSLError):
        # Its errno is one of OpenSSL's.
        return f"TLS: {error.os_error}"
    number = error.os_error.errno
    return os.strerror(number).lower() if number else str(error.os_error)


def judge(status: int, retry_after: str, now_ms: int) -> Outcome:
    """What an answer means (Standard Webhooks 1.0, Delivery success and failure)."""
    if 200 <= status < 300:
        return Taken()
    if status == _GONE:
        return Gone()
    wait_ms = _retry_after_ms(retry_after, now_ms) if status in _ASKS_FOR_TIME else 0
    return NotTaken(f"answered {status}", wait_ms)


def _retry_after_ms(value: str, now_ms: int) -> int:
    """Seconds or a date (RFC 9110 §10.2.3); 0 for anything else."""
    text = value.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text) * 1000
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    return max(int(at.timestamp() * 1000) - now_ms, 0)


async def _read_away(response: aiohttp.ClientResponse) -> None:
    """Reads the answer, so that the connection can be used again, but not without end."""
    read = 0
    async for chunk in response.content.iter_any():
        read += len(chunk)
        if read > ANSWER_BYTES_MAX:
            response.close()
            return
