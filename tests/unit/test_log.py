"""Logs hide what must not be read, by its type."""

from __future__ import annotations

import json

import pytest

from brivas.log import Log, MessageText, Msisdn
from brivas.resources.secret import Secret


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_numbers_and_texts_never_reach_a_log(
    style: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRIVAS_LOG_FORMAT", style)
    hidden = {"key": Secret("hunter2"), "to": Msisdn("491701234567"), "text": MessageText("meet me at nine")}
    Log("test").warning("something_happened", **hidden, several=[Secret("hunter2"), Msisdn("491701234567")], count=3)
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "something_happened" in line
    assert "4917..(12 digits)" in line
    for each in ("hunter2", "1234567", "meet"):
        assert each not in line


def test_json_logs_are_one_object_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BRIVAS_LOG_FORMAT", "json")
    Log("test").info("started", why='two\nlines "quoted"', ports={"a": 1}, none=None)
    entry = json.loads(capsys.readouterr().err)
    assert (entry["process"], entry["level"], entry["event"]) == ("test", "info", "started")
    assert entry["why"] == 'two\nlines "quoted"'


def test_text_logs_keep_each_event_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Log("test").error("failed", why="two\nlines")
    assert capsys.readouterr().err.count("\n") == 1
