"""How events are shown on the command line."""

from __future__ import annotations

import pytest

from brivas.cli.events import event_as_dict, line
from brivas.v1 import events_pb2


@pytest.mark.parametrize(
    ("state", "error", "shown"),
    [
        (events_pb2.MESSAGE_STATE_DELIVERED, "000", None),
        (events_pb2.MESSAGE_STATE_ACCEPTED, "000", None),
        (events_pb2.MESSAGE_STATE_UNDELIVERABLE, "045", "045"),
        (events_pb2.MESSAGE_STATE_EXPIRED, "", None),
    ],
)
def test_only_a_message_that_failed_shows_an_error(
    state: events_pb2.MessageState.ValueType, error: str, shown: str | None
) -> None:
    event = events_pb2.Event(final=events_pb2.Final(state=state, carrier="one", error=error))
    found = event_as_dict(event)
    assert found["error"] == shown
    assert ("error=" in line({"at_ms": 0, **found})) == (shown is not None)
