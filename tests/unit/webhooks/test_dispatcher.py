"""The dispatcher over real HTTP: order, retries, Retry-After, 410, bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from brivas.events import EventName
from brivas.log import Log
from brivas.resources.secret import Secret
from brivas_gateways.webhooks.clock import SystemClock
from brivas_gateways.webhooks.dispatcher import Dispatcher
from brivas_gateways.webhooks.kind import RetrySpec
from brivas_gateways.webhooks.sender import HttpSender, Outcome, Taken
from brivas_gateways.webhooks.signature import SigningKey
from brivas_gateways.webhooks.store import Delivery, NewDelivery, Store
from brivas_gateways.webhooks.subscription import Subscription, Subscriptions, SubscriptionView
from tests.support.process import free_port
from tests.support.receiver import Answer, Received, Receiver

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
CLOCK = SystemClock()


def subscription(
    url: str, *, name: str = "w", concurrency: int = 8, timeout_ms: int = 5_000, max_age: int = 60
) -> Subscription:
    return Subscription(
        name=name,
        account="acme",
        url=url,
        events=frozenset(EventName),
        key=SigningKey(SECRET),
        timeout_ms=timeout_ms,
        concurrency_max=concurrency,
        retry=RetrySpec(initial_ms=10, max_ms=50, max_age_seconds=max_age),
        digest=f"digest of {url}",
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def add(store: Store, count: int, *, messages: int = 1, webhook: str = "w") -> None:
    deliveries = [
        NewDelivery(
            webhook, f"evt_{number}", f"m{number % messages}", "message.sent", f'{{"number":{number}}}'.encode()
        )
        for number in range(count)
    ]
    store.add(count, deliveries, CLOCK.now_ms())


def dispatch(store: Store, subscriptions: list[Subscription], until: Callable[[], bool], seconds: float = 20.0) -> None:
    """Runs a dispatcher until the condition holds."""

    async def run() -> None:
        view = SubscriptionView()
        active = {each.name: each for each in subscriptions}
        await view.replace(Subscriptions(MappingProxyType(active), frozenset(active)))
        sender = HttpSender()
        dispatcher = Dispatcher(store, sender, view, CLOCK, Log("test"))
        try:
            async with asyncio.timeout(seconds):
                await _while(dispatcher.run(), until)
        finally:
            await sender.close()

    asyncio.run(run())


async def _while(work: Awaitable[None], until: Callable[[], bool]) -> None:
    task = asyncio.ensure_future(work)
    try:
        while not until():
            if task.done():
                await task
            await asyncio.sleep(0.005)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def pending(store: Store) -> int:
    return store.pending()


def numbers(received: list[Received]) -> list[int]:
    return [int(each.json["number"]) for each in received]


def test_a_message_is_delivered_in_order_although_attempts_fail(store: Store) -> None:
    attempts: dict[int, int] = {}

    def flaky(request: Received) -> Answer:
        number = request.json["number"]
        attempts[number] = attempts.get(number, 0) + 1
        return (500 if attempts[number] < 3 and number % 4 == 0 else 200, {})

    add(store, 40, messages=4)
    with Receiver(flaky) as receiver:
        dispatch(store, [subscription(receiver.url)], lambda: pending(store) == 0)
        for message in range(4):
            taken = [number for number in numbers(receiver.taken) if number % 4 == message]
            assert taken == list(range(message, 40, 4))
        assert len(receiver.taken) == 40


def test_attempts_are_signed_anew_and_keep_their_id(store: Store) -> None:
    key = SigningKey(SECRET)
    answers = iter([503, 503, 204])
    add(store, 1)
    with Receiver(lambda _request: (next(answers), {})) as receiver:
        dispatch(store, [subscription(receiver.url + "/in")], lambda: pending(store) == 0)
    assert {request.headers["webhook-id"] for request in receiver.requests} == {"evt_0"}
    assert len(receiver.requests) == 3
    for request in receiver.requests:
        assert request.path == "/in"
        assert request.headers["content-type"] == "application/json"
        assert key.verify(request.headers, request.body, CLOCK.now_ms() // 1000)


def test_retry_after_is_honoured(store: Store) -> None:
    add(store, 1)
    with Receiver(lambda _request: (429, {"Retry-After": "30"})) as receiver:
        dispatch(store, [subscription(receiver.url)], lambda: (store.next_due_at("w") or 0) > CLOCK.now_ms() + 25_000)
    assert len(receiver.requests) == 1


def test_410_disables_until_the_specification_changes(store: Store) -> None:
    add(store, 3, messages=3)
    with Receiver(lambda _request: (410, {})) as receiver:
        gone = subscription(receiver.url, concurrency=1)
        dispatch(store, [gone], lambda: bool(store.disabled()))
        assert store.disabled() == {"w": gone.digest}
        assert len(store.failed()) == 3
        store.revive(store.failed()[0].id, CLOCK.now_ms())
        before = len(receiver.requests)
        receiver.answer = lambda _request: (200, {})
        changed = subscription(receiver.url + "/new", concurrency=1)
        dispatch(store, [changed], lambda: pending(store) == 0)
        assert [request.path for request in receiver.requests[before:]] == ["/new"]


def test_what_is_too_old_is_kept_as_failed_and_the_next_goes_on(store: Store) -> None:
    add(store, 2)

    def first_never(request: Received) -> Answer:
        return (400 if request.json["number"] == 0 else 200, {})

    with Receiver(first_never) as receiver:
        dispatch(store, [subscription(receiver.url, max_age=1)], lambda: pending(store) == 0)
    assert [(each.event_id, each.reason) for each in store.failed()] == [("evt_0", "answered 400")]
    assert numbers(receiver.taken) == [1]


def test_a_redirect_is_not_followed(store: Store) -> None:
    add(store, 1)
    with Receiver() as elsewhere:
        with Receiver(lambda _request: (302, {"Location": elsewhere.url})) as receiver:
            dispatch(store, [subscription(receiver.url, max_age=1)], lambda: bool(store.failed()))
        assert elsewhere.requests == []
    assert store.failed()[0].reason == "answered 302"


def test_a_receiver_that_is_not_there_is_told_in_few_words(store: Store) -> None:
    port = free_port()
    add(store, 1)
    dispatch(store, [subscription(f"http://127.0.0.1:{port}", max_age=1)], lambda: bool(store.failed()))
    assert store.failed()[0].reason == f"no connection to 127.0.0.1:{port}: connection refused"


def test_a_receiver_that_never_answers_is_cut_off_and_holds_up_nobody_else(store: Store) -> None:
    add(store, 1)
    add(store, 20, webhook="v")

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def listen() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        view = SubscriptionView()
        slow = subscription(f"http://127.0.0.1:{port}", timeout_ms=200, max_age=1)
        with Receiver() as receiver:
            active = {"w": slow, "v": subscription(receiver.url, name="v")}
            await view.replace(Subscriptions(MappingProxyType(active), frozenset(active)))
            sender = HttpSender()
            async with asyncio.timeout(20):
                await _while(Dispatcher(store, sender, view, CLOCK, Log("test")).run(), lambda: pending(store) == 0)
            await sender.close()
            assert len(receiver.taken) == 20
        server.close()

    asyncio.run(listen())
    assert store.failed()[0].reason == "no answer in 200 ms"


def test_never_more_at_once_than_the_webhook_allows(store: Store) -> None:
    class Counting:
        now = 0
        most = 0

        async def send(self, _subscription: Subscription, _delivery: Delivery, _now_ms: int) -> Outcome:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.002)
            self.now -= 1
            return Taken()

    async def run() -> int:
        view = SubscriptionView()
        only = subscription("http://127.0.0.1:1", concurrency=3)
        await view.replace(Subscriptions(MappingProxyType({"w": only}), frozenset({"w"})))
        sender = Counting()
        await _while(Dispatcher(store, sender, view, CLOCK, Log("test")).run(), lambda: pending(store) == 0)
        return sender.most

    add(store, 60, messages=60)
    assert asyncio.run(run()) == 3


def test_what_waits_for_a_webhook_that_was_removed_is_kept_as_failed(store: Store) -> None:
    add(store, 2)
    dispatch(store, [], lambda: len(store.failed()) == 2)
    assert {each.reason for each in store.failed()} == {"the Webhook was removed"}
