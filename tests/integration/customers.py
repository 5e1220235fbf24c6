"""Customers that submit steadily, each on a bind of its own, and remember what they were told."""

from __future__ import annotations

import itertools
import threading
from typing import Final

from tests.integration import wire
from tests.integration.wire import Client

BATCH: Final = 10
"""Messages that are unanswered at the same time."""
PAUSE_SECONDS: Final = 0.05


class Customer(threading.Thread):
    """Submits until `stop`; then takes what comes until `end`. `ids`: of each text that was answered ESME_ROK."""

    def __init__(self, name: str, client: Client, prefixes: tuple[str, ...]) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.ids: dict[str, str] = {}
        self.failed: list[Exception] = []
        self._own_name = name
        self._prefixes = itertools.cycle(prefixes)
        self._count = 0
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self.start()

    @property
    def receipted(self) -> list[str]:
        """The ids that receipts came for, as often as they did."""
        return [each.receipted_id for each in list(self.client.deliveries)]

    def stop(self) -> None:
        """No more messages."""
        self._stopping.set()

    def end(self) -> None:
        """Returns when it listens no more; the connection stays."""
        self._stopping.set()
        self._ending.set()
        self.join()

    def run(self) -> None:
        """In its own thread."""
        try:
            while not self._stopping.wait(PAUSE_SECONDS):
                self._submit()
            while not self._ending.wait(PAUSE_SECONDS):
                self.client.ping()
        except (wire.ConnectionEndedError, OSError, AssertionError) as error:
            self.failed.append(error)

    def _submit(self) -> None:
        texts: dict[int, str] = {}
        for _ in range(BATCH):
            self._count += 1
            text = f"{self._own_name} {self._count}"
            number = f"{next(self._prefixes)}17{self._count:07}"
            texts[self.client.send(wire.SUBMIT_SM, wire.submit_body(number, text.encode()))] = text
        for sequence, answer in self.client.responses(texts).items():
            assert answer.status == wire.ESME_ROK, f"{texts[sequence]!r} was refused with {answer.status:#x}"
            self.ids[texts[sequence]] = answer.text
