"""`/metrics`: the engine's figures as OpenMetrics. When the engine does not answer, that is what the metrics say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from brivas import metrics
from brivas.errors import BrivasError
from brivas.metrics import Metric
from brivas.openmetrics import CONTENT_TYPE, Exposition
from brivas.resources.snapshot import message_ids_name
from brivas.v1 import control_pb2
from brivas_gateways.http.engine import Engine
from brivas_gateways.webhooks.standing import read_standings

SCRAPE_TIMEOUT_SECONDS: Final = 5.0

# The fields of the engine's messages and the metrics they are.
_TOTALS: Final[tuple[tuple[Metric, str], ...]] = (
    (metrics.ACCEPTED, "accepted"),
    (metrics.REFUSED, "refused"),
    (metrics.THROTTLED, "throttled"),
    (metrics.QUEUE_FULL, "queue_full"),
    (metrics.SENT, "sent"),
    (metrics.ATTEMPTS_FAILED, "attempts_failed"),
    (metrics.DELIVERED, "delivered"),
    (metrics.UNDELIVERED, "undelivered"),
    (metrics.CANCELLED, "cancelled"),
    (metrics.REPLACED, "replaced"),
    (metrics.SCHEDULED, "scheduled_messages"),
    (metrics.RECEIPTS_MATCHED, "receipts_matched"),
    (metrics.RECEIPTS_UNMATCHED, "receipts_unmatched"),
    (metrics.RECEIPTS_DELIVERED, "receipts_delivered"),
    (metrics.INCOMING_ACCEPTED, "mo_accepted"),
    (metrics.INCOMING_DELIVERED, "mo_delivered"),
    (metrics.ALERTS, "alerts"),
    (metrics.ALERTS_DELIVERED, "alerts_delivered"),
    (metrics.PROTOCOL_ERRORS, "protocol_errors"),
    (metrics.BINDS_REFUSED, "binds_refused"),
    (metrics.CONNECTIONS_ACCEPTED, "connections_accepted"),
    (metrics.TLS_HANDSHAKES_FAILED, "tls_handshakes_failed"),
    (metrics.PROXY_HEADERS_REFUSED, "proxy_headers_refused"),
    (metrics.OPEN_MESSAGES, "open_messages"),
    (metrics.CONNECTIONS, "connections"),
)
_ACCOUNT: Final[tuple[tuple[Metric, str], ...]] = (
    (metrics.ACCOUNT_BINDS, "binds"),
    (metrics.ACCOUNT_ACCEPTED, "accepted"),
    (metrics.ACCOUNT_THROTTLED, "throttled"),
    (metrics.ACCOUNT_QUEUE_FULL, "queue_full"),
    (metrics.ACCOUNT_OPEN, "open_messages"),
    (metrics.ACCOUNT_WAITING, "deliveries_waiting"),
)
_CARRIER: Final[tuple[tuple[Metric, str], ...]] = (
    (metrics.CARRIER_BINDS_UP, "binds_up"),
    (metrics.CARRIER_BINDS_WANTED, "binds_wanted"),
    (metrics.CARRIER_SENT, "sent"),
    (metrics.CARRIER_FAILED, "failed"),
    (metrics.CARRIER_QUEUED, "queued"),
    (metrics.CARRIER_IN_FLIGHT, "in_flight"),
    (metrics.CARRIER_THROTTLED, "throttled"),
    (metrics.CARRIER_ALLOWED, "allowed_per_second"),
    (metrics.CARRIER_WINDOW, "window"),
    (metrics.CARRIER_UNANSWERED, "unanswered"),
    (metrics.CARRIER_HELD, "held"),
)
_RECEIPTS: Final[tuple[tuple[Metric, str], ...]] = (
    (metrics.CARRIER_RECEIPTS_MATCHED, "matched"),
    (metrics.CARRIER_RECEIPTS_UNMATCHED, "unmatched"),
    (metrics.CARRIER_RECEIPTS_AMBIGUOUS, "ambiguous"),
    (metrics.CARRIER_RECEIPTS_DUPLICATE, "duplicate"),
    (metrics.CARRIER_RECEIPTS_EARLY, "early"),
    (metrics.CARRIER_RECEIPTS_INTERMEDIATE, "intermediate"),
    (metrics.CARRIER_SHARED_IDS, "shared_ids"),
)
_JOURNAL: Final[tuple[tuple[Metric, str], ...]] = (
    (metrics.JOURNAL_START, "start_offset"),
    (metrics.JOURNAL_WRITTEN, "written_offset"),
    (metrics.JOURNAL_DURABLE, "durable_offset"),
    (metrics.JOURNAL_BYTES, "bytes"),
    (metrics.JOURNAL_COMMITS, "commits"),
)
_MICROSECONDS: Final = 1_000_000


async def scrape(request: Request) -> Response:
    """All metrics."""
    engine: Engine = request.app.state.engine
    exposition = Exposition()
    try:
        stats = await engine.stats(SCRAPE_TIMEOUT_SECONDS)
    except BrivasError:
        exposition.add(metrics.ENGINE_UP, 0)
    else:
        exposition.add(metrics.ENGINE_UP, 1)
        add_engine(exposition, stats)
    for standing in read_standings(engine.data):
        labels = {"webhook": standing.webhook}
        exposition.add(metrics.WEBHOOKS_PENDING, standing.pending, labels)
        exposition.add(metrics.WEBHOOKS_FAILED, standing.failed, labels)
        exposition.add(metrics.WEBHOOKS_DISABLED, int(standing.state == "disabled"), labels)
    return Response(exposition.text(), headers={"Content-Type": CONTENT_TYPE})


def add_engine(exposition: Exposition, stats: control_pb2.StatsResponse) -> None:
    """The engine's figures."""
    labels = {"version": stats.version, "profile": stats.profile, "snapshot_hash": stats.snapshot_hash}
    exposition.add(metrics.ENGINE, 1, labels)
    exposition.add(metrics.STARTED, stats.started_at_ms / 1000)
    exposition.add(metrics.DRAINING, int(stats.draining))
    exposition.add(metrics.ACCEPTANCE_STOPPED, int(bool(stats.acceptance_stopped)))
    for metric, field in _TOTALS:
        exposition.add(metric, getattr(stats.totals, field))
    for metric, field in _ACCOUNT:
        for account in stats.accounts:
            exposition.add(metric, getattr(account, field), {"account": account.name})
    for metric, field in _CARRIER:
        for carrier in stats.carriers:
            exposition.add(metric, getattr(carrier, field), {"carrier": carrier.name})
    for carrier in stats.carriers:
        labels = {"carrier": carrier.name}
        exposition.add(metrics.CARRIER_ROUND_TRIP, carrier.round_trip_ms / 1000, labels)
        if carrier.HasField("congestion_state"):
            exposition.add(metrics.CARRIER_CONGESTION, carrier.congestion_state, labels)
        if carrier.certificate_expires_at_ms:
            exposition.add(metrics.CARRIER_CERTIFICATE, carrier.certificate_expires_at_ms / 1000, labels)
    add_listeners(exposition, stats.listeners)
    add_receipts(exposition, stats)
    for metric, field in _JOURNAL:
        exposition.add(metric, getattr(stats.journal, field))
    exposition.add(metrics.JOURNAL_SYNC, stats.journal.sync_us_p50 / _MICROSECONDS, {"quantile": "0.5"})
    exposition.add(metrics.JOURNAL_SYNC, stats.journal.sync_us_p99 / _MICROSECONDS, {"quantile": "0.99"})
    exposition.add_count(metrics.JOURNAL_SYNC, stats.journal.syncs)


def add_receipts(exposition: Exposition, stats: control_pb2.StatsResponse) -> None:
    """What carriers' receipts are like, and how many were which."""
    for metric, field in _RECEIPTS:
        for carrier in stats.carriers:
            exposition.add(metric, getattr(carrier.receipts, field), {"carrier": carrier.name})
    for carrier in stats.carriers:
        learned = carrier.learned
        has_zone = learned.HasField("receipt_zone_minutes")
        labels = {
            "carrier": carrier.name,
            "message_ids": message_ids_name(learned.message_ids),
            "receipt_zone_minutes": str(learned.receipt_zone_minutes) if has_zone else "",
            "plain_receipts": str(learned.plain_receipts).lower(),
        }
        exposition.add(metrics.CARRIER_QUIRKS, 1, labels)


def add_listeners(exposition: Exposition, listeners: Iterable[control_pb2.ListenerStats]) -> None:
    """The configuration's listeners: the gateway's own has no name."""
    for listener in listeners:
        if listener.name:
            labels = {"listener": listener.name}
            exposition.add(metrics.LISTENER_CONNECTIONS, listener.connections_accepted, labels)
            if listener.tls:
                exposition.add(metrics.LISTENER_CERTIFICATE, listener.certificate_expires_at_ms / 1000, labels)
