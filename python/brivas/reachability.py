"""Whether the engine answers, as the controllers of one process find it: said once when it goes away, once when it is
back. Each controller tells what its own calls met; the engine is back when all of them reach it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from brivas.errors import BrivasError, CallError, DeadlineError, UnavailableError
from brivas.log import Log

_REFUSES = "engine_refuses_calls"
_AWAY = "engine_away"


class Reachability:
    """For one event loop."""

    def __init__(self, log: Log, now_seconds: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._now_seconds = now_seconds
        self._missed_by: set[str] = set()
        self._said: set[str] = set()
        self._since_seconds = 0.0

    def lost(self, controller: str, error: BrivasError) -> None:
        """A call failed; it will be tried again."""
        if not self._missed_by:
            self._since_seconds = self._now_seconds()
        self._missed_by.add(controller)
        # A wrong token is another matter than a process that is not there: said too, once each.
        event = _REFUSES if _refused(error) else _AWAY
        if event not in self._said:
            self._said.add(event)
            self._log.warning(event, why=error.message, hint=error.hint or "it is asked again until it answers")

    def reached(self, controller: str) -> None:
        """A call was answered."""
        self._missed_by.discard(controller)
        if self._said and not self._missed_by:
            self._said.clear()
            self._log.info("engine_back", after_seconds=round(self._now_seconds() - self._since_seconds, 1))


def _refused(error: BrivasError) -> bool:
    return isinstance(error, CallError) and not isinstance(error, (UnavailableError, DeadlineError))
