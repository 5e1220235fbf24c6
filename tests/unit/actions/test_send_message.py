"""What a refusal of the engine is to a caller: later, elsewhere, or never like this."""

from __future__ import annotations

import pytest

from brivas.actions.send_message import refusal
from brivas.errors import BusyError, CallError, InvalidError, UnavailableError
from brivas.v1 import messaging_pb2


@pytest.mark.parametrize(
    ("command_status", "error"),
    [(0x08, UnavailableError), (0x14, BusyError), (0x58, BusyError), (0x0B, InvalidError), (0x62, InvalidError)],
    ids=["RSYSERR", "RMSGQFUL", "RTHROTTLED", "RINVDSTADR", "RINVEXPIRY"],
)
def test_a_status_that_may_pass_later_is_not_the_callers_fault(command_status: int, error: type[CallError]) -> None:
    result = messaging_pb2.SubmitResult(command_status=command_status, error="refused", hint="a hint")
    found = refusal(result)
    assert type(found) is error
    assert found.hint == "a hint"
