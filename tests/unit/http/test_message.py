"""GET /v1/messages/{id} and its cancellation."""

from __future__ import annotations

import grpc
import httpx
import pytest

from brivas.v1 import events_pb2, messaging_pb2
from tests.support.fake_engine import OTHER_KEY
from tests.unit.http.conftest import Api
from tests.unit.http.test_submission import ONE, problem


def sent(api: Api) -> str:
    message_id: str = api.client.post("/v1/messages", json={**ONE, "reference": "r"}).json()["id"]
    return message_id


def test_a_message_shows_its_state_and_history(api: Api) -> None:
    message_id = sent(api)
    status = api.engine.statuses[message_id]
    status.state = events_pb2.MESSAGE_STATE_DELIVERED
    status.content.short_message = b"Hello, Zo\x05"
    kinds = (
        events_pb2.Event(
            attempt_failed=events_pb2.AttemptFailed(
                carrier="one", attempt=1, command_status=0x58, reason="ESME_RTHROTTLED", retry_at_ms=1_700_000_005_000
            )
        ),
        events_pb2.Event(sent=events_pb2.Sent(carrier="one", carrier_message_id=b"00A1", attempt=2)),
        events_pb2.Event(
            final=events_pb2.Final(
                state=events_pb2.MESSAGE_STATE_DELIVERED, carrier="one", error="000", done_at_ms=1_700_000_006_000
            )
        ),
        events_pb2.Event(receipt_delivered=events_pb2.ReceiptDelivered(channel=events_pb2.CHANNEL_SMPP)),
    )
    for offset, event in enumerate(kinds, start=8):
        status.history.append(messaging_pb2.MessageEvent(at_ms=1_700_000_001_000, offset=offset, event=event))
    response = api.client.get(f"/v1/messages/{message_id}")
    assert response.status_code == 200
    body = response.json()
    history = body.pop("history")
    assert body == {
        "id": message_id,
        "state": "delivered",
        "final": True,
        "accepted_at": "2023-11-14T22:13:20.123Z",
        "expires_at": "2023-11-15T22:13:20.123Z",
        "incoming": False,
        "to": "447700900123",
        "from": "Acme",
        "data_coding": 0,
        "text": "Hello, Zoé",
        "reference": "r",
    }
    assert [each["event"] for each in history] == ["accepted", "attempt_failed", "sent", "final", "receipt_delivered"]
    assert [each["offset"] for each in history] == [7, 8, 9, 10, 11]
    assert history[1]["retry_at"] == "2023-11-14T22:13:25.000Z"
    assert (history[2]["carrier_message_id"], history[2]["attempt"]) == ("00A1", 2)
    assert (history[3]["state"], history[3]["done_at"]) == ("delivered", "2023-11-14T22:13:26.000Z")
    assert "error" not in history[3], "`000` of a delivered message is no error"
    assert history[4]["channel"] == "smpp"


def test_a_failed_message_shows_the_carriers_error(api: Api) -> None:
    message_id = sent(api)
    final = events_pb2.Final(state=events_pb2.MESSAGE_STATE_UNDELIVERABLE, carrier="one", error="045")
    event = messaging_pb2.MessageEvent(at_ms=1, offset=8, event=events_pb2.Event(final=final))
    api.engine.statuses[message_id].history.append(event)
    assert api.client.get(f"/v1/messages/{message_id}").json()["history"][-1]["error"] == "045"


def test_binary_content_is_hexadecimal(api: Api) -> None:
    message_id = api.client.post("/v1/messages", json={"to": "1", "from": "2", "data": "00ff"}).json()["id"]
    body = api.client.get(f"/v1/messages/{message_id}").json()
    assert (body["data"], body["data_coding"], "text" in body) == ("00ff", 4, False)


@pytest.mark.parametrize("message_id", ["0" * 16, "zz", "1" * 15, "0" * 16 + "0", "%00"])
def test_what_is_not_there_is_404(api: Api, message_id: str) -> None:
    problem(api.client.get(f"/v1/messages/{message_id}"), 404, "not-found")


def test_another_accounts_message_is_404(api: Api) -> None:
    url = f"{api.url}/v1/messages/{sent(api)}"
    problem(httpx.get(url, headers={"X-API-Key": OTHER_KEY}), 404, "not-found")
    problem(httpx.get(url), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "suffix"), [("DELETE", ""), ("POST", "/cancel")])
def test_cancelling_is_204_or_409(api: Api, method: str, suffix: str) -> None:
    path = f"/v1/messages/{sent(api)}{suffix}"
    response = api.client.request(method, path)
    assert (response.status_code, response.content) == (204, b"")
    api.engine.failures["Cancel"] = (grpc.StatusCode.FAILED_PRECONDITION, "a carrier has it; hint: too late")
    body = problem(api.client.request(method, path), 409, "state")
    assert (body["detail"], body["hint"]) == ("a carrier has it", "too late")


def test_paths_and_methods_that_are_not_there(api: Api) -> None:
    problem(api.client.get("/v2/messages"), 404, "not-found")
    response = api.client.get("/v1/messages")
    problem(response, 405, "method")
    assert response.headers["allow"] == "POST"
    response = api.client.put(f"/v1/messages/{'0' * 16}")
    problem(response, 405, "method")
    assert set(response.headers["allow"].split(", ")) == {"DELETE", "GET", "HEAD"}
