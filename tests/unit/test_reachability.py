"""An engine that is away is said once, and once that it is back."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from brivas.errors import BrivasError, DeadlineError, UnauthenticatedError, UnavailableError, UnreachableError
from brivas.log import Log
from brivas.reachability import Reachability


class Recording(Log):
    def __init__(self) -> None:
        super().__init__("test")
        self.said: list[tuple[str, Mapping[str, object]]] = []

    def write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        self.said.append((event, fields))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.said]


@pytest.fixture
def log() -> Recording:
    return Recording()


def test_an_absence_is_said_once_whatever_each_retry_meets(log: Recording) -> None:
    engine = Reachability(log)
    for error in (UnreachableError("refused"), UnavailableError("drains"), DeadlineError("late"), BrivasError("ended")):
        engine.lost("folder", error)
        engine.lost("webhooks", error)
    assert log.events == ["engine_away"]
    assert log.said[0][1]["why"] == "refused"


def test_it_is_back_when_every_controller_reaches_it(log: Recording) -> None:
    now = [100.0]
    engine = Reachability(log, lambda: now[0])
    engine.reached("folder")
    engine.lost("folder", UnreachableError("refused"))
    now[0] = 102.5
    engine.lost("webhooks", UnreachableError("refused"))
    engine.reached("folder")
    assert log.events == ["engine_away"]
    engine.reached("webhooks")
    engine.reached("folder")
    assert log.events == ["engine_away", "engine_back"]
    assert log.said[1][1] == {"after_seconds": 2.5}
    engine.lost("folder", UnreachableError("refused"))
    assert log.events[2:] == ["engine_away"], "another absence is said again"


def test_a_wrong_token_is_said_beside_the_absence(log: Recording) -> None:
    engine = Reachability(log)
    engine.lost("folder", UnreachableError("refused"))
    for _ in range(3):
        engine.lost("folder", UnauthenticatedError("unknown token", hint="check it"))
    assert log.events == ["engine_away", "engine_refuses_calls"]
    assert log.said[1][1] == {"why": "unknown token", "hint": "check it"}
