"""Runs all controllers in one event loop until a signal.

A controller that fails is logged and started again with a growing pause: one broken webhook must not stop the
configuration. SIGTERM and SIGINT cancel them all.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from importlib import metadata

import uvloop

from brivas.controllers import Controller, ControllerContext
from brivas.log import Log
from brivas.supervised import end_with_supervisor

CONTROLLERS_GROUP = "brivas.controllers"
RESTART_INITIAL_SECONDS = 0.5
RESTART_MAX_SECONDS = 30.0


def run_controllers(context: ControllerContext) -> None:
    """Runs the controllers that are installed; returns after a signal."""
    end_with_supervisor()
    controllers: list[Controller] = [
        point.load()() for point in sorted(metadata.entry_points(group=CONTROLLERS_GROUP), key=lambda point: point.name)
    ]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signal(controllers, context))


async def _until_signal(controllers: Sequence[Controller], context: ControllerContext) -> None:
    log = Log("ops")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("controllers_started", controllers=[controller.name for controller in controllers])
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(keep_running(controller, context, log)) for controller in controllers]
        await stop.wait()
        for task in tasks:
            task.cancel()
    log.info("controllers_stopped")


async def keep_running(controller: Controller, context: ControllerContext, log: Log) -> None:
    """Runs one controller, again after each failure, with a pause that grows and is random."""
    pause = RESTART_INITIAL_SECONDS
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await controller.run(context)
            log.error("controller_returned", controller=controller.name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other controllers go on.
            log.error("controller_failed", controller=controller.name, error=type(error).__name__, why=str(error))
        if asyncio.get_running_loop().time() - started > RESTART_MAX_SECONDS:
            pause = RESTART_INITIAL_SECONDS
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter.
        pause = min(pause * 2, RESTART_MAX_SECONDS)
