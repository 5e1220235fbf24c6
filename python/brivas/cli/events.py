"""Events and messages as the command line shows them: JSON objects, and lines for people."""

from __future__ import annotations

import datetime
from typing import Any

from brivas import content
from brivas.events import final_error, state_name
from brivas.v1 import events_pb2, messaging_pb2


def event_as_dict(event: events_pb2.Event) -> dict[str, Any]:
    """The event's own fields, in snake_case."""
    kind = event.WhichOneof("kind")
    fields: dict[str, Any] = {"kind": kind}
    match kind:
        case "accepted":
            fields |= {"origin": "smpp" if event.accepted.origin == events_pb2.ORIGIN_SMPP else "api"}
            fields |= {"expires_at_ms": event.accepted.expires_at_ms, **content_as_dict(event.accepted.content)}
            fields |= {"schedule_at_ms": event.accepted.schedule_at_ms or None}
            if event.accepted.held_by:
                fields |= {"held_by": event.accepted.held_by}
            if event.accepted.submission_id:
                fields |= {"submission_id": f"{event.accepted.submission_id:016x}"}
            if event.accepted.alias:
                fields |= {"alias": f"{event.accepted.alias:08x}"}
        case "sent":
            sent = event.sent
            carrier_id = sent.carrier_message_id.decode("latin-1")
            fields |= {"carrier": sent.carrier, "carrier_message_id": carrier_id, "attempt": sent.attempt}
            fields |= part_as_dict(sent)
        case "attempt_failed":
            failed = event.attempt_failed
            fields |= {"carrier": failed.carrier, "attempt": failed.attempt, "reason": failed.reason}
            fields |= {"command_status": failed.command_status, "retry_at_ms": failed.retry_at_ms or None}
            fields |= part_as_dict(failed)
        case "part_ended":
            ended = event.part_ended
            fields |= {"part": ended.number, "state": state_name(ended.state), "carrier": ended.carrier}
            fields |= {"error": ended.error or None, "done_at_ms": ended.done_at_ms, "attempt": ended.attempt}
        case "final":
            final = event.final
            fields |= {"state": state_name(final.state), "carrier": final.carrier, "error": final_error(final)}
            fields |= {"done_at_ms": final.done_at_ms, "attempt": final.attempt}
        case "receipt_delivered":
            fields |= {"channel": _channel(event.receipt_delivered.channel)}
        case "mo_accepted":
            fields |= {"carrier": event.mo_accepted.carrier, **content_as_dict(event.mo_accepted.content)}
        case "mo_delivered":
            fields |= {"channel": _channel(event.mo_delivered.channel)}
        case "replaced":
            fields |= {"expires_at_ms": event.replaced.expires_at_ms, **content_as_dict(event.replaced.content)}
            fields |= {"schedule_at_ms": event.replaced.schedule_at_ms or None}
        case "consent_changed":
            consent = event.consent_changed
            fields |= {"number": consent.number, "suppressed": consent.suppressed}
            fields |= {"account": consent.account or None, "sender": consent.sender.decode("latin-1") or None}
    return fields


def part_as_dict(event: events_pb2.Sent | events_pb2.AttemptFailed) -> dict[str, Any]:
    """Which of the message's PDUs it was, where there are several."""
    several = event.part.total > 1
    return {"part": event.part.number, "parts": event.part.total} if several else {}


def content_as_dict(value: events_pb2.Content) -> dict[str, Any]:
    """Sender, recipient, and the text where it can be told."""
    return {
        "from": content.address(value.source),
        "to": content.address(value.destination),
        "text": content.text(value),
        "data_coding": value.data_coding,
        "octets": len(content.octets(value)),
    }


def status_as_dict(status: messaging_pb2.MessageStatus) -> dict[str, Any]:
    """A message: its state, and each of its events."""
    return {
        "id": status.id,
        "account": status.account,
        "state": state_name(status.state),
        "incoming": status.incoming,
        "accepted_at_ms": status.accepted_at_ms,
        "expires_at_ms": status.expires_at_ms,
        "schedule_at_ms": status.schedule_at_ms or None,
        "reference": status.reference or None,
        **content_as_dict(status.content),
        "history": [
            {"at_ms": entry.at_ms, "offset": entry.offset, **event_as_dict(entry.event)} for entry in status.history
        ],
    }


def watched_as_dict(watched: messaging_pb2.WatchedEvent) -> dict[str, Any]:
    """One event of a stream."""
    known: dict[str, Any] = {"id": watched.id, "at_ms": watched.at_ms, "offset": watched.offset}
    known["account"] = watched.account or None
    if watched.HasField("source"):
        known["from"] = content.address(watched.source)
    if watched.HasField("destination"):
        known["to"] = content.address(watched.destination)
    if watched.reference:
        known["reference"] = watched.reference
    return {**known, **event_as_dict(watched.event)}


def line(shown: dict[str, Any]) -> str:
    """An event for people: time, id, kind, and the fields that say something."""
    left_out = {"id", "at_ms", "offset", "kind", "data_coding", "octets"}
    left_out |= {"expires_at_ms", "schedule_at_ms", "done_at_ms"}
    fields = " ".join(
        f"{key}={_written(value)}" for key, value in shown.items() if key not in left_out and value not in (None, "")
    )
    head = f"{clock(shown['at_ms'])}  "
    identity = f"{shown['id']}  " if "id" in shown else ""
    return f"{head}{identity}{shown['kind']:<17} {fields}"


def clock(at_ms: int) -> str:
    """A time of day with milliseconds, in UTC, with its date."""
    at = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    return at.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")


def _written(value: object) -> str:
    text = str(value)
    return repr(text) if any(character in text for character in ' "\n') else text


def _channel(channel: events_pb2.Channel.ValueType) -> str:
    return events_pb2.Channel.Name(channel).removeprefix("CHANNEL_").lower()
