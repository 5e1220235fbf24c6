"""When a failed delivery is tried again, and what an answer means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brivas_gateways.webhooks.backoff import RETRY_AFTER_MS_MAX, next_attempt_at
from brivas_gateways.webhooks.kind import RetrySpec
from brivas_gateways.webhooks.sender import Gone, NotTaken, Outcome, Taken, judge

RETRY = RetrySpec(initial_ms=100, max_ms=5_000, max_age_seconds=60)


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True), asked=st.integers(0, 10**12))
def test_a_pause_doubles_within_its_bounds(attempt: int, jitter: float, asked: int) -> None:
    retry = RetrySpec(initial_ms=100, max_ms=5_000, max_age_seconds=30 * 86_400)
    at_ms = next_attempt_at(
        retry, attempt=attempt, created_at_ms=1_000, now_ms=1_000, retry_after_ms=asked, jitter=jitter
    )
    assert at_ms is not None
    pause = at_ms - 1_000
    whole = min(100 * 2 ** min(attempt - 1, 20), 5_000)
    assert pause >= whole / 2
    assert pause <= max(whole, min(asked, RETRY_AFTER_MS_MAX))
    assert pause >= min(asked, RETRY_AFTER_MS_MAX)


def test_what_would_be_too_old_is_not_tried_again() -> None:
    def at(now_ms: int, asked: int = 0) -> int | None:
        return next_attempt_at(RETRY, attempt=1, created_at_ms=0, now_ms=now_ms, retry_after_ms=asked, jitter=0.0)

    assert at(59_900) == 60_000
    assert at(59_901) is None
    assert at(0, asked=60_001) is None


@pytest.mark.parametrize(
    ("status", "retry_after", "outcome"),
    [
        (200, "", Taken()),
        (204, "5", Taken()),
        (410, "", Gone()),
        (301, "", NotTaken("answered 301")),
        (404, "9", NotTaken("answered 404")),
        (500, "9", NotTaken("answered 500")),
        (429, "9", NotTaken("answered 429", 9_000)),
        (503, "Tue, 14 Nov 2023 22:13:30 GMT", NotTaken("answered 503", 10_000)),
        (503, "Tue, 14 Nov 2000 22:13:30 GMT", NotTaken("answered 503", 0)),
        (429, "-1", NotTaken("answered 429", 0)),
        (429, "soon", NotTaken("answered 429", 0)),
        (429, "9" * 30, NotTaken("answered 429", 0)),
    ],
)
def test_an_answer_means(status: int, retry_after: str, outcome: Outcome) -> None:
    assert judge(status, retry_after, 1_700_000_000_000) == outcome
