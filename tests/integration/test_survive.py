"""What outlives SIGKILL beside the messages: idempotency keys, events for webhooks, and what can be asked."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from brivas.layout import write_private
from brivas.resources.secret import Secret
from brivas_gateways.webhooks.signature import SigningKey
from tests.integration.gateway import lasting_ports
from tests.integration.traffic import customer_binds, flowing, traffic
from tests.integration.up import Up
from tests.support.process import wait_until
from tests.support.receiver import Receiver

SECRET: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MESSAGE: Final = {"to": "+491701234567", "from": "Brivas", "text": "Grüße"}


@pytest.fixture
def http(brivas_up: Up) -> Iterator[httpx.Client]:
    """The HTTP face, as the sample account."""
    face = brivas_up.ready()["http"]
    headers = {"authorization": f"Bearer {face['api_key']}"}
    with httpx.Client(base_url=face["url"], headers=headers, timeout=20) as client:
        yield client


def kill(up: Up, name: str) -> None:
    """SIGKILL to one process; returns when another one does its work."""
    before = up.ready()["pids"][name]
    os.kill(before, signal.SIGKILL)
    up.ready(lambda ready: ready["pids"].get(name, before) != before)


def wait_ready(http: httpx.Client) -> None:
    def is_ready() -> bool:
        try:
            return http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_ready, "HTTP is ready")


def submit(http: httpx.Client, body: dict[str, Any], key: str) -> httpx.Response:
    return http.post("/v1/messages", json=body, headers={"idempotency-key": key})


def final(http: httpx.Client, message_id: str) -> dict[str, Any]:
    """The message once it has ended."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        answer = http.get(f"/v1/messages/{message_id}")
        assert answer.status_code == 200, answer.text
        found.update(answer.json())
        return bool(found["final"])

    wait_until(has_ended, f"{message_id} ends")
    return found


def test_kills_of_ops_and_api_do_not_disturb_traffic(brivas_up: Up, http: httpx.Client) -> None:
    with brivas_up.bind() as watched, traffic(brivas_up, 0) as load:
        before = customer_binds(brivas_up)
        for killed in ("ops", "api"):
            kill(brivas_up, killed)
            watched.receipt(watched.submit("491701234567").text)
            flowing(load)
        wait_ready(http)
        assert customer_binds(brivas_up).keys() == before.keys()


def test_an_idempotency_key_survives_a_kill_of_the_gateway(brivas_up: Up, http: httpx.Client) -> None:
    many = {"messages": [MESSAGE | {"text": f"number {number}"} for number in range(20)]}
    one = submit(http, MESSAGE, "one")
    several = submit(http, many, "several")
    assert (one.status_code, several.status_code) == (202, 202)
    assert "idempotency-replayed" not in one.headers
    kill(brivas_up, "gateway")
    wait_ready(http)
    for first, body, key in ((one, MESSAGE, "one"), (several, many, "several")):
        again = submit(http, body, key)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
        assert again.json() == first.json()
    other = submit(http, MESSAGE | {"text": "something else"}, "one")
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    # Nothing was sent a second time.
    history = final(http, one.json()["id"])["history"]
    assert [event["event"] for event in history].count("accepted") == 1


def test_the_same_request_without_a_key_is_another_message(http: httpx.Client) -> None:
    first, second = (http.post("/v1/messages", json=MESSAGE) for _ in range(2))
    assert first.json()["id"] != second.json()["id"]


def test_a_message_is_found_after_a_kill_and_after_a_restart(brivas_up: Up, http: httpx.Client) -> None:
    message_id = submit(http, MESSAGE | {"reference": "order 7"}, "found").json()["id"]
    before = final(http, message_id)
    kill(brivas_up, "gateway")
    wait_ready(http)
    after = http.get(f"/v1/messages/{message_id}").json()
    assert after == before
    assert (after["text"], after["reference"], after["state"]) == ("Grüße", "order 7", "delivered")
    shown = brivas_up.json("messages", "show", message_id)
    assert (shown["text"], shown["reference"], shown["state"]) == ("Grüße", "order 7", "delivered")
    assert [event["kind"] for event in shown["history"]] == ["accepted", "sent", "final"]
    assert http.get("/v1/messages/0000000000000001").status_code == 404


def test_a_message_that_came_by_smpp_is_found_by_its_id_over_http(brivas_up: Up, http: httpx.Client) -> None:
    with brivas_up.bind() as client:
        message_id = client.submit("491701234567", b"by smpp").text
        client.receipt(message_id)
    kill(brivas_up, "gateway")
    wait_ready(http)
    assert final(http, message_id)["text"] == "by smpp"


def test_events_wait_for_a_receiver_that_is_down_while_ops_is_killed(brivas_up: Up, http: httpx.Client) -> None:
    [port] = lasting_ports(1)
    write_private(brivas_up.data / "secrets" / "hook.secret", SECRET)
    (brivas_up.data / "config" / "webhook.yaml").write_text(
        f"""apiVersion: brivas.io/v1
kind: Webhook
metadata: {{name: hook}}
spec:
  account: sample
  url: http://127.0.0.1:{port}/in
  secret: {{file: secrets/hook.secret}}
  events: [message.delivered]
  retry: {{initialMs: 50, maxMs: 300}}
"""
    )
    wait_until(lambda: "Webhook hook" in brivas_up.said(), "the webhook is in force")
    ids: set[str] = set()
    for turn, killed in enumerate(("ops", "gateway", "ops")):
        body = {"messages": [MESSAGE | {"text": f"{turn} {number}"} for number in range(50)]}
        answer = submit(http, body, f"events-{turn}")
        assert answer.status_code == 202, answer.text
        ids |= {each["id"] for each in answer.json()["messages"]}
        kill(brivas_up, killed)
        wait_ready(http)
    for message_id in ids:
        final(http, message_id)
    with Receiver(port=port) as receiver:

        def taken() -> set[str]:
            return {each.json["data"]["id"] for each in list(receiver.taken)} & ids

        wait_until(lambda: taken() == ids, "an event of each message", seconds=60)
        key = SigningKey(Secret(SECRET))
        for each in list(receiver.taken):
            assert key.verify(each.headers, each.body, int(each.headers["webhook-timestamp"]))
            assert each.json["type"] == "message.delivered"
        # The same event has the same id, however often it came.
        named = {each.json["data"]["id"]: each.headers["webhook-id"] for each in list(receiver.taken)}
        assert all(named[each.json["data"]["id"]] == each.headers["webhook-id"] for each in list(receiver.taken))
