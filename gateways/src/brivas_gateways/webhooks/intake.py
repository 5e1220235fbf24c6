"""Reads the engine's events from the stored offset on, and stores those that a webhook asked for.

Without webhooks nothing is read: the offset follows the journal's end, so that a webhook added later starts there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from brivas.clients.control import AsyncControlClient
from brivas.errors import BrivasError, OffsetError
from brivas.events import event_name
from brivas.log import Log
from brivas.reachability import Reachability
from brivas.v1 import messaging_pb2
from brivas_gateways.webhooks import payload
from brivas_gateways.webhooks.clock import Clock
from brivas_gateways.webhooks.store import NewDelivery, Store
from brivas_gateways.webhooks.subscription import Subscription, SubscriptionView

IDLE_LOOK_SECONDS: Final = 1.0
RECONNECT_INITIAL_SECONDS: Final = 0.1
RECONNECT_MAX_SECONDS: Final = 5.0
STEADY_SECONDS: Final = 5.0
"""After a stream that lasted this long the next failure is answered without delay again."""

OFFSET_STORE_MS: Final = 1_000
"""An offset without deliveries is stored this often: reading such events twice does no harm."""


class Intake:
    """Runs in the event loop that owns the store."""

    def __init__(
        self,
        client: AsyncControlClient,
        reachability: Reachability,
        store: Store,
        view: SubscriptionView,
        deliverable: Callable[[], list[Subscription]],
        wake: Callable[[], None],
        clock: Clock,
        log: Log,
    ) -> None:
        self._client = client
        self._reachability = reachability
        self._store = store
        self._view = view
        self._deliverable = deliverable
        self._wake = wake
        self._clock = clock
        self._log = log
        self._stored_at_ms = 0

    async def run(self) -> None:
        """Reads until cancelled; when the engine goes away, waits for it."""
        pause = RECONNECT_INITIAL_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            version, started = self._view.version, loop.time()
            work = self._watch() if self._view.current.active else self._follow_end()
            try:
                await _until(work, self._view.wait_newer(version))
                pause = RECONNECT_INITIAL_SECONDS
            except OffsetError:
                await self._start_anew()
            except BrivasError as error:
                self._reachability.lost("webhooks", error)
                if loop.time() - started > STEADY_SECONDS:
                    pause = RECONNECT_INITIAL_SECONDS
                await asyncio.sleep(pause)
                pause = min(pause * 2, RECONNECT_MAX_SECONDS)

    async def _watch(self) -> None:
        wanted = self._view.current
        offset = self._store.next_offset()
        journal = (await self._client.stats()).journal
        self._reachability.reached("webhooks")
        # What was written is told before it is durable: the offset may be beyond that, not beyond what is written.
        if offset is not None and not journal.start_offset <= offset <= journal.written_offset:
            raise OffsetError(f"the journal holds {journal.start_offset} to {journal.written_offset}, not {offset}")
        # The very first start reads the journal from its beginning.
        start = journal.start_offset if offset is None else offset
        async for response in self._client.watch(
            from_offset=start, kinds=wanted.journal_kinds(), accounts=wanted.accounts()
        ):
            self._take(response)
        raise BrivasError("the engine ended the stream of events")

    def _take(self, response: messaging_pb2.WatchResponse) -> None:
        now_ms = self._clock.now_ms()
        deliverable = {each.name for each in self._deliverable()} if response.events else set()
        deliveries = [
            delivery
            for watched in response.events
            for delivery in self._deliveries(watched)
            if delivery.webhook in deliverable
        ]
        if deliveries or now_ms - self._stored_at_ms >= OFFSET_STORE_MS:
            self._store.add(response.next_offset, deliveries, now_ms)
            self._stored_at_ms = now_ms
        if deliveries:
            self._wake()

    def _deliveries(self, watched: messaging_pb2.WatchedEvent) -> list[NewDelivery]:
        name = event_name(watched.event)
        if name is None:
            return []
        wanting = list(self._view.current.wanting(account_of(watched), name))
        if not wanting:
            return []
        body, event_id = payload.body(name, watched), payload.event_id(watched)
        return [NewDelivery(each.name, event_id, watched.id, name.value, body) for each in wanting]

    async def _follow_end(self) -> None:
        """Nothing is wanted: the end of the journal is where to start when something is."""
        while True:
            stats = await self._client.stats()
            self._reachability.reached("webhooks")
            if self._store.next_offset() != stats.journal.written_offset:
                self._store.add(stats.journal.written_offset, (), self._clock.now_ms())
            await asyncio.sleep(IDLE_LOOK_SECONDS)

    async def _start_anew(self) -> None:
        """The journal dropped what we had not read, or lost its tail with the power: go on as near as it has."""
        journal = (await self._client.stats()).journal
        before = self._store.next_offset()
        start = min(max(before or 0, journal.start_offset), journal.written_offset)
        self._store.add(start, (), self._clock.now_ms())
        self._log.error(
            "events_missed", stored_offset=before, goes_on_at=start, hint="the journal dropped or lost them"
        )


def account_of(watched: messaging_pb2.WatchedEvent) -> str:
    """Whose event it is: as the engine says, or else as the event itself does."""
    if watched.account:
        return watched.account
    match watched.event.WhichOneof("kind"):
        case "accepted":
            return watched.event.accepted.account
        case "mo_accepted":
            return watched.event.mo_accepted.account
        case _:
            return ""


async def _until(work: Coroutine[Any, Any, None], change: Coroutine[Any, Any, None]) -> None:
    """Does the work until the change comes; what the work raises is raised."""
    working, changing = asyncio.ensure_future(work), asyncio.ensure_future(change)
    try:
        await asyncio.wait((working, changing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, changing):
            if not task.done():
                task.cancel()
        results = await asyncio.gather(working, changing, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
