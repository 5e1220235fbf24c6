"""How each webhook stands: for people and for metrics, read from the store by whatever process asks.

A webhook that was removed is listed as long as failed deliveries of it are kept.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brivas_gateways.webhooks.store import STORE_TIMEOUT_SECONDS, store_path

_QUERY: Final = """
WITH waiting AS (SELECT webhook, count(*) AS pending FROM pending GROUP BY webhook),
    lost AS (SELECT webhook, count(*) AS failed FROM failed GROUP BY webhook),
    names AS (SELECT webhook FROM configured UNION SELECT webhook FROM waiting UNION SELECT webhook FROM lost)
SELECT webhook, account, url,
    CASE
        WHEN configured.webhook IS NULL THEN 'removed'
        WHEN unusable IS NOT NULL THEN 'unusable'
        WHEN disabled.digest = configured.digest THEN 'disabled'
        ELSE 'enabled'
    END,
    coalesce(pending, 0), coalesce(failed, 0), last_success_at_ms, last_error_at_ms, coalesce(unusable, last_error)
FROM names
    LEFT JOIN configured USING (webhook)
    LEFT JOIN disabled USING (webhook)
    LEFT JOIN outcome USING (webhook)
    LEFT JOIN waiting USING (webhook)
    LEFT JOIN lost USING (webhook)
ORDER BY webhook
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One webhook."""

    webhook: str
    account: str | None
    """None, as the URL, of one that was removed."""
    url: str | None
    state: str
    """`enabled`; `disabled`: its receiver answered 410; `unusable`: its secret is none; `removed`."""
    pending: int
    failed: int
    last_success_at_ms: int | None
    last_error_at_ms: int | None
    last_error: str | None


def read_standings(data: Path) -> list[Standing]:
    """All webhooks by name, as the controller last saw them; none where it never ran."""
    path = store_path(data)
    if not path.exists():
        return []
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=STORE_TIMEOUT_SECONDS)
        try:
            return [Standing(*row) for row in database.execute(_QUERY)]
        finally:
            database.close()
    except sqlite3.OperationalError:
        # Just being made, or locked for long: the next look will see.
        return []
