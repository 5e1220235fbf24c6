"""The names of what can happen to a message, as customers see them: in webhooks and wherever events are named.

The journal's own events are finer (`proto/brivas/v1/events.proto`): this is the one place that says which of them a
customer hears of, and by which name.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from brivas.v1 import events_pb2


class EventName(StrEnum):
    """An event that a customer can subscribe to."""

    ACCEPTED = "message.accepted"
    """We took the message over."""
    SENT = "message.sent"
    """A carrier took it."""
    ATTEMPT_FAILED = "message.attempt_failed"
    """A carrier did not take it; `retry_at` says whether it is tried again."""
    DELIVERED = "message.delivered"
    """It reached its destination: final."""
    FAILED = "message.failed"
    """It expired, was refused, deleted or could not be delivered: final. `state` says which."""
    INCOMING = "message.incoming"
    """A subscriber wrote to the customer."""


STATE_NAMES: Final[dict[events_pb2.MessageState.ValueType, str]] = {
    value: name.removeprefix("MESSAGE_STATE_").lower() for name, value in events_pb2.MessageState.items()
}
"""The states of a message by their lower-case names."""

FINAL_STATES: Final = frozenset(
    {
        events_pb2.MESSAGE_STATE_DELIVERED,
        events_pb2.MESSAGE_STATE_EXPIRED,
        events_pb2.MESSAGE_STATE_DELETED,
        events_pb2.MESSAGE_STATE_UNDELIVERABLE,
        # A carrier took it, and nobody will tell more.
        events_pb2.MESSAGE_STATE_ACCEPTED,
        events_pb2.MESSAGE_STATE_UNKNOWN,
        events_pb2.MESSAGE_STATE_REJECTED,
    }
)

_NO_ERROR: Final = frozenset({events_pb2.MESSAGE_STATE_DELIVERED, events_pb2.MESSAGE_STATE_ACCEPTED})

_KINDS: Final[dict[EventName, str]] = {
    EventName.ACCEPTED: "accepted",
    EventName.SENT: "sent",
    EventName.ATTEMPT_FAILED: "attempt_failed",
    EventName.DELIVERED: "final",
    EventName.FAILED: "final",
    EventName.INCOMING: "mo_accepted",
}


def event_name(event: events_pb2.Event) -> EventName | None:
    """The customer's name of an event; None for what concerns only us."""
    match event.WhichOneof("kind"):
        case "accepted":
            return EventName.ACCEPTED
        case "sent":
            return EventName.SENT
        case "attempt_failed":
            return EventName.ATTEMPT_FAILED
        case "final" if event.final.state == events_pb2.MESSAGE_STATE_DELIVERED:
            return EventName.DELIVERED
        case "final" if event.final.state == events_pb2.MESSAGE_STATE_ACCEPTED:
            # Nobody asked for a receipt: `message.sent` was the last that is known.
            return None
        case "final":
            return EventName.FAILED
        case "mo_accepted":
            return EventName.INCOMING
        case _:
            return None


def journal_kinds(names: Iterable[EventName]) -> tuple[str, ...]:
    """Which kinds of the journal to watch for these events, in order."""
    return tuple(sorted({_KINDS[name] for name in names}))


def state_name(state: int) -> str:
    """`delivered`, `expired`, ...; `state_12` for one that is not known."""
    return STATE_NAMES.get(events_pb2.MessageState.ValueType(state), f"state_{state}")


def final_error(final: events_pb2.Final) -> str | None:
    """The carrier's error of a message that failed. Receipts of delivered ones have one too, `000`: it says nothing."""
    return None if final.state in _NO_ERROR or not final.error else final.error
