"""`GET /v1/messages/{id}` and its cancellation: one message, its state and history."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from brivas import content
from brivas.errors import NotFoundError
from brivas.events import FINAL_STATES, final_error, state_name
from brivas.timestamps import iso_timestamp
from brivas.v1 import events_pb2, messaging_pb2
from brivas_gateways.http.engine import Engine
from brivas_gateways.http.request import api_key

_ID: Final = re.compile(r"[0-9a-f]{16}")
_CHANNELS: Final = {
    events_pb2.CHANNEL_SMPP: "smpp",
    events_pb2.CHANNEL_WEBHOOK: "webhook",
    events_pb2.CHANNEL_EXPIRED: "expired",
}


class Message(Struct, frozen=True, omit_defaults=True):
    """A message as its account sees it."""

    id: str
    state: str
    final: bool
    accepted_at: str
    incoming: bool
    to: str
    from_: str
    data_coding: int
    expires_at: str | UnsetType = UNSET
    schedule_at: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    """Hexadecimal, where the content is not text."""
    reference: str | UnsetType = UNSET
    history: tuple[dict[str, Any], ...] = ()


async def one_message(request: Request) -> Response:
    """One message of the caller's account; DELETE cancels it."""
    if request.method == "DELETE":
        return await cancel_message(request)
    key = api_key(request)
    engine: Engine = request.app.state.engine
    status = await engine.messaging(key).query(message_id(request))
    return Response(msgspec.json.encode(as_json(status)), media_type="application/json")


async def cancel_message(request: Request) -> Response:
    """Cancels a message that no carrier has taken yet."""
    key = api_key(request)
    engine: Engine = request.app.state.engine
    await engine.messaging(key).cancel(message_id(request))
    return Response(status_code=204)


def message_id(request: Request) -> str:
    """The id in the path; what cannot be one is not found."""
    value: str = request.path_params["id"].lower()
    if not _ID.fullmatch(value):
        raise NotFoundError("no message has this id", hint="an id is 16 hexadecimal digits, as the submission answered")
    return value


def as_json(status: messaging_pb2.MessageStatus) -> dict[str, Any]:
    """The message with JSON's names; absent fields are left out."""
    text = content.text(status.content)
    message = Message(
        id=status.id,
        state=state_name(status.state),
        final=status.state in FINAL_STATES,
        accepted_at=iso_timestamp(status.accepted_at_ms),
        incoming=status.incoming,
        to=content.address(status.content.destination),
        from_=content.address(status.content.source),
        data_coding=status.content.data_coding,
        expires_at=iso_timestamp(status.expires_at_ms) if status.expires_at_ms else UNSET,
        schedule_at=iso_timestamp(status.schedule_at_ms) if status.schedule_at_ms else UNSET,
        text=UNSET if text is None else text,
        data=content.octets(status.content).hex() if text is None else UNSET,
        reference=status.reference or UNSET,
        history=tuple(_event(event) for event in status.history),
    )
    result: dict[str, Any] = msgspec.to_builtins(message)
    return {"from" if name == "from_" else name: value for name, value in result.items()}


def _event(entry: messaging_pb2.MessageEvent) -> dict[str, Any]:
    kind = entry.event.WhichOneof("kind")
    shown: dict[str, Any] = {"at": iso_timestamp(entry.at_ms), "offset": entry.offset, "event": kind or "unknown"}
    match kind:
        case "sent":
            sent = entry.event.sent
            shown |= {
                "carrier": sent.carrier,
                "carrier_message_id": sent.carrier_message_id.decode("latin-1"),
                "attempt": sent.attempt,
            } | _part(sent)
        case "attempt_failed":
            failed = entry.event.attempt_failed
            shown |= {
                "carrier": failed.carrier,
                "attempt": failed.attempt,
                "command_status": failed.command_status,
                "reason": failed.reason,
            } | _part(failed)
            if failed.retry_at_ms:
                shown["retry_at"] = iso_timestamp(failed.retry_at_ms)
        case "part_ended":
            ended = entry.event.part_ended
            shown |= {"part": ended.number, "state": state_name(ended.state), "carrier": ended.carrier}
        case "final":
            final = entry.event.final
            shown |= {"state": state_name(final.state), "carrier": final.carrier}
            error = final_error(final)
            if error is not None:
                shown["error"] = error
            if final.done_at_ms:
                shown["done_at"] = iso_timestamp(final.done_at_ms)
        case "replaced":
            shown["expires_at"] = iso_timestamp(entry.event.replaced.expires_at_ms)
        case "receipt_delivered":
            shown["channel"] = _CHANNELS.get(entry.event.receipt_delivered.channel, "unknown")
        case "mo_accepted":
            shown["carrier"] = entry.event.mo_accepted.carrier
        case "mo_delivered":
            shown["channel"] = _CHANNELS.get(entry.event.mo_delivered.channel, "unknown")
    return shown


def _part(event: events_pb2.Sent | events_pb2.AttemptFailed) -> dict[str, Any]:
    """Which of the message's PDUs it was, where there are several."""
    several = event.part.total > 1
    return {"part": event.part.number, "parts": event.part.total} if several else {}
