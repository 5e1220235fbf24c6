"""POST /v1/messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest

from brivas.v1 import messaging_pb2
from tests.support.fake_engine import API_KEY, QUEUE_FULL, THROTTLED
from tests.unit.http.conftest import Api

ONE = {"to": "+447700900123", "from": "Acme", "text": "Hello, Zoë"}


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The problem of a response, which must be one (RFC 9457)."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"urn:brivas:problem:{name}"
    assert body["status"] == status
    assert body["title"]
    return body


def test_one_message_is_answered_202_with_its_id_and_location(api: Api) -> None:
    response = api.client.post(
        "/v1/messages",
        json={**ONE, "validity_seconds": 60, "reference": "order-1", "schedule_at": "2030-01-02T03:04:05Z"},
    )
    assert response.status_code == 202
    body = response.json()
    assert body == {"status": "accepted", "id": body["id"], "to": ONE["to"], "reference": "order-1"}
    assert response.headers["location"] == f"/v1/messages/{body['id']}"
    assert "idempotency-replayed" not in response.headers
    (message,) = api.engine.requests[0].messages
    assert (message.to, getattr(message, "from"), message.text) == (ONE["to"], "Acme", "Hello, Zoë")
    assert (message.validity_seconds, message.reference) == (60, "order-1")
    assert message.schedule_at_ms == 1_893_553_445_000


def test_data_is_sent_as_it_is(api: Api) -> None:
    response = api.client.post("/v1/messages", json={"to": "1", "from": "2", "data": "00ffA0", "data_coding": 4})
    assert response.status_code == 202
    content = api.engine.requests[0].messages[0].content
    assert (content.short_message, content.data_coding, content.registered_delivery) == (b"\x00\xff\xa0", 4, 1)


def test_the_options_of_a_text_reach_the_engine(api: Api) -> None:
    options = {"encoding": "ucs2", "flash": True, "transliterate": False}
    assert api.client.post("/v1/messages", json={**ONE, **options}).status_code == 202
    assert api.client.post("/v1/messages", json=ONE).status_code == 202
    asked, plain = (request.messages[0] for request in api.engine.requests)
    assert (asked.encoding, asked.message_class, asked.transliterate) == (messaging_pb2.TEXT_ENCODING_UCS2, 0, False)
    assert asked.HasField("message_class")
    assert asked.HasField("transliterate")
    assert plain.encoding == messaging_pb2.TEXT_ENCODING_AUTO
    assert not plain.HasField("message_class")
    assert not plain.HasField("transliterate")


def test_octets_may_be_flash_and_have_no_options_of_a_text(api: Api) -> None:
    octets = {"to": "1", "from": "2", "data": "00"}
    flash = {**octets, "encoding": "binary", "flash": True}
    assert api.client.post("/v1/messages", json=flash).status_code == 202
    assert api.engine.requests[0].messages[0].content.data_coding == 0xF4
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"encoding": "gsm7"}, "`encoding` is `gsm7` and `data` is given"),
        ({"transliterate": True}, "`transliterate` goes with `text`"),
        ({"flash": True, "data_coding": 8}, "`flash` and `data_coding` are given"),
    ]
    for wrong, named in wrongs:
        body = problem(api.client.post("/v1/messages", json={**octets, **wrong}), 422, "invalid")
        assert named in body["detail"]


def test_a_thousand_messages_are_answered_in_order(api: Api) -> None:
    messages = [{**ONE, "reference": str(index)} for index in range(1000)]
    response = api.client.post("/v1/messages", json={"messages": messages})
    assert response.status_code == 202
    body = response.json()
    assert (body["accepted"], body["refused"]) == (1000, 0)
    assert [each["index"] for each in body["messages"]] == list(range(1000))
    assert [each["reference"] for each in body["messages"]] == [str(index) for index in range(1000)]
    assert len({each["id"] for each in body["messages"]}) == 1000


def test_the_key_may_come_as_x_api_key(api: Api) -> None:
    response = httpx.post(f"{api.url}/v1/messages", json=ONE, headers={"X-API-Key": API_KEY})
    assert response.status_code == 202


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic eDp5"}, {"X-API-Key": "nobody's"}, {"Authorization": "Bearer nobody's"}]
)
def test_without_a_known_key_it_is_401_and_says_how(api: Api, headers: dict[str, str]) -> None:
    response = httpx.post(f"{api.url}/v1/messages", json=ONE, headers=headers)
    body = problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert body["hint"]
    assert "nobody" not in response.text


@pytest.mark.parametrize(
    ("change", "pointer", "hint"),
    [
        ({"tex": "x"}, "/tex", "known fields: data"),
        ({"to": "+44 7700"}, "/to", "E.164: up to 15 digits"),
        ({"to": "1234567890123456"}, "/to", "E.164: up to 15 digits"),
        ({"data": "0"}, "/data", "hexadecimal"),
        ({"to": "447700900123\n"}, None, None),
        ({"from": "an alphanumeric that is too long"}, "/from", "11"),
        ({"data": "00"}, None, None),
        ({"text": 5}, "/text", None),
        ({"encoding": "utf-8"}, "/encoding", "auto, gsm7, latin1 or ucs2"),
        ({"encoding": "binary"}, None, None),
        ({"flash": "yes"}, "/flash", "true or false"),
        ({"transliterate": 1}, "/transliterate", "true or false"),
        ({"validity_seconds": -1}, "/validity_seconds", "31104000"),
        ({"validity_seconds": 31_104_001}, "/validity_seconds", "31104000"),
        ({"reference": "é" * 33}, None, None),
    ],
)
def test_a_wrong_message_is_422_and_named(
    api: Api, change: dict[str, Any], pointer: str | None, hint: str | None
) -> None:
    body = problem(api.client.post("/v1/messages", json={**ONE, **change}), 422, "invalid")
    assert body["detail"]
    assert body["errors"][0].get("pointer") == pointer
    assert hint is None or hint in body["hint"]
    assert "regex" not in body["detail"]
    assert "\\" not in body["detail"] + body.get("hint", "")
    assert api.engine.requests == []


def test_the_longest_number_and_validity_are_taken(api: Api) -> None:
    longest = {**ONE, "to": "+123456789012345", "from": "123456789012345", "validity_seconds": 31_104_000}
    assert api.client.post("/v1/messages", json=longest).status_code == 202


def test_errors_in_a_batch_are_named_by_index_and_nothing_is_sent(api: Api) -> None:
    wrong = [ONE, {**ONE, "to": "x"}, ONE, {"from": "Acme", "text": "secret words"}, [1], {**ONE, "a/b": 1}]
    response = api.client.post("/v1/messages", json={"messages": wrong})
    body = problem(response, 422, "invalid")
    assert [error["index"] for error in body["errors"]] == [1, 3, 4, 5]
    assert [error["pointer"] for error in body["errors"]] == [
        "/messages/1/to",
        "/messages/3",
        "/messages/4",
        "/messages/5/a~1b",
    ]
    assert body["errors"][0]["value"] == "x"
    assert "secret words" not in response.text
    assert api.engine.requests == []


@pytest.mark.parametrize("count", [0, 1001])
def test_more_than_a_thousand_or_none_is_422(api: Api, count: int) -> None:
    body = problem(api.client.post("/v1/messages", json={"messages": [ONE] * count}), 422, "count")
    assert body["value"] == str(count)


def test_beside_messages_there_is_nothing_else(api: Api) -> None:
    problem(api.client.post("/v1/messages", json={"messages": [ONE], "text": "x"}), 422, "invalid")


@pytest.mark.parametrize("body", [b"", b"{", b'{"to": "1", }', b"\xff\xfe", b'{"to": "1"} x', b"[" * 200_000])
def test_what_is_not_json_is_400_or_422(api: Api, body: bytes) -> None:
    response = api.client.post("/v1/messages", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


def test_deep_nesting_is_answered(api: Api) -> None:
    deep = b'{"to": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    response = api.client.post("/v1/messages", content=deep, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert api.client.post("/v1/messages", json=ONE).status_code == 202


def test_another_media_type_is_415(api: Api) -> None:
    response = api.client.post("/v1/messages", content=b"to=1", headers={"Content-Type": "text/plain"})
    assert problem(response, 415, "media-type")["value"] == "text/plain"
    parameters = {"Content-Type": "application/json; charset=utf-8"}
    assert (
        api.client.post("/v1/messages", content=b'{"to":"1","from":"2","text":""}', headers=parameters).status_code
        == 202
    )


def test_a_large_body_is_413_whether_or_not_it_says_its_length(api: Api) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(80):
            yield b"[" + b" " * 65_536

    headers = {"Content-Type": "application/json"}
    problem(api.client.post("/v1/messages", content=b" " * 5_000_000, headers=headers), 413, "too-large")
    try:
        response = api.client.post("/v1/messages", content=chunks(), headers=headers)
    except httpx.WriteError:
        # Refused before all of it was written, and the connection closed.
        return
    problem(response, 413, "too-large")


def test_the_same_idempotency_key_sends_once_and_says_so(api: Api) -> None:
    headers = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
    first = api.client.post("/v1/messages", json=ONE, headers=headers)
    again = api.client.post(
        "/v1/messages", json=ONE, headers={"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    )
    assert first.json()["id"] == again.json()["id"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(api.engine.requests) == 1
    other = api.client.post("/v1/messages", json={**ONE, "text": "another"}, headers=headers)
    assert "new key" in problem(other, 422, "idempotency-key-reused")["hint"]


@pytest.mark.parametrize("key", ["", "with space", "x" * 65])
def test_a_wrong_idempotency_key_is_400(api: Api, key: str) -> None:
    response = api.client.post("/v1/messages", json=ONE, headers={"Idempotency-Key": key})
    problem(response, 400, "idempotency-key-invalid")


@pytest.mark.parametrize(
    ("code", "details", "status", "name"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "throttled: 10 a second", 429, "throttled"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue of carrier 'one' is full", 503, "queue-full"),
        (grpc.StatusCode.UNAVAILABLE, "draining", 503, "unavailable"),
        (grpc.StatusCode.PERMISSION_DENIED, "no", 403, "forbidden"),
        (grpc.StatusCode.INVALID_ARGUMENT, "to: what", 422, "invalid"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "late", 504, "timeout"),
        (grpc.StatusCode.INTERNAL, "oops", 502, "engine-failed"),
    ],
)
def test_what_the_engine_answers_becomes_a_status(
    api: Api, code: grpc.StatusCode, details: str, status: int, name: str
) -> None:
    api.engine.failures["Submit"] = (code, details)
    response = api.client.post("/v1/messages", json=ONE)
    problem(response, status, name)
    assert ("retry-after" in response.headers) == (status in (429, 503))


@pytest.mark.parametrize(
    ("command_status", "status", "name"),
    [(THROTTLED, 429, "throttled"), (QUEUE_FULL, 503, "queue-full"), (0x0B, 422, "invalid")],
)
def test_a_refused_message_is_a_problem_with_the_engines_words(
    api: Api, command_status: int, status: int, name: str
) -> None:
    api.engine.refusals["666"] = (command_status, "no route to 666")
    response = api.client.post("/v1/messages", json={**ONE, "to": "666"})
    body = problem(response, status, name)
    assert (body["detail"], body["hint"]) == ("no route to 666", "as the test says")
    many = api.client.post("/v1/messages", json={"messages": [{**ONE, "to": "666"}] * 2})
    body = problem(many, status, name)
    assert [error["command_status"] for error in body["errors"]] == [command_status] * 2


def test_some_refused_are_named_beside_those_accepted(api: Api) -> None:
    api.engine.refusals["666"] = (0x0B, "no route to 666")
    response = api.client.post("/v1/messages", json={"messages": [ONE, {**ONE, "to": "666"}]})
    assert response.status_code == 202
    body = response.json()
    assert (body["accepted"], body["refused"]) == (1, 1)
    refused = body["messages"][1]
    assert (refused["index"], refused["status"], "id" in refused) == (1, "refused", False)
    assert refused["error"] == {"detail": "no route to 666", "command_status": 0x0B, "hint": "as the test says"}
