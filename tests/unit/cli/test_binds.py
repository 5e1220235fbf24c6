"""How binds are shown."""

from __future__ import annotations

import pytest

from brivas.cli.binds import bind_as_dict, print_binds
from brivas.v1 import control_pb2


def test_a_bind_that_never_was_up_has_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = bind_as_dict(control_pb2.Bind(side="carrier", name="one", state="waiting", last_error="[Errno 111] no"))
    assert waiting["since_ms"] is None
    print_binds([waiting])
    printed = capsys.readouterr()
    assert "never" in printed.out
    assert "1970" not in printed.out
    assert "[Errno 111] no" in printed.out, "nothing is taken for markup"
    assert printed.err == "1 bind\n"
