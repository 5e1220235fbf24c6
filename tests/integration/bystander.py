"""Somebody who is served while others break the rules: what no hostile peer may take away."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from tests.integration.gateway import Gateway
from tests.integration.recorder import Recorder
from tests.integration.wire import Client, ConnectionEndedError

NUMBER: Final = "491701234567"
"""Routed to the carrier that behaves."""
PATIENCE_SECONDS: Final = 5.0
"""How long a message and its receipt may take on a machine that does other things too."""


@contextlib.contextmanager
def undisturbed(
    gateway: Gateway, *, grows_mib: float = 32, bystander: Callable[[], Client] | None = None
) -> Iterator[Client]:
    """A bystander's bind: while the body runs and after it, messages and their receipts flow on it, without delay.

    What the body makes the gateway keep at most is stated: `grows_mib` of its memory. The bind is plain, unless another
    is given.
    """
    with gateway.bind("other") if bystander is None else bystander() as served:
        stop = threading.Event()
        slowest = [0.0]
        failed: list[Exception] = []
        before_mib, pid = gateway.rss_mib(), gateway.pid

        def look() -> None:
            try:
                while not stop.wait(0.05):
                    began = time.monotonic()
                    served.ping()
                    served.receipt(served.submit(NUMBER).text)
                    slowest[0] = max(slowest[0], time.monotonic() - began)
            except (ConnectionEndedError, OSError, AssertionError) as error:
                failed.append(error)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            yield served
        finally:
            stop.set()
            looking.join()
        assert failed == []
        assert slowest[0] < PATIENCE_SECONDS, "a bystander waited"
        served.receipt(served.submit(NUMBER).text)
        assert gateway.pid == pid
        assert gateway.rss_mib() - before_mib < grows_mib


@contextlib.contextmanager
def beside(gateway: Gateway, carrier: Recorder, prefix: str, **spec: object) -> Iterator[None]:
    """While the body runs the gateway has one more carrier, for numbers that begin so."""
    name = f"guest-{prefix}"
    gateway.carrier(carrier.address, name, **spec)
    gateway.route(name, name, prefix=prefix)
    gateway.reload()
    try:
        yield
    finally:
        for kind in ("route", "carrier"):
            (gateway.config / f"{kind}-{name}.yaml").unlink()
        gateway.reload()
