"""What is to be delivered, kept on disk: DATA/ops/webhooks/deliveries.sqlite.

The offset of the journal moves in the same transaction that stores the deliveries read before it: a kill at any moment
loses none. Of a message only the oldest delivery to a webhook is ever due; the next becomes due when it is settled, so
the order holds. After a power cut the last transactions may be gone together: then events are read and delivered again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brivas.errors import BrivasError, NotFoundError

FAILED_MAX: Final = 100_000
"""Failed deliveries kept, all webhooks together; the oldest go first."""

PENDING_MAX: Final = 1_000_000
"""Deliveries waiting for one webhook; one more fails at once."""

STORE_TIMEOUT_SECONDS: Final = 1.0
"""How long a reader waits for who writes."""

# Each step makes the next version of the file.
_VERSION_1: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pending (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL,
    event_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    event TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- NULL: an older delivery of the same message comes first.
    due_at_ms INTEGER,
    UNIQUE (webhook, event_id)
);
CREATE INDEX pending_due ON pending (webhook, due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE INDEX pending_order ON pending (webhook, message_id, sequence);
CREATE TABLE failed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL,
    event_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    event TEXT NOT NULL,
    body BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    failed_at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX failed_webhook ON failed (webhook);
CREATE TABLE disabled (
    webhook TEXT PRIMARY KEY, digest TEXT NOT NULL, since_ms INTEGER NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID;
"""
_VERSION_2: Final = """
CREATE TABLE configured (
    webhook TEXT PRIMARY KEY, account TEXT NOT NULL, url TEXT NOT NULL, digest TEXT NOT NULL, unusable TEXT
) WITHOUT ROWID;
CREATE TABLE outcome (
    webhook TEXT PRIMARY KEY, last_success_at_ms INTEGER, last_error_at_ms INTEGER, last_error TEXT
) WITHOUT ROWID;
"""
_STEPS: Final = (_VERSION_1, _VERSION_2)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An event that a webhook asked for."""

    webhook: str
    event_id: str
    message_id: str
    event: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that is to be made."""

    sequence: int
    webhook: str
    event_id: str
    message_id: str
    event: str
    body: bytes
    created_at_ms: int
    attempts: int


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """One that was given up."""

    id: int
    webhook: str
    event_id: str
    message_id: str
    event: str
    attempts: int
    failed_at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Configured:
    """A webhook of the configuration in force."""

    webhook: str
    account: str
    url: str
    digest: str
    unusable: str | None
    """Why nothing can be delivered to it."""


class Store:
    """For one thread. Other processes may read and revive at the same time."""

    def __init__(
        self, data: Path, *, pending_max: int = PENDING_MAX, failed_max: int = FAILED_MAX, create: bool = True
    ) -> None:
        path = store_path(data)
        if create:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not path.exists():
            raise NotFoundError(f"no deliveries are stored in {path.parent}", hint="--data names the data directory")
        self._pending_max = pending_max
        self._failed_max = failed_max
        self._database = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._migrate(path)
        counted = self._database.execute("SELECT webhook, count(*) FROM pending GROUP BY webhook")
        self._pending: dict[str, int] = dict(counted.fetchall())

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def next_offset(self) -> int | None:
        """Everything of the journal before it has been read; None at the very first start."""
        row = self._database.execute("SELECT value FROM meta WHERE name = 'next_offset'").fetchone()
        return None if row is None else int(row[0])

    def add(self, next_offset: int, deliveries: Iterable[NewDelivery], now_ms: int) -> None:
        """Stores deliveries, and that the journal was read up to `next_offset`: both or neither."""
        with self._transaction():
            for each in deliveries:
                waiting = self._pending.get(each.webhook, 0)
                if waiting >= self._pending_max:
                    self._add_failed(each, 0, now_ms, f"{waiting} deliveries were waiting already")
                    continue
                added = self._database.execute(
                    "INSERT OR IGNORE INTO pending"
                    " (webhook, event_id, message_id, event, body, created_at_ms, due_at_ms)"
                    " VALUES (:webhook, :event_id, :message_id, :event, :body, :now, CASE WHEN EXISTS (SELECT 1 FROM"
                    " pending WHERE webhook = :webhook AND message_id = :message_id) THEN NULL ELSE :now END)",
                    {**_columns(each), "now": now_ms},
                ).rowcount
                self._pending[each.webhook] = waiting + added
            self._set_meta("next_offset", next_offset)

    def due(self, webhook: str, now_ms: int, limit: int) -> list[Delivery]:
        """What may be delivered now, the longest due first; of each message only its oldest."""
        rows = self._database.execute(
            "SELECT sequence, webhook, event_id, message_id, event, body, created_at_ms, attempts FROM pending"
            " WHERE webhook = ? AND due_at_ms <= ? ORDER BY due_at_ms, sequence LIMIT ?",
            (webhook, now_ms, limit),
        )
        return [Delivery(*row) for row in rows]

    def next_due_at(self, webhook: str) -> int | None:
        """When the next delivery of this webhook is due."""
        row = self._database.execute(
            "SELECT min(due_at_ms) FROM pending WHERE webhook = ? AND due_at_ms IS NOT NULL", (webhook,)
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def done(self, delivery: Delivery, now_ms: int) -> None:
        """It was taken; the message's next one is due."""
        with self._transaction():
            self._remove(delivery, now_ms)
            self._database.execute(
                "INSERT INTO outcome (webhook, last_success_at_ms) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET last_success_at_ms = excluded.last_success_at_ms",
                (delivery.webhook, now_ms),
            )

    def postpone(self, delivery: Delivery, reason: str, now_ms: int, due_at_ms: int) -> None:
        """It failed and is tried again."""
        with self._transaction():
            self._database.execute(
                "UPDATE pending SET attempts = attempts + 1, due_at_ms = ? WHERE sequence = ?",
                (due_at_ms, delivery.sequence),
            )
            self._note_error(delivery.webhook, reason, now_ms)

    def give_up(self, delivery: Delivery, reason: str, now_ms: int) -> None:
        """It failed for good: kept for inspection; the message's next one is due."""
        with self._transaction():
            self._remove(delivery, now_ms)
            self._add_failed(delivery, delivery.attempts + 1, now_ms, reason)
            self._note_error(delivery.webhook, reason, now_ms)

    def give_up_all(self, webhook: str, reason: str, now_ms: int) -> int:
        """All that waits for a webhook failed for good."""
        with self._transaction():
            moved = self._database.execute(
                "INSERT INTO failed (webhook, event_id, message_id, event, body, attempts, failed_at_ms, reason)"
                " SELECT webhook, event_id, message_id, event, body, attempts, ?, ? FROM pending WHERE webhook = ?"
                " ORDER BY sequence",
                (now_ms, reason, webhook),
            ).rowcount
            self._database.execute("DELETE FROM pending WHERE webhook = ?", (webhook,))
            self._drop_oldest_failed()
        self._pending.pop(webhook, None)
        return moved

    def webhooks_pending(self) -> list[str]:
        """The names of the webhooks for which something waits."""
        return [str(row[0]) for row in self._database.execute("SELECT DISTINCT webhook FROM pending ORDER BY 1")]

    def disable(self, webhook: str, digest: str, reason: str, now_ms: int) -> None:
        """The receiver wants nothing more. Holds until the webhook's specification changes."""
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO disabled (webhook, digest, since_ms, reason) VALUES (?, ?, ?, ?)",
                (webhook, digest, now_ms, reason),
            )
            self._note_error(webhook, reason, now_ms)

    def enable(self, webhook: str) -> bool:
        """Takes a webhook into use again; whether it was disabled."""
        return self._database.execute("DELETE FROM disabled WHERE webhook = ?", (webhook,)).rowcount > 0

    def disabled(self) -> dict[str, str]:
        """The digest of the specification under which each webhook was disabled."""
        return dict(self._database.execute("SELECT webhook, digest FROM disabled").fetchall())

    def failed(self, *, webhook: str | None = None, limit: int = 100) -> list[FailedDelivery]:
        """What was given up, newest first."""
        rows = self._database.execute(
            "SELECT id, webhook, event_id, message_id, event, attempts, failed_at_ms, reason FROM failed"
            " WHERE ? IS NULL OR webhook = ? ORDER BY id DESC LIMIT ?",
            (webhook, webhook, limit),
        )
        return [FailedDelivery(*row) for row in rows]

    def failed_dropped(self) -> int:
        """How many failed deliveries were forgotten because there were too many."""
        row = self._database.execute("SELECT value FROM meta WHERE name = 'failed_dropped'").fetchone()
        return 0 if row is None else int(row[0])

    def revive(self, failed_id: int, now_ms: int) -> FailedDelivery:
        """Puts a failed delivery in line again, as new."""
        with self._transaction():
            row = self._database.execute(
                "DELETE FROM failed WHERE id = ? RETURNING id, webhook, event_id, message_id, event, attempts,"
                " failed_at_ms, reason, body",
                (failed_id,),
            ).fetchone()
            if row is None:
                raise NotFoundError(
                    f"no failed delivery has the id {failed_id}", hint="`brivas webhooks failed` lists them"
                )
            found = FailedDelivery(*row[:8])
            self._database.execute(
                "INSERT OR IGNORE INTO pending (webhook, event_id, message_id, event, body, created_at_ms, due_at_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (found.webhook, found.event_id, found.message_id, found.event, row[8], now_ms, now_ms),
            )
        return found

    def configure(self, webhooks: Iterable[Configured]) -> None:
        """The webhooks of the configuration in force, for those who ask how they stand."""
        with self._transaction():
            self._database.execute("DELETE FROM configured")
            self._database.executemany(
                "INSERT INTO configured (webhook, account, url, digest, unusable) VALUES (?, ?, ?, ?, ?)",
                [(each.webhook, each.account, each.url, each.digest, each.unusable) for each in webhooks],
            )
            self._database.execute("DELETE FROM outcome WHERE webhook NOT IN (SELECT webhook FROM configured)")

    def pending(self) -> int:
        """How many deliveries wait, to all webhooks."""
        return int(self._database.execute("SELECT count(*) FROM pending").fetchone()[0])

    def _migrate(self, path: Path) -> None:
        with self._transaction():
            version = int(self._database.execute("PRAGMA user_version").fetchone()[0])
            if version > len(_STEPS):
                raise BrivasError(
                    f"{path} has version {version}, this program knows {len(_STEPS)}",
                    hint="use the version of Brivas that wrote it, or move the file away",
                )
            for step in _STEPS[version:]:
                for statement in _statements(step):
                    self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {len(_STEPS)}")

    def _note_error(self, webhook: str, reason: str, now_ms: int) -> None:
        self._database.execute(
            "INSERT INTO outcome (webhook, last_error_at_ms, last_error) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET last_error_at_ms = excluded.last_error_at_ms, last_error = excluded.last_error",
            (webhook, now_ms, reason),
        )

    def _remove(self, delivery: Delivery, now_ms: int) -> None:
        removed = self._database.execute("DELETE FROM pending WHERE sequence = ?", (delivery.sequence,)).rowcount
        self._pending[delivery.webhook] = max(self._pending.get(delivery.webhook, 0) - removed, 0)
        self._database.execute(
            "UPDATE pending SET due_at_ms = ? WHERE due_at_ms IS NULL AND sequence = (SELECT min(sequence) FROM pending"
            " WHERE webhook = ? AND message_id = ?)",
            (now_ms, delivery.webhook, delivery.message_id),
        )

    def _add_failed(self, delivery: NewDelivery | Delivery, attempts: int, now_ms: int, reason: str) -> None:
        self._database.execute(
            "INSERT INTO failed (webhook, event_id, message_id, event, body, attempts, failed_at_ms, reason)"
            " VALUES (:webhook, :event_id, :message_id, :event, :body, :attempts, :now, :reason)",
            {**_columns(delivery), "attempts": attempts, "now": now_ms, "reason": reason},
        )
        self._drop_oldest_failed()

    def _drop_oldest_failed(self) -> None:
        # Ids have few gaps (what was revived): their span is a count that costs nothing.
        span = self._database.execute("SELECT max(id) - min(id) + 1 FROM failed").fetchone()[0] or 0
        excess = int(span) - self._failed_max
        if excess > 0:
            dropped = self._database.execute(
                "DELETE FROM failed WHERE id < (SELECT min(id) FROM failed) + ?", (excess,)
            ).rowcount
            self._set_meta("failed_dropped", self.failed_dropped() + dropped)

    def _set_meta(self, name: str, value: int) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def store_path(data: Path) -> Path:
    """Where the deliveries stand in a data directory."""
    return data / "ops" / "webhooks" / "deliveries.sqlite"


def _columns(delivery: NewDelivery | Delivery) -> dict[str, str | bytes]:
    return {
        "webhook": delivery.webhook,
        "event_id": delivery.event_id,
        "message_id": delivery.message_id,
        "event": delivery.event,
        "body": delivery.body,
    }


def _statements(script: str) -> Iterator[str]:
    return (statement for statement in script.split(";\n") if statement.strip())
