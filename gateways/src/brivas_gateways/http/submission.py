"""`POST /v1/messages`: from JSON to the engine and back."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from brivas.actions.send_message import NewMessage, refusal, submit
from brivas.errors import BusyError
from brivas.limits import (
    MESSAGES_MAX,
    NUMBER_DIGITS_MAX,
    REFERENCE_OCTETS_MAX,
    SENDER_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    VALIDITY_SECONDS_MAX,
)
from brivas.v1 import messaging_pb2
from brivas_gateways.http.engine import Engine
from brivas_gateways.http.problem import ItemProblem, ProblemError, from_error, shortened
from brivas_gateways.http.request import api_key, idempotency_key, json_body

_PLACE: Final = re.compile(r" - at `\$(?P<path>.*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")
_CONTENT_FIELDS: Final = frozenset({"text", "data"})
"""What a message says is not repeated in answers."""

_HINTS: Final = {
    "to": f"E.164: up to {NUMBER_DIGITS_MAX} digits with the country code, such as +491701234567",
    "from": f"a number of up to {NUMBER_DIGITS_MAX} digits, a short code, or up to {SENDER_CHARACTERS_MAX} "
    "alphanumeric characters",
    "data": "two hexadecimal digits an octet",
    "data_coding": "from 0 to 255, beside `data`",
    "encoding": "auto, gsm7, latin1 or ucs2 for `text`, binary for `data`",
    "flash": "true or false",
    "transliterate": "true or false, beside `text`",
    "validity_seconds": f"from 0 (the account's default) to {VALIDITY_SECONDS_MAX} (12 months)",
    "schedule_at": "a time ahead with its zone, such as 2030-01-02T03:04:05Z",
    "reference": f"up to {REFERENCE_OCTETS_MAX} octets",
    "text": f"up to {TEXT_CHARACTERS_MAX} characters",
}
# In place of "Expected `str` matching regex ...", which says nothing to most.
_FORMS: Final = {"to": "not a phone number", "from": "not a sender", "data": "not octets in hexadecimal"}


class Refusal(Struct, frozen=True, omit_defaults=True):
    """Why a message was refused."""

    detail: str
    command_status: int
    hint: str | UnsetType = UNSET


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What became of one message of the request."""

    status: str
    id: str | UnsetType = UNSET
    index: int | UnsetType = UNSET
    to: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    parts: int | UnsetType = UNSET
    encoding: str | UnsetType = UNSET
    error: Refusal | UnsetType = UNSET


class Outcomes(Struct, frozen=True):
    """What became of many messages, in the order of the request."""

    accepted: int
    refused: int
    messages: tuple[Outcome, ...]


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request with many messages."""

    messages: list[msgspec.Raw]


async def post_messages(request: Request) -> Response:
    """Takes one message, or up to 1,000."""
    key = api_key(request)
    repeat = idempotency_key(request)
    messages, many = read_messages(await json_body(request))
    engine: Engine = request.app.state.engine
    response = await submit(engine.messaging(key), messages, repeat)
    outcomes = tuple(
        _outcome(index, message, result, many=many)
        for index, (message, result) in enumerate(zip(messages, response.results, strict=True))
    )
    accepted = sum(outcome.status == "accepted" for outcome in outcomes)
    if not accepted:
        raise _all_refused(list(response.results), many=many)
    headers = {"Idempotency-Replayed": "true"} if response.replayed else {}
    body: Outcome | Outcomes = outcomes[0]
    if many:
        body = Outcomes(accepted=accepted, refused=len(outcomes) - accepted, messages=outcomes)
    else:
        headers["Location"] = f"/v1/messages/{outcomes[0].id}"
    return Response(msgspec.json.encode(body), status_code=202, media_type="application/json", headers=headers)


def read_messages(body: bytes) -> tuple[list[NewMessage], bool]:
    """The messages of a request, and whether it was written as a list of many."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise _invalid(f"the body is not a JSON object: {error}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ProblemError(
            400, "not-json", "The body is not JSON", detail=str(error), hint="send one JSON object in UTF-8"
        ) from error
    if "messages" not in fields:
        message, problem = _read_message(body, 0, "")
        if message is None:
            raise _invalid(problem.detail, problem)
        return [message], False
    try:
        batch = msgspec.json.decode(body, type=Batch)
    except msgspec.ValidationError as error:
        raise _invalid(f"{error}; beside `messages` there is no other field") from error
    if not 1 <= len(batch.messages) <= MESSAGES_MAX:
        raise ProblemError(
            422,
            "count",
            "Too many messages, or none",
            detail=f"`messages` holds {len(batch.messages)} messages",
            hint=f"send 1 to {MESSAGES_MAX:,} in one request",
            value=str(len(batch.messages)),
        )
    read = [_read_message(bytes(raw), index, f"/messages/{index}") for index, raw in enumerate(batch.messages)]
    wrong = tuple(problem for message, problem in read if message is None)
    if wrong:
        raise ProblemError(
            422,
            "invalid",
            "The request cannot be taken",
            detail=f"{len(wrong)} of {len(read)} messages are wrong; none was sent",
            hint="`errors` names them by index",
            items=wrong,
        )
    return [message for message, _ in read if message is not None], True


_RIGHT: Final = ItemProblem(index=0, detail="")


def _read_message(raw: bytes, index: int, prefix: str) -> tuple[NewMessage | None, ItemProblem]:
    try:
        return msgspec.json.decode(raw, type=NewMessage), _RIGHT
    except msgspec.ValidationError as error:
        return None, _item_problem(str(error), raw, index, prefix)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return None, ItemProblem(index=index, detail=f"not JSON: {error}", pointer=prefix or UNSET)


def _item_problem(text: str, raw: bytes, index: int, prefix: str) -> ItemProblem:
    """What msgspec says, with the place as a JSON pointer and the wrong value beside it."""
    place = _PLACE.search(text)
    field = place["path"].removeprefix(".") if place else ""
    detail = _PLACE.sub("", text)
    if "matching regex" in detail:
        detail = _FORMS.get(field, "not of the form that it must have")
    unknown = _UNKNOWN.search(detail)
    hint = _HINTS.get(field) or ("known fields: " + ", ".join(_known_fields()) if unknown else None)
    value = None
    if field and field not in _CONTENT_FIELDS:
        found: Any = msgspec.json.decode(raw)
        value = found.get(field) if isinstance(found, dict) else None
    pointed = field or (unknown["name"] if unknown else "")
    return ItemProblem(
        index=index,
        detail=f"`{field}`: {detail}" if field else detail,
        pointer=(f"{prefix}/{_escaped(pointed)}" if pointed else prefix) or UNSET,
        value=UNSET if value is None or isinstance(value, (dict, list)) else shortened(str(value)),
        hint=hint or UNSET,
    )


def _escaped(field: str) -> str:
    return shortened(field).replace("~", "~0").replace("/", "~1")


def _known_fields() -> list[str]:
    return sorted(field.encode_name for field in msgspec.structs.fields(NewMessage))


def _invalid(detail: str, item: ItemProblem | None = None) -> ProblemError:
    return ProblemError(
        422,
        "invalid",
        "The request cannot be taken",
        detail=detail,
        hint=item.hint if item and isinstance(item.hint, str) else "see /openapi.json",
        value=item.value if item and isinstance(item.value, str) else None,
        items=(item,) if item else (),
    )


def _outcome(index: int, message: NewMessage, result: messaging_pb2.SubmitResult, *, many: bool) -> Outcome:
    error: Refusal | UnsetType = UNSET
    if not result.id:
        error = Refusal(detail=result.error, command_status=result.command_status, hint=result.hint or UNSET)
    return Outcome(
        id=result.id or UNSET,
        index=index if many else UNSET,
        status="accepted" if result.id else "refused",
        to=message.to,
        reference=message.reference or UNSET,
        # One part is what everybody expects.
        parts=result.text.parts if result.text.parts > 1 else UNSET,
        encoding=result.text.encoding if result.text.parts > 1 else UNSET,
        error=error,
    )


def _all_refused(results: list[messaging_pb2.SubmitResult], *, many: bool) -> ProblemError:
    """When nothing was taken, the answer's status says why: what may succeed later goes first."""
    refusals = [refusal(result) for result in results]
    foremost = next((each for each in refusals if isinstance(each, BusyError)), refusals[0])
    problem = from_error(foremost)
    if not many:
        return problem
    shown = problem.problem
    return ProblemError(
        shown.status,
        shown.type.rpartition(":")[2],
        shown.title,
        detail=f"all {len(results)} messages were refused",
        hint="`errors` names them by index",
        items=tuple(
            ItemProblem(
                index=index,
                detail=result.error,
                hint=result.hint or UNSET,
                command_status=result.command_status,
            )
            for index, result in enumerate(results)
        ),
        headers=problem.headers,
    )
