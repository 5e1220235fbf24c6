"""HTTP in, webhooks out, through the real engine and the simulated carrier; kills in between."""

from __future__ import annotations

import base64
import os
import signal
from pathlib import Path
from typing import Any

import httpx

from brivas.layout import write_private
from brivas.resources.secret import Secret
from brivas_gateways.webhooks.signature import SigningKey
from tests.integration.up import Up, running
from tests.support.process import wait_until
from tests.support.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
ORDER = ["message.accepted", "message.sent", "message.delivered"]


def add_webhook(data: Path, url: str) -> None:
    """A webhook of the sample account."""
    write_private(data / "secrets" / "webhook.secret", SECRET)
    (data / "config" / "webhook.yaml").write_text(
        f"""apiVersion: brivas.io/v1
kind: Webhook
metadata: {{name: hook}}
spec:
  account: sample
  url: {url}
  secret: {{file: secrets/webhook.secret}}
  events: [{", ".join(ORDER)}]
  retry: {{initialMs: 50, maxMs: 500, maxAgeSeconds: 600}}
"""
    )


def client_of(ready: dict[str, Any]) -> httpx.Client:
    """HTTP with the sample account's key."""
    headers = {"Authorization": f"Bearer {ready['http']['api_key']}"}
    return httpx.Client(base_url=ready["http"]["url"], headers=headers, timeout=20.0)


def posted(client: httpx.Client, first: int, count: int, key: str) -> httpx.Response:
    """Some messages; 503 while a process is away."""
    messages = [
        {"to": f"4477009{number:05}", "from": "Acme", "text": f"Hello € {number}", "reference": str(number)}
        for number in range(first, first + count)
    ]
    return client.post("/v1/messages", json={"messages": messages}, headers={"Idempotency-Key": key})


def is_ready(client: httpx.Client) -> bool:
    """Whether a message would be taken."""
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def kill(up: Up, name: str) -> None:
    """SIGKILL to one process, and another one stands in its place."""
    before = up.ready()["pids"][name]
    os.kill(before, signal.SIGKILL)
    up.ready(lambda ready: ready["pids"].get(name, before) != before)


def test_every_event_reaches_the_webhook_in_order_although_processes_are_killed(tmp_path: Path) -> None:
    accepted: dict[str, str] = {}
    with Receiver() as receiver, running(tmp_path / "data") as up:
        ready = up.ready()
        add_webhook(up.data, receiver.url + "/hook")
        wait_until(lambda: "Webhook hook" in up.said(), "the webhook is in force")
        with client_of(ready) as client:
            for turn, killed in enumerate(["ops", "gateway", "ops", "api", ""]):
                key = f"turn-{turn}"
                first = posted(client, turn * 100, 100, key)
                assert first.status_code == 202, first.text
                ids = [each["id"] for each in first.json()["messages"]]
                accepted |= {message_id: str(turn * 100 + index) for index, message_id in enumerate(ids)}
                if killed:
                    kill(up, killed)
                wait_until(lambda: is_ready(client), f"ready after the kill of {killed}")
                again = posted(client, turn * 100, 100, key)
                assert again.headers["idempotency-replayed"] == "true", f"after the kill of {killed}"
                assert [each["id"] for each in again.json()["messages"]] == ids
            wanted = 3 * len(accepted)
            wait_until(
                lambda: len({each.headers["webhook-id"] for each in receiver.taken}) >= wanted,
                f"{wanted} events; {up.said()}",
                seconds=60,
            )
            last = client.get(f"/v1/messages/{ids[-1]}").json()
        assert (last["state"], last["text"], last["reference"]) == ("delivered", "Hello € 499", "499")
    signing = SigningKey(Secret(SECRET))
    events: dict[str, list[str]] = {}
    for each in receiver.taken:
        assert signing.verify(each.headers, each.body, int(each.headers["webhook-timestamp"]))
        data = each.json["data"]
        assert (data["account"], data["from"], data["reference"]) == ("sample", "Acme", accepted[data["id"]])
        events.setdefault(data["id"], []).append(each.json["type"])
    assert set(events) == set(accepted)
    for message_id, types in events.items():
        # What a kill repeats may come twice, and never turns the order around.
        assert sorted(types, key=ORDER.index) == types, message_id
        assert set(types) == set(ORDER), message_id
