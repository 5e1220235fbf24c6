"""Options of a text, from HTTP and the command line to what is journaled for the carrier."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.up import Up

TO = "+447700900123"


def send(up: Up, **message: Any) -> httpx.Response:
    http = up.ready()["http"]
    headers = {"Authorization": f"Bearer {http['api_key']}"}
    body = {"to": TO, "from": "Brivas", **message}
    return httpx.post(f"{http['url']}/v1/messages", json=body, headers=headers, timeout=20.0)


@pytest.mark.parametrize(
    ("options", "data_coding"),
    [
        ({"text": "hi"}, 0x00),
        ({"text": "hi", "encoding": "gsm7"}, 0x00),
        ({"text": "hï", "encoding": "latin1"}, 0x03),
        ({"text": "hi", "encoding": "ucs2"}, 0x08),
        ({"text": "hi", "flash": True}, 0xF0),
        ({"text": "hi", "flash": True, "encoding": "ucs2"}, 0x18),
        ({"text": "“hi”", "encoding": "gsm7", "transliterate": True}, 0x00),
        ({"data": "00ff", "encoding": "binary"}, 0x04),
        ({"data": "00ff", "flash": True}, 0xF4),
    ],
)
def test_a_text_goes_as_it_is_asked_for(brivas_up: Up, options: dict[str, Any], data_coding: int) -> None:
    answer = send(brivas_up, **options)
    assert answer.status_code == 202, answer.text
    shown = brivas_up.json("messages", "show", answer.json()["id"])
    assert shown["data_coding"] == data_coding
    told = options.get("text")
    assert shown["text"] == (told.replace("“", '"').replace("”", '"') if told else None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text": "5 €", "encoding": "latin1"}, "encoding latin1 lacks '€', at octet 2"),
        ({"text": "“hi”", "encoding": "gsm7", "transliterate": False}, "encoding gsm7 lacks '“', at octet 0"),
        ({"text": "hi", "encoding": "latin1", "flash": True}, "encoding latin1 has no message class"),
    ],
)
def test_what_cannot_be_written_so_is_refused_by_what_it_lacks(
    brivas_up: Up, options: dict[str, Any], said: str
) -> None:
    answer = send(brivas_up, **options)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]


def test_the_command_line_has_the_same_options(brivas_up: Up) -> None:
    common = ("send", "--to", TO, "--from", "Brivas")
    for options, data_coding in [
        (("--text", "hi", "--encoding", "ucs2"), 8),
        (("--text", "hi", "--flash"), 0xF0),
        (("--data", "00ff"), 4),
    ]:
        sent = brivas_up.json(*common, *options)
        assert brivas_up.json("messages", "show", sent["id"])["data_coding"] == data_coding
    refused = brivas_up.run(*common, "--text", "5 €", "--encoding", "latin1")
    assert refused.returncode != 0
    assert "encoding latin1 lacks '€'" in refused.stderr
    assert "hint: ucs2 has every character" in refused.stderr
