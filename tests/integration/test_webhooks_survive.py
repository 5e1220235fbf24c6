"""`brivas ops` is killed while it delivers: every event arrives, in order per message, with its own id."""

from __future__ import annotations

import base64
import os
import random
import signal
import threading
from pathlib import Path

from brivas.layout import Layout, write_private
from brivas.resources.secret import Secret
from brivas.v1 import events_pb2
from brivas_gateways.webhooks.signature import SigningKey
from brivas_gateways.webhooks.standing import read_standings
from tests.support.fake_engine import TOKEN, FakeEngine
from tests.support.process import Brivas, wait_until
from tests.support.receiver import Answer, Received, Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KILLS = 4
MESSAGES = 150


def write_config(folder: Path, url: str, *, events: str = "[message.sent, message.delivered]") -> None:
    """An account and its webhook."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".all.yaml"
    partial.write_text(
        f"""apiVersion: brivas.io/v1
kind: Account
metadata: {{name: acme}}
spec: {{}}
---
apiVersion: brivas.io/v1
kind: Webhook
metadata: {{name: receipts}}
spec:
  account: acme
  url: {url}/in
  secret: {{file: secrets/webhook.secret}}
  events: {events}
  concurrencyMax: 8
  retry: {{initialMs: 20, maxMs: 200, maxAgeSeconds: 600}}
"""
    )
    partial.replace(folder / "all.yaml")


def prepare(data: Path) -> None:
    write_private(Layout(data).control_token, TOKEN + "\n")
    write_private(data / "secrets" / "webhook.secret", SECRET + "\n")


def ops(data: Path, engine: FakeEngine, log: Path) -> Brivas:
    targets = ("--messaging-target", engine.target, "--control-target", engine.target)
    return Brivas(data, "ops", "--config", str(data / "config"), *targets, log=log)


def sent(number: int) -> events_pb2.Event:
    return events_pb2.Event(sent=events_pb2.Sent(carrier="one", attempt=number))


DELIVERED = events_pb2.Event(final=events_pb2.Final(state=events_pb2.MESSAGE_STATE_DELIVERED, carrier="one"))


def test_kills_of_the_dispatcher_lose_no_event_and_keep_the_order(tmp_path: Path) -> None:
    prepare(tmp_path)
    engine = FakeEngine()
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    lock = threading.Lock()

    def unreliable(_request: Received) -> Answer:
        with lock:
            return (chance.choice([200, 200, 200, 500, 503]), {})

    expected: dict[str, list[str]] = {}
    with Receiver(unreliable) as receiver:
        write_config(tmp_path / "config", receiver.url)
        for round_number in range(KILLS):
            with ops(tmp_path, engine, tmp_path / "ops.log") as process:
                for number in range(MESSAGES):
                    message = f"{round_number * MESSAGES + number:016x}"
                    offsets = [engine.add_event(message, sent(1)), engine.add_event(message, DELIVERED)]
                    # Another account's, and a kind that nobody asked for.
                    engine.add_event(message, DELIVERED, account="globex")
                    expected[message] = [f"evt_{message}_{offset:x}" for offset in offsets]
                before = len(receiver.taken)
                wait_until(lambda before=before: len(receiver.taken) > before + 40, f"deliveries; {process.logged()}")  # type: ignore[misc]
                os.kill(process.process.pid, signal.SIGKILL)
                process.process.wait(10)
        with ops(tmp_path, engine, tmp_path / "ops.log") as process:
            everything = {event for events in expected.values() for event in events}
            wait_until(
                lambda: (
                    {each.headers["webhook-id"] for each in receiver.taken} >= everything
                    and not any(each.pending for each in read_standings(tmp_path))
                ),
                f"all deliveries (seed {seed})",
                seconds=60,
            )
            assert process.terminate() == 0
        taken = list(receiver.taken)
    engine.stop()
    assert {each.headers["webhook-id"] for each in taken} == everything
    key = SigningKey(Secret(SECRET))
    for each in taken:
        assert key.verify(each.headers, each.body, int(each.headers["webhook-timestamp"]))
    for message, events in expected.items():
        ids = [each.headers["webhook-id"] for each in taken if each.json["data"]["id"] == message]
        # A kill between an answer and its record repeats one delivery; it never turns the order around.
        assert list(dict.fromkeys(ids)) == events, f"seed {seed}"
        assert ids == sorted(ids, key=events.index), f"seed {seed}"


def test_the_stored_offset_is_where_reading_goes_on(tmp_path: Path) -> None:
    prepare(tmp_path)
    engine = FakeEngine()
    with Receiver() as receiver:
        write_config(tmp_path / "config", receiver.url)
        with ops(tmp_path, engine, tmp_path / "ops.log") as process:
            engine.add_event("a" * 16, DELIVERED)
            wait_until(lambda: len(receiver.taken) == 1, f"the first; {process.logged()}")
            process.kill()
        engine.add_event("b" * 16, DELIVERED)
        with ops(tmp_path, engine, tmp_path / "ops.log") as process:
            wait_until(lambda: len(receiver.taken) == 2, f"the second; {process.logged()}")
            wait_until(lambda: not any(each.pending for each in read_standings(tmp_path)), "the store is empty")
            assert process.terminate() == 0
    engine.stop()
    assert [each.json["data"]["id"] for each in receiver.taken] == ["a" * 16, "b" * 16]
    assert engine.watched_from == [0, 1]


def test_an_engine_that_goes_away_and_a_journal_that_is_new_are_lived_through(tmp_path: Path) -> None:
    prepare(tmp_path)
    engine = FakeEngine()
    with Receiver() as receiver:
        write_config(tmp_path / "config", receiver.url)
        with ops(tmp_path, engine, tmp_path / "ops.log") as process:
            for number in range(5):
                engine.add_event(f"{number:016x}", DELIVERED)
            wait_until(lambda: len(receiver.taken) == 5, f"five; {process.logged()}")
            engine.stop()
            engine.events.clear()
            engine.start()
            wait_until(lambda: "events_missed" in process.logged(), "it is said that the journal is another one")
            engine.add_event("f" * 16, DELIVERED)
            wait_until(lambda: len(receiver.taken) == 6, "one of the new journal")
            assert process.terminate() == 0
    engine.stop()


def test_a_webhook_is_added_changed_and_removed_while_it_runs(tmp_path: Path) -> None:
    prepare(tmp_path)
    engine = FakeEngine()
    with Receiver() as receiver:
        write_config(tmp_path / "config", receiver.url, events="[message.delivered]")
        with ops(tmp_path, engine, tmp_path / "ops.log") as process:
            engine.add_event("1" * 16, sent(1))
            engine.add_event("2" * 16, DELIVERED)
            wait_until(lambda: len(receiver.taken) == 1, f"the delivered one; {process.logged()}")
            applied = len(engine.applied)
            write_config(tmp_path / "config", receiver.url, events="[message.sent]")
            wait_until(lambda: len(engine.watched_from) >= 2, f"a new stream; {process.logged()}")
            engine.add_event("3" * 16, DELIVERED)
            engine.add_event("4" * 16, sent(1))
            wait_until(lambda: len(receiver.taken) == 2, f"the sent one; {process.logged()}")
            assert receiver.taken[1].json["data"]["id"] == "4" * 16
            assert applied >= 1
    engine.stop()
