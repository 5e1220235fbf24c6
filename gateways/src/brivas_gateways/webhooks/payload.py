"""What is posted: an event as JSON, `{"type", "timestamp", "data"}` (Standard Webhooks 1.0, Payload structure)."""

from __future__ import annotations

from typing import Any

import msgspec

from brivas import content
from brivas.events import EventName, final_error, state_name
from brivas.timestamps import iso_timestamp
from brivas.v1 import events_pb2, messaging_pb2


def event_id(watched: messaging_pb2.WatchedEvent) -> str:
    """The same event has the same id, however often it is read or sent: message and place in the journal."""
    return f"evt_{watched.id}_{watched.offset:x}"


def body(name: EventName, watched: messaging_pb2.WatchedEvent) -> bytes:
    """The bytes to post."""
    return msgspec.json.encode(
        {"type": name.value, "timestamp": iso_timestamp(watched.at_ms), "data": _data(name, watched)}
    )


def _data(name: EventName, watched: messaging_pb2.WatchedEvent) -> dict[str, Any]:
    event = watched.event
    data: dict[str, Any] = {"id": watched.id, "account": watched.account}
    if watched.reference:
        data["reference"] = watched.reference
    source, destination = _addresses(watched)
    if destination is not None:
        data["to"] = content.address(destination)
    if source is not None:
        data["from"] = content.address(source)
    match name:
        case EventName.ACCEPTED:
            data["expires_at"] = iso_timestamp(event.accepted.expires_at_ms)
        case EventName.SENT:
            data |= {"carrier": event.sent.carrier, "attempt": event.sent.attempt}
        case EventName.ATTEMPT_FAILED:
            failed = event.attempt_failed
            data |= {
                "carrier": failed.carrier,
                "attempt": failed.attempt,
                "command_status": failed.command_status,
                "reason": failed.reason,
            }
            if failed.retry_at_ms:
                data["retry_at"] = iso_timestamp(failed.retry_at_ms)
        case EventName.DELIVERED | EventName.FAILED:
            data |= {"state": state_name(event.final.state), "carrier": event.final.carrier}
            error = final_error(event.final)
            if error is not None:
                data["error"] = error
            if event.final.done_at_ms:
                data["done_at"] = iso_timestamp(event.final.done_at_ms)
        case EventName.INCOMING:
            data |= {"carrier": event.mo_accepted.carrier, **_text(event.mo_accepted.content)}
            part = content.part(event.mo_accepted.content)
            if part is not None:
                data["part"] = {"reference": part.reference, "number": part.number, "total": part.total}
    return data


def _addresses(watched: messaging_pb2.WatchedEvent) -> tuple[events_pb2.Address | None, events_pb2.Address | None]:
    """Source and destination: the engine's, or else the event's own."""
    kind = watched.event.WhichOneof("kind")
    own: events_pb2.Content | None = None
    if kind == "accepted":
        own = watched.event.accepted.content
    elif kind == "mo_accepted":
        own = watched.event.mo_accepted.content
    source = watched.source if watched.HasField("source") else (own.source if own else None)
    destination = watched.destination if watched.HasField("destination") else (own.destination if own else None)
    return source, destination


def _text(message: events_pb2.Content) -> dict[str, Any]:
    text = content.text(message)
    if text is not None:
        return {"text": text, "data_coding": message.data_coding}
    return {"data": content.octets(message).hex(), "data_coding": message.data_coding}
