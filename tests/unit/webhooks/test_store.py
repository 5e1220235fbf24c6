"""The store: offset and deliveries move together, a message's order holds, everything is bounded."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brivas.errors import BrivasError, NotFoundError
from brivas_gateways.webhooks import store as module
from brivas_gateways.webhooks.store import NewDelivery, Store, store_path

NOW = 1_700_000_000_000


def delivery(event: int, message: str = "m", webhook: str = "w") -> NewDelivery:
    return NewDelivery(webhook, f"evt_{message}_{event}", message, "message.sent", str(event).encode())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, pending_max=10, failed_max=5)
    yield opened
    opened.close()


def bodies(store: Store, webhook: str = "w", now_ms: int = NOW) -> list[bytes]:
    return [each.body for each in store.due(webhook, now_ms, 100)]


def test_of_a_message_only_the_oldest_delivery_is_due(store: Store) -> None:
    store.add(5, [delivery(1), delivery(2), delivery(3, "other"), delivery(1, webhook="v")], NOW)
    assert bodies(store) == [b"1", b"3"]
    first = store.due("w", NOW, 100)[0]
    store.postpone(first, "answered 500", NOW, NOW + 1_000)
    assert bodies(store) == [b"3"]
    assert store.next_due_at("w") == NOW
    assert bodies(store, now_ms=NOW + 1_000) == [b"3", b"1"]
    store.done(first, NOW + 2_000)
    assert bodies(store, now_ms=NOW + 2_000) == [b"3", b"2"]
    store.give_up(store.due("w", NOW + 2_000, 100)[1], "no more", NOW + 2_000)
    assert bodies(store, now_ms=NOW + 2_000) == [b"3"]
    assert [(each.event_id, each.reason, each.attempts) for each in store.failed()] == [("evt_m_2", "no more", 1)]


def test_the_same_event_is_stored_once(store: Store) -> None:
    store.add(5, [delivery(1)], NOW)
    store.add(5, [delivery(1)], NOW)
    assert bodies(store) == [b"1"]
    assert store.pending() == 1


def test_offset_and_deliveries_move_together(store: Store, tmp_path: Path) -> None:
    def broken() -> Iterator[NewDelivery]:
        yield delivery(1)
        raise RuntimeError("in the middle")

    assert store.next_offset() is None
    store.add(5, [], NOW)
    with pytest.raises(RuntimeError):
        store.add(9, broken(), NOW)
    assert store.next_offset() == 5
    assert bodies(store) == []
    store.add(9, [delivery(1)], NOW)
    again = Store(tmp_path)
    assert (again.next_offset(), bodies(again)) == (9, [b"1"])
    again.close()


def test_what_waits_is_bounded_per_webhook_and_the_rest_fails_at_once(store: Store) -> None:
    store.add(1, [delivery(number, str(number)) for number in range(12)], NOW)
    assert len(bodies(store)) == 10
    assert [each.event_id for each in store.failed()] == ["evt_11_11", "evt_10_10"]
    store.add(2, [delivery(1, webhook="v")], NOW)
    assert bodies(store, "v") == [b"1"]
    store.done(store.due("w", NOW, 1)[0], NOW)
    store.add(3, [delivery(99, "99")], NOW)
    assert b"99" in bodies(store)


def test_failed_deliveries_are_bounded_and_the_forgotten_counted(store: Store) -> None:
    for number in range(8):
        store.add(number, [delivery(number, str(number))], NOW)
        store.give_up(store.due("w", NOW, 1)[0], "no", NOW)
    assert [each.event_id for each in store.failed()] == [f"evt_{number}_{number}" for number in (7, 6, 5, 4, 3)]
    assert store.failed_dropped() == 3


def test_a_failed_delivery_is_put_in_line_again_as_new(store: Store) -> None:
    store.add(1, [delivery(1)], NOW)
    store.give_up(store.due("w", NOW, 1)[0], "no", NOW)
    failed_id = store.failed()[0].id
    assert store.revive(failed_id, NOW + 5).event_id == "evt_m_1"
    (again,) = store.due("w", NOW + 5, 10)
    assert (again.body, again.attempts, again.created_at_ms) == (b"1", 0, NOW + 5)
    assert store.failed() == []
    with pytest.raises(NotFoundError):
        store.revive(failed_id, NOW)


def test_a_disablement_holds_for_one_specification(store: Store) -> None:
    store.disable("w", "digest-1", "410", NOW)
    assert store.disabled() == {"w": "digest-1"}
    assert store.enable("w")
    assert not store.enable("w")
    assert store.disabled() == {}


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(store_path(tmp_path)) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(BrivasError, match="version 99"):
        Store(tmp_path)


def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(module, "_STEPS", module._STEPS[:1])
        old = Store(tmp_path)
        old.add(7, [delivery(1)], NOW)
        old.close()
    store = Store(tmp_path)
    assert (store.next_offset(), bodies(store)) == (7, [b"1"])
    store.done(store.due("w", NOW, 1)[0], NOW)
    store.close()


def test_a_kill_in_the_middle_of_writing_loses_nothing_that_was_said(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from brivas_gateways.webhooks.store import NewDelivery, Store
store = Store(Path(sys.argv[1]))
number = 0
while True:
    store.add(number + 1, [NewDelivery("w", f"evt_{number}", str(number), "message.sent", b"x" * 500)], number)
    print(number, flush=True)
    number += 1
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = -1
    for line in process.stdout:
        said = int(line)
        if said >= 200:
            process.kill()
            break
    process.stdout.close()
    process.wait()
    store = Store(tmp_path)
    offset = store.next_offset()
    assert offset is not None
    assert offset > said
    assert {each.event_id for each in store.due("w", NOW, 1_000_000)} == {f"evt_{number}" for number in range(offset)}
    store.close()


MESSAGES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), MESSAGES),
        st.tuples(st.sampled_from(["done", "postpone", "give_up"]), st.integers(0, 5)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_the_order_of_a_message_holds_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str | int]]
) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    model: dict[str, list[str]] = defaultdict(list)
    now_ms = NOW
    for number, (step, argument) in enumerate(steps):
        now_ms += 10
        if isinstance(argument, str):
            store.add(number, [delivery(number, argument)], now_ms)
            model[argument].append(f"evt_{argument}_{number}")
            continue
        due = store.due("w", now_ms, 100)
        heads = {queue[0] for queue in model.values() if queue}
        assert {each.event_id for each in due} <= heads
        assert {each.event_id for each in store.due("w", now_ms + 10**6, 100)} == heads
        if not due:
            continue
        chosen = due[argument % len(due)]
        if step == "done":
            store.done(chosen, now_ms)
            model[chosen.message_id].pop(0)
        elif step == "give_up":
            store.give_up(chosen, "no", now_ms)
            model[chosen.message_id].pop(0)
        else:
            store.postpone(chosen, "no", now_ms, now_ms + 25)
    assert store.pending() == sum(len(queue) for queue in model.values())
    store.close()
