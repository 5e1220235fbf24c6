"""How webhooks stand, as another process reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brivas.log import Log
from brivas.resources.config import load_folder
from brivas_gateways.webhooks.standing import Standing, read_standings
from brivas_gateways.webhooks.store import Configured, NewDelivery, Store
from brivas_gateways.webhooks.subscription import subscriptions_of

NOW = 1_700_000_000_000


def configured(name: str, digest: str = "d", unusable: str | None = None) -> Configured:
    return Configured(name, "acme", f"https://{name}.test", digest, unusable)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def add(store: Store, webhook: str, number: int = 1) -> None:
    store.add(number, [NewDelivery(webhook, f"evt_{number}", f"m{number}", "message.sent", b"{}")], NOW)


def states(data: Path) -> dict[str, str]:
    return {each.webhook: each.state for each in read_standings(data)}


def test_nothing_was_ever_stored(tmp_path: Path) -> None:
    assert read_standings(tmp_path) == []


def test_the_last_success_and_the_last_error_are_kept(store: Store, tmp_path: Path) -> None:
    store.configure([configured("w")])
    add(store, "w")
    store.postpone(store.due("w", NOW, 1)[0], "answered 500", NOW + 1, NOW + 2)
    store.done(store.due("w", NOW + 2, 1)[0], NOW + 3)
    expected = Standing("w", "acme", "https://w.test", "enabled", 0, 0, NOW + 3, NOW + 1, "answered 500")
    assert read_standings(tmp_path) == [expected]
    add(store, "w", 2)
    store.give_up(store.due("w", NOW, 1)[0], "no answer", NOW + 4)
    (found,) = read_standings(tmp_path)
    assert (found.failed, found.last_success_at_ms, found.last_error_at_ms) == (1, NOW + 3, NOW + 4)
    assert found.last_error == "no answer"


def test_each_state_is_told(store: Store, tmp_path: Path) -> None:
    store.configure([configured("a"), configured("b"), configured("c", unusable="no key"), configured("gone")])
    store.disable("b", "d", "the receiver answered 410", NOW)
    add(store, "gone")
    assert states(tmp_path) == {"a": "enabled", "b": "disabled", "c": "unusable", "gone": "enabled"}
    assert [each.last_error for each in read_standings(tmp_path)] == [None, "the receiver answered 410", "no key", None]
    store.give_up_all("gone", "the Webhook was removed", NOW)
    store.configure([configured("a"), configured("b", digest="another")])
    assert states(tmp_path) == {"a": "enabled", "b": "enabled", "gone": "removed"}


def test_what_is_configured_comes_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "good.key").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (tmp_path / "bad.key").write_text("whsec_!")
    account = "apiVersion: brivas.io/v1\nkind: Account\nmetadata: {name: acme}\nspec: {}\n"
    webhook = (
        "---\napiVersion: brivas.io/v1\nkind: Webhook\nmetadata: {name: NAME}\n"
        "spec: {account: acme, url: 'https://x.test', secret: {file: NAME.key}}\n"
    )
    text = account + webhook.replace("NAME", "good") + webhook.replace("NAME", "bad")
    (tmp_path / "config.yaml").write_text(text)
    subscriptions = subscriptions_of(load_folder(tmp_path), Log("test"))
    found = {each.webhook: each for each in subscriptions.configured}
    assert found["good"].unusable is None
    assert found["good"].digest == subscriptions.active["good"].digest
    assert found["bad"].unusable is not None
