"""Delivers what is due: per webhook as many at once as it allows, per message one after the other."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from brivas.log import Log
from brivas_gateways.webhooks.backoff import next_attempt_at
from brivas_gateways.webhooks.clock import Clock
from brivas_gateways.webhooks.sender import Gone, NotTaken, Outcome, Sender, Taken
from brivas_gateways.webhooks.store import Delivery, Store
from brivas_gateways.webhooks.subscription import Subscription, SubscriptionView

LOOK_MS_MAX: Final = 1_000
"""The store is looked at this often at least: other processes may have put something in line."""


class Dispatcher:
    """Runs in the event loop that owns the store."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        view: SubscriptionView,
        clock: Clock,
        log: Log,
        *,
        jitter: random.Random | None = None,
    ) -> None:
        self._store = store
        self._sender = sender
        self._view = view
        self._clock = clock
        self._log = log
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, guards nothing.
        self._in_flight: dict[str, set[int]] = {}
        self._wake = asyncio.Event()
        self._swept_version = 0

    def wake(self) -> None:
        """Something new may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Delivers until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                self._bury_orphans()
                for subscription in self.deliverable():
                    self._start_due(group, subscription)
                await self._pause()

    def deliverable(self) -> list[Subscription]:
        """The webhooks that are not disabled as they now stand."""
        disabled = self._store.disabled()
        return [each for each in self._view.current.active.values() if disabled.get(each.name) != each.digest]

    def _start_due(self, group: asyncio.TaskGroup, subscription: Subscription) -> None:
        in_flight = self._in_flight.setdefault(subscription.name, set())
        free = subscription.concurrency_max - len(in_flight)
        if free <= 0:
            return
        due = self._store.due(subscription.name, self._clock.now_ms(), free + len(in_flight))
        for delivery in [each for each in due if each.sequence not in in_flight][:free]:
            in_flight.add(delivery.sequence)
            group.create_task(self._deliver(subscription, delivery))

    async def _deliver(self, subscription: Subscription, delivery: Delivery) -> None:
        try:
            outcome = await self._sender.send(subscription, delivery, self._clock.now_ms())
            self._settle(subscription, delivery, outcome)
        finally:
            self._in_flight[subscription.name].discard(delivery.sequence)
            self._wake.set()

    def _settle(self, subscription: Subscription, delivery: Delivery, outcome: Outcome) -> None:
        now_ms = self._clock.now_ms()
        match outcome:
            case Taken():
                self._store.done(delivery, now_ms)
            case Gone():
                self._store.disable(subscription.name, subscription.digest, "the receiver answered 410", now_ms)
                lost = self._store.give_up_all(subscription.name, "the receiver answered 410", now_ms)
                self._log.warning("webhook_disabled", webhook=subscription.name, given_up=lost, hint="it answered 410")
            case NotTaken(reason, retry_after_ms):
                at_ms = next_attempt_at(
                    subscription.retry,
                    attempt=delivery.attempts + 1,
                    created_at_ms=delivery.created_at_ms,
                    now_ms=now_ms,
                    retry_after_ms=retry_after_ms,
                    jitter=self._jitter.random(),
                )
                if at_ms is not None:
                    self._store.postpone(delivery, reason, now_ms, at_ms)
                    return
                self._store.give_up(delivery, reason, now_ms)
                self._log.warning(
                    "webhook_delivery_failed",
                    webhook=subscription.name,
                    delivery=delivery.event_id,
                    attempts=delivery.attempts + 1,
                    why=reason,
                )

    def _bury_orphans(self) -> None:
        """What waits for a webhook that was removed can go nowhere."""
        if self._swept_version == self._view.version:
            return
        self._swept_version = self._view.version
        for name in self._store.webhooks_pending():
            if name not in self._view.current.known:
                count = self._store.give_up_all(name, "the Webhook was removed", self._clock.now_ms())
                self._log.warning("webhook_removed", webhook=name, given_up=count)

    async def _pause(self) -> None:
        """Until something is due, something is done, or something is new."""
        now_ms = self._clock.now_ms()
        wait_ms = LOOK_MS_MAX
        for subscription in self.deliverable():
            if self._in_flight.get(subscription.name):
                # Each of them wakes us when it is done.
                continue
            due_at_ms = self._store.next_due_at(subscription.name)
            if due_at_ms is not None:
                wait_ms = min(wait_ms, max(due_at_ms - now_ms, 0))
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._wake.wait()
        except TimeoutError:
            return
