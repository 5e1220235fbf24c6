"""Every metric: its name, type, help and labels. Docs are generated from this table; nothing else names a metric.

Names follow OpenMetrics 1.0: base units, unit last; a counter's sample adds `_total`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Type = Literal["counter", "gauge", "summary", "info"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One family."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""


ENGINE_UP: Final = Metric("brivas_engine_up", "gauge", "1 while the engine answers, else 0.")
ENGINE: Final = Metric("brivas_engine", "info", "The engine that answers.", ("version", "profile", "snapshot_hash"))
STARTED: Final = Metric(
    "brivas_engine_start_time_seconds", "gauge", "When the engine started, seconds since 1970.", unit="seconds"
)
DRAINING: Final = Metric("brivas_engine_draining", "gauge", "1 while the engine drains.")
ACCEPTANCE_STOPPED: Final = Metric(
    "brivas_engine_acceptance_stopped", "gauge", "1 while nothing is accepted because the journal stopped."
)

ACCEPTED: Final = Metric("brivas_messages_accepted", "counter", "Messages taken over from customers.")
REFUSED: Final = Metric("brivas_messages_refused", "counter", "Messages refused, for any reason.")
THROTTLED: Final = Metric("brivas_messages_throttled", "counter", "Messages refused by an account's throttle.")
QUEUE_FULL: Final = Metric("brivas_messages_queue_full", "counter", "Messages refused because a queue was full.")
SENT: Final = Metric("brivas_messages_sent", "counter", "Messages that a carrier took.")
ATTEMPTS_FAILED: Final = Metric("brivas_attempts_failed", "counter", "Attempts that a carrier did not take.")
DELIVERED: Final = Metric(
    "brivas_messages_delivered", "counter", "Messages delivered, or taken by a carrier and not tracked."
)
UNDELIVERED: Final = Metric("brivas_messages_undelivered", "counter", "Messages that ended in another final state.")
CANCELLED: Final = Metric("brivas_messages_cancelled", "counter", "Messages cancelled before a carrier had them.")
REPLACED: Final = Metric("brivas_messages_replaced", "counter", "Messages replaced before a carrier had them.")
SCHEDULED: Final = Metric("brivas_messages_scheduled", "gauge", "Open messages that wait for their time.")
RECEIPTS_MATCHED: Final = Metric("brivas_receipts_matched", "counter", "Receipts matched to their message.")
RECEIPTS_UNMATCHED: Final = Metric("brivas_receipts_unmatched", "counter", "Receipts for no message we know.")
RECEIPTS_DELIVERED: Final = Metric("brivas_receipts_delivered", "counter", "Receipts that the customer took.")
INCOMING_ACCEPTED: Final = Metric("brivas_incoming_accepted", "counter", "Incoming messages taken from carriers.")
INCOMING_DELIVERED: Final = Metric("brivas_incoming_delivered", "counter", "Incoming messages the customer took.")
ALERTS: Final = Metric("brivas_alerts", "counter", "alert_notifications of carriers.")
ALERTS_DELIVERED: Final = Metric(
    "brivas_alerts_delivered", "counter", "alert_notifications that a customer's bind was sent."
)
PROTOCOL_ERRORS: Final = Metric("brivas_protocol_errors", "counter", "PDUs that broke the protocol.")
BINDS_REFUSED: Final = Metric("brivas_binds_refused", "counter", "Binds refused.")
CONNECTIONS_ACCEPTED: Final = Metric("brivas_connections_accepted", "counter", "TCP connections taken.")
TLS_HANDSHAKES_FAILED: Final = Metric(
    "brivas_tls_handshakes_failed", "counter", "TLS handshakes that failed or did not end in time."
)
PROXY_HEADERS_REFUSED: Final = Metric(
    "brivas_proxy_headers_refused", "counter", "Connections of trusted proxies without a PROXY header that is right."
)
OPEN_MESSAGES: Final = Metric(
    "brivas_messages_open", "gauge", "Messages still to be sent or delivered, or whose receipt is."
)
CONNECTIONS: Final = Metric("brivas_connections", "gauge", "TCP connections now, of customers and to carriers.")

LISTENER_CONNECTIONS: Final = Metric(
    "brivas_listener_connections_accepted", "counter", "TCP connections a Listener took.", ("listener",)
)
LISTENER_CERTIFICATE: Final = Metric(
    "brivas_listener_certificate_expiry_time_seconds",
    "gauge",
    "When the first of a TLS listener's certificates expires, seconds since 1970.",
    ("listener",),
    unit="seconds",
)

ACCOUNT_BINDS: Final = Metric("brivas_account_binds", "gauge", "Binds of an account now.", ("account",))
ACCOUNT_ACCEPTED: Final = Metric(
    "brivas_account_messages_accepted", "counter", "Messages taken over from an account.", ("account",)
)
ACCOUNT_THROTTLED: Final = Metric(
    "brivas_account_messages_throttled", "counter", "Messages of an account its throttle refused.", ("account",)
)
ACCOUNT_QUEUE_FULL: Final = Metric(
    "brivas_account_messages_queue_full", "counter", "Messages of an account refused by a full queue.", ("account",)
)
ACCOUNT_OPEN: Final = Metric(
    "brivas_account_messages_open",
    "gauge",
    "Messages of an account still to be sent or delivered, or whose receipt is.",
    ("account",),
)
ACCOUNT_WAITING: Final = Metric(
    "brivas_account_deliveries_waiting", "gauge", "Receipts and incoming messages waiting for an account.", ("account",)
)

CARRIER_BINDS_UP: Final = Metric("brivas_carrier_binds_up", "gauge", "Binds to a carrier that are up.", ("carrier",))
CARRIER_BINDS_WANTED: Final = Metric(
    "brivas_carrier_binds_wanted", "gauge", "Binds to a carrier that should be up.", ("carrier",)
)
CARRIER_SENT: Final = Metric("brivas_carrier_messages_sent", "counter", "Messages a carrier took.", ("carrier",))
CARRIER_FAILED: Final = Metric(
    "brivas_carrier_attempts_failed", "counter", "Attempts a carrier did not take.", ("carrier",)
)
CARRIER_QUEUED: Final = Metric(
    "brivas_carrier_messages_queued", "gauge", "Messages waiting for a carrier.", ("carrier",)
)
CARRIER_IN_FLIGHT: Final = Metric(
    "brivas_carrier_messages_in_flight", "gauge", "Messages sent to a carrier and not answered.", ("carrier",)
)
CARRIER_THROTTLED: Final = Metric(
    "brivas_carrier_answers_throttled", "counter", "Answers of a carrier that asked for less speed.", ("carrier",)
)
CARRIER_ALLOWED: Final = Metric(
    "brivas_carrier_allowed_messages_per_second",
    "gauge",
    "Messages a second a carrier may be sent now, by configuration and by what it lets through; 0 is no limit.",
    ("carrier",),
)
CARRIER_WINDOW: Final = Metric(
    "brivas_carrier_window", "gauge", "Unanswered messages a carrier may have now, over all binds.", ("carrier",)
)
CARRIER_ROUND_TRIP: Final = Metric(
    "brivas_carrier_round_trip_seconds",
    "gauge",
    "From a message to its answer, smoothed; of the slowest bind.",
    ("carrier",),
    unit="seconds",
)
CARRIER_CONGESTION: Final = Metric(
    "brivas_carrier_congestion_percent",
    "gauge",
    "congestion_state of a carrier that sends it: 80 to 89 is the optimum.",
    ("carrier",),
)

CARRIER_UNANSWERED: Final = Metric(
    "brivas_carrier_messages_unanswered", "counter", "Messages sent to a carrier and never answered.", ("carrier",)
)
CARRIER_HELD: Final = Metric(
    "brivas_carrier_messages_held",
    "gauge",
    "Messages of a carrier that wait for a late response or a receipt, as onTimeout and onDisconnect say.",
    ("carrier",),
)
CARRIER_RECEIPTS_MATCHED: Final = Metric(
    "brivas_carrier_receipts_matched", "counter", "Receipts of a carrier that ended a message.", ("carrier",)
)
CARRIER_RECEIPTS_UNMATCHED: Final = Metric(
    "brivas_carrier_receipts_unmatched", "counter", "Receipts of a carrier for no message we know.", ("carrier",)
)
CARRIER_RECEIPTS_AMBIGUOUS: Final = Metric(
    "brivas_carrier_receipts_ambiguous",
    "counter",
    "Receipts of a carrier that could mean more than one message, and ended none.",
    ("carrier",),
)
CARRIER_RECEIPTS_DUPLICATE: Final = Metric(
    "brivas_carrier_receipts_duplicate",
    "counter",
    "Receipts of a carrier whose message has had one already.",
    ("carrier",),
)
CARRIER_RECEIPTS_EARLY: Final = Metric(
    "brivas_carrier_receipts_early",
    "counter",
    "Receipts of a carrier that came before the response which names their message.",
    ("carrier",),
)
CARRIER_RECEIPTS_INTERMEDIATE: Final = Metric(
    "brivas_carrier_receipts_intermediate", "counter", "Receipts of a carrier that told no final state.", ("carrier",)
)
CARRIER_SHARED_IDS: Final = Metric(
    "brivas_carrier_ids_repeated",
    "counter",
    "Messages that a carrier gave an id which another open message has.",
    ("carrier",),
)
CARRIER_QUIRKS: Final = Metric(
    "brivas_carrier_quirks",
    "info",
    "What a carrier's receipts are like, as configured or learned: how ids come from those of the responses"
    " (auto: not known yet), minutes that dates are ahead of UTC, and whether receipts lack their esm_class.",
    ("carrier", "message_ids", "receipt_zone_minutes", "plain_receipts"),
)
CARRIER_CERTIFICATE: Final = Metric(
    "brivas_carrier_certificate_expiry_time_seconds",
    "gauge",
    "When the certificate that a carrier is shown expires, seconds since 1970.",
    ("carrier",),
    unit="seconds",
)

JOURNAL_START: Final = Metric("brivas_journal_start_offset", "gauge", "The first offset the journal still holds.")
JOURNAL_WRITTEN: Final = Metric("brivas_journal_written_offset", "gauge", "The end of what is written.")
JOURNAL_DURABLE: Final = Metric("brivas_journal_durable_offset", "gauge", "The end of what is durable.")
JOURNAL_BYTES: Final = Metric("brivas_journal_size_bytes", "gauge", "Size of the journal on disk.", unit="bytes")
JOURNAL_COMMITS: Final = Metric("brivas_journal_commits", "counter", "Group commits.")
JOURNAL_SYNC: Final = Metric(
    "brivas_journal_sync_seconds", "summary", "How long fdatasync took.", ("quantile",), unit="seconds"
)

WEBHOOKS_PENDING: Final = Metric(
    "brivas_webhook_deliveries_pending", "gauge", "Deliveries to a webhook still to be made.", ("webhook",)
)
WEBHOOKS_FAILED: Final = Metric(
    "brivas_webhook_deliveries_failed", "gauge", "Deliveries given up and kept for inspection.", ("webhook",)
)
WEBHOOKS_DISABLED: Final = Metric(
    "brivas_webhook_disabled", "gauge", "1 for a webhook whose receiver answered 410.", ("webhook",)
)

ALL: Final[tuple[Metric, ...]] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
