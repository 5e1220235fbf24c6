"""When a failed delivery is tried again: a pure function of what is known."""

from __future__ import annotations

from typing import Final

from brivas_gateways.webhooks.kind import RetrySpec

RETRY_AFTER_MS_MAX: Final = 24 * 3_600_000
"""What a receiver may ask for at most."""


def next_attempt_at(
    retry: RetrySpec, *, attempt: int, created_at_ms: int, now_ms: int, retry_after_ms: int, jitter: float
) -> int | None:
    """The time of the next attempt after `attempt` failed ones; None when the delivery would be too old by then.

    `jitter` is drawn from 0 to 1: the pause lies between half and the whole of a doubling one, and is never shorter
    than what the receiver asked for.
    """
    whole = min(retry.initial_ms << min(attempt - 1, 40), retry.max_ms)
    pause = whole - int(whole * jitter / 2)
    at_ms = now_ms + max(pause, min(retry_after_ms, RETRY_AFTER_MS_MAX), 1)
    return at_ms if at_ms <= created_at_ms + retry.max_age_seconds * 1000 else None
