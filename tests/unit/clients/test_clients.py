"""The clients of both faces: deadlines, errors with hints, streams that resume; blocking and asyncio alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import grpc
import pytest

from brivas import errors
from brivas.clients import messaging as messaging_module
from brivas.clients.control import AsyncControlClient, ControlClient
from brivas.clients.messaging import AsyncMessagingClient, MessagingClient
from brivas.resources.secret import Secret
from brivas.v1 import control_pb2, events_pb2, messaging_pb2
from tests.support.fake_engine import API_KEY, OTHER_KEY, TOKEN, FakeEngine
from tests.support.process import free_port, wait_until

Failing = Callable[[FakeEngine, float], None]


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.stop()


def blocking(engine: FakeEngine, timeout_seconds: float = 5.0) -> None:
    with MessagingClient(engine.target, Secret(API_KEY), timeout_seconds=timeout_seconds) as client:
        client.submit([messaging_pb2.NewMessage(to="1", text="x")])


def in_a_loop(engine: FakeEngine, timeout_seconds: float = 5.0) -> None:
    async def submit() -> None:
        async with AsyncMessagingClient(engine.target, Secret(API_KEY), timeout_seconds=timeout_seconds) as client:
            await client.submit([messaging_pb2.NewMessage(to="1", text="x")])

    asyncio.run(submit())


BOTH = pytest.mark.parametrize("call", [blocking, in_a_loop])


@BOTH
@pytest.mark.parametrize(
    ("status", "details", "expected"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "not yours", errors.ForbiddenError),
        (grpc.StatusCode.NOT_FOUND, "no message has this id", errors.NotFoundError),
        (grpc.StatusCode.INVALID_ARGUMENT, "to: 'x'", errors.InvalidError),
        (grpc.StatusCode.ALREADY_EXISTS, "used before", errors.ConflictError),
        (grpc.StatusCode.FAILED_PRECONDITION, "sent already", errors.StateError),
        (grpc.StatusCode.OUT_OF_RANGE, "forgotten", errors.OffsetError),
        (grpc.StatusCode.UNAVAILABLE, "draining", errors.UnavailableError),
        (grpc.StatusCode.INTERNAL, "oops", errors.CallError),
    ],
)
def test_a_status_becomes_its_error(
    engine: FakeEngine,
    call: Failing,
    status: grpc.StatusCode,
    details: str,
    expected: type[errors.BrivasError],
) -> None:
    engine.failures["Submit"] = (status, details)
    with pytest.raises(errors.BrivasError) as caught:
        call(engine, 5.0)
    assert type(caught.value) is expected
    assert details in caught.value.message
    assert caught.value.hint or expected is errors.CallError


@BOTH
def test_the_engines_hint_is_taken_over(engine: FakeEngine, call: Failing) -> None:
    engine.failures["Submit"] = (grpc.StatusCode.INVALID_ARGUMENT, "to: 'x' is no number; hint: digits only")
    with pytest.raises(errors.InvalidError) as caught:
        call(engine, 5.0)
    assert (caught.value.message, caught.value.hint) == ("to: 'x' is no number", "digits only")


@BOTH
@pytest.mark.parametrize(("details", "queue_full"), [("throttled: 10 a second", False), ("the queue is full", True)])
def test_throttled_and_queue_full_are_told_apart(
    engine: FakeEngine, call: Failing, details: str, queue_full: bool
) -> None:
    engine.failures["Submit"] = (grpc.StatusCode.RESOURCE_EXHAUSTED, details)
    with pytest.raises(errors.BusyError) as caught:
        call(engine, 5.0)
    assert caught.value.queue_full is queue_full


@BOTH
def test_a_call_ends_at_its_deadline(engine: FakeEngine, call: Failing) -> None:
    engine.delay_seconds = 2.0
    with pytest.raises(errors.DeadlineError):
        call(engine, 0.2)
    engine.delay_seconds = 0.0


@BOTH
def test_nobody_listening_is_unreachable_and_names_the_address(call: Failing) -> None:
    class Nobody:
        target = f"127.0.0.1:{free_port()}"

    with pytest.raises(errors.UnreachableError) as caught:
        call(Nobody(), 5.0)  # type: ignore[arg-type] # only its address is used.
    assert caught.value.message == f"the engine at {Nobody.target} does not answer: connection refused"
    assert caught.value.exit_code == 4


def test_a_wrong_key_is_unauthenticated(engine: FakeEngine) -> None:
    with MessagingClient(engine.target, Secret("wrong")) as client, pytest.raises(errors.UnauthenticatedError):
        client.query("0" * 16)
    with ControlClient(engine.target, Secret("wrong")) as control, pytest.raises(errors.UnauthenticatedError):
        control.stats()


def test_every_call_of_control_reaches_the_engine(engine: FakeEngine) -> None:
    with ControlClient(engine.target, Secret(TOKEN)) as client:
        assert client.stats().version == "0.1.0"
        assert client.binds().binds[0].name == "acme"
        assert client.explain("acme", "44").steps == ["acme to 44"]
        assert client.drain(10).drained
        assert len(client.apply(control_pb2.Snapshot(), dry_run=True).hash) == 64
        assert engine.applied == []

    async def calls() -> None:
        async with AsyncControlClient(engine.target, Secret(TOKEN)) as client:
            assert (await client.stats()).version == "0.1.0"
            assert (await client.binds()).binds[0].name == "acme"
            assert (await client.explain("acme", "44")).route == "all"
            assert (await client.drain(10)).drained
            await client.apply(control_pb2.Snapshot())

    asyncio.run(calls())
    assert len(engine.applied) == 1


def test_a_stream_that_reaches_its_deadline_goes_on_where_it_ended(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messaging_module, "WATCH_SECONDS_MAX", 0.3)
    event = events_pb2.Event(sent=events_pb2.Sent(carrier="one"))
    engine.add_event("a" * 16, event)
    with MessagingClient(engine.target, Secret(API_KEY)) as client:
        stream = client.watch(from_offset=0)
        assert [each.offset for each in next(stream).events] == [0]
        # Nothing more until the first stream has reached its deadline and a second one has begun.
        later = threading.Thread(target=add_once_watched_twice, args=(engine, event))
        later.start()
        assert [each.offset for each in next(stream).events] == [1]
        later.join()
        assert engine.watched_from[:2] == [0, 1]
        stream.close()


def add_once_watched_twice(engine: FakeEngine, event: events_pb2.Event) -> None:
    wait_until(lambda: len(engine.watched_from) >= 2, "a second stream")
    engine.add_event("b" * 16, event)


def test_one_channel_serves_many_accounts(engine: FakeEngine) -> None:
    async def calls() -> tuple[str, str]:
        async with AsyncMessagingClient(engine.target, Secret(API_KEY)) as first:
            second = first.with_key(Secret(OTHER_KEY))
            message = messaging_pb2.NewMessage(to="1", text="x")
            ids = [(await client.submit([message])).results[0].id for client in (first, second)]
            with pytest.raises(errors.NotFoundError):
                await second.query(ids[0])
            await second.close()
            return (await first.query(ids[0])).account, engine.statuses[ids[1]].account

    assert asyncio.run(calls()) == ("acme", "globex")
