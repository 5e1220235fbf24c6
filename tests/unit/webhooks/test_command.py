"""`brivas webhooks`: what failed, and trying it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from brivas.cli.main import brivas
from brivas_gateways.webhooks.store import Configured, NewDelivery, Store

NOW = 1_700_000_000_000
CONFIGURED = Configured("hook", "acme", "https://a.test", "digest", None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    opened.add(1, [NewDelivery("hook", f"evt_{number}", f"m{number}", "message.sent", b"{}") for number in (1, 2)], NOW)
    opened.give_up(opened.due("hook", NOW, 1)[0], "answered 500", NOW)
    yield opened
    opened.close()


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(brivas, ["--data", str(data), "webhooks", *arguments])


def read(data: Path, *arguments: str) -> dict[str, Any]:
    result = run(data, *arguments, "--json")
    assert result.exit_code == 0, result.output
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def test_list_shows_every_webhook_that_is_configured_and_how_it_stands(store: Store, tmp_path: Path) -> None:
    store.configure([CONFIGURED, Configured("quiet", "acme", "https://b.test", "q", None)])
    hook, quiet = read(tmp_path, "list")["webhooks"]
    assert hook == {
        "webhook": "hook",
        "account": "acme",
        "url": "https://a.test",
        "state": "enabled",
        "pending": 1,
        "failed": 1,
        "last_success_at_ms": None,
        "last_error_at_ms": NOW,
        "last_error": "answered 500",
    }
    assert (quiet["webhook"], quiet["state"], quiet["pending"], quiet["last_error"]) == ("quiet", "enabled", 0, None)
    head, first, second = run(tmp_path, "list").stdout.splitlines()
    assert head.split() == ["webhook", "account", "state", "pending", "failed", "last", "success", "last", "error"]
    assert first.split() == [
        "hook",
        "acme",
        "enabled",
        "1",
        "1",
        "never",
        "2023-11-14",
        "22:13:20.000Z",
        "answered",
        "500",
    ]
    assert second.split() == ["quiet", "acme", "enabled", "0", "0", "never"]


def test_list_says_so_when_there_is_no_webhook(tmp_path: Path) -> None:
    assert read(tmp_path, "list") == {"webhooks": []}
    listed = run(tmp_path, "list")
    assert (listed.stdout, listed.exit_code) == ("", 0)
    assert "0 webhooks" in listed.stderr
    assert "Webhook in the configuration" in listed.stderr


def test_failed_are_listed_and_put_in_line_again(store: Store, tmp_path: Path) -> None:
    (failed,) = read(tmp_path, "failed")["failed"]
    assert (failed["event_id"], failed["reason"], failed["attempts"]) == ("evt_1", "answered 500", 1)
    assert "body" not in failed
    assert read(tmp_path, "failed", "--webhook", "other")["failed"] == []
    assert "answered 500" in run(tmp_path, "failed").stdout
    assert read(tmp_path, "retry", str(failed["id"]))["webhook"] == "hook"
    assert store.failed() == []
    assert len(store.due("hook", 2 * NOW, 10)) == 2


def test_what_is_not_there_is_an_error_with_a_hint(store: Store, tmp_path: Path) -> None:
    result = run(tmp_path, "retry", "99")
    assert result.exit_code == 1
    assert "99" in result.stderr
    assert "hint: `brivas webhooks failed`" in result.stderr
    assert run(tmp_path / "empty", "failed").exit_code == 1


def test_a_disabled_webhook_is_taken_into_use_again(store: Store, tmp_path: Path) -> None:
    store.configure([CONFIGURED])
    store.disable("hook", CONFIGURED.digest, "410", NOW)
    assert "disabled" in run(tmp_path, "list").stdout
    assert read(tmp_path, "enable", "hook") == {"webhook": "hook", "was_disabled": True}
    assert read(tmp_path, "enable", "hook") == {"webhook": "hook", "was_disabled": False}
