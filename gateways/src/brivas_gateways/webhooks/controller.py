"""The controller `webhooks` of `brivas ops`: intake and dispatcher around one store."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brivas.clients.control import AsyncControlClient
from brivas.controllers import ConfigView, ControllerContext
from brivas.errors import BrivasError
from brivas.log import Log
from brivas_gateways.webhooks.clock import SystemClock
from brivas_gateways.webhooks.dispatcher import Dispatcher
from brivas_gateways.webhooks.intake import Intake
from brivas_gateways.webhooks.sender import HttpSender
from brivas_gateways.webhooks.store import Store, store_path
from brivas_gateways.webhooks.subscription import SubscriptionView, subscriptions_of


class WebhooksController:
    """Posts events to the customers' servers."""

    name = "webhooks"

    async def run(self, context: ControllerContext) -> None:
        """Waits for the first configuration, then reads and delivers until cancelled."""
        log = Log(self.name)
        clock = SystemClock()
        with only_one(context.data):
            view = SubscriptionView()
            version, config = await context.view.wait_newer(0)
            await view.replace(subscriptions_of(config, log))
            store, sender = Store(context.data), HttpSender()
            store.configure(view.current.configured)
            try:
                async with AsyncControlClient(context.control_target, context.control_token) as client:
                    dispatcher = Dispatcher(store, sender, view, clock, log)
                    intake = Intake(
                        client, context.engine, store, view, dispatcher.deliverable, dispatcher.wake, clock, log
                    )
                    async with asyncio.TaskGroup() as group:
                        group.create_task(intake.run())
                        group.create_task(dispatcher.run())
                        group.create_task(_follow(context.view, version, view, store, dispatcher, log))
            finally:
                await sender.close()
                store.close()


async def _follow(
    configs: ConfigView, version: int, view: SubscriptionView, store: Store, dispatcher: Dispatcher, log: Log
) -> None:
    while True:
        version, config = await configs.wait_newer(version)
        await view.replace(subscriptions_of(config, log))
        store.configure(view.current.configured)
        dispatcher.wake()


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Two dispatchers on one store would deliver twice: the second is refused."""
    path = store_path(data).with_name("lock")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BrivasError(
                f"another process delivers the webhooks of {data}", hint="stop the other `brivas ops` first"
            ) from None
        yield
    finally:
        os.close(descriptor)
