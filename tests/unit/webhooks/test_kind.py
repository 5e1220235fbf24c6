"""Kind Webhook: what is refused, and by which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from brivas.events import EventName
from brivas.resources.config import load_folder
from brivas.resources.kinds import installed_kinds
from brivas.resources.problem import ConfigRefusedError
from brivas_gateways.webhooks.kind import Webhook

ACCOUNT = "apiVersion: brivas.io/v1\nkind: Account\nmetadata: {name: acme}\nspec: {}\n"
WEBHOOK = """---
apiVersion: brivas.io/v1
kind: Webhook
metadata: {{name: receipts}}
spec:
  account: {account}
  url: {url}
  secret: {{env: THE_SECRET}}
  {more}
"""
ENVIRONMENT = {"THE_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def load(folder: Path, url: str = "https://example.com/in", account: str = "acme", more: str = "") -> Webhook:
    (folder / "all.yaml").write_text(ACCOUNT + WEBHOOK.format(url=url, account=account, more=more))
    return load_folder(folder, environment=ENVIRONMENT).of(Webhook)[0]


def test_the_kind_is_installed_and_has_defaults(tmp_path: Path) -> None:
    assert installed_kinds()["Webhook"] is Webhook
    webhook = load(tmp_path)
    assert webhook.event_names == {EventName.DELIVERED, EventName.FAILED, EventName.INCOMING}
    assert webhook.spec.retry.max_age_seconds == 259_200


@pytest.mark.parametrize("name", list(EventName))
def test_every_event_can_be_asked_for(tmp_path: Path, name: EventName) -> None:
    assert load(tmp_path, more=f"events: [{name.value}]").event_names == {name}


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/in?a=1",
        "https://10.0.0.1:8443/",
        "http://127.0.0.1:1/x",
        "http://localhost:80",
        '"http://[::1]:8/"',
    ],
)
def test_https_and_this_machine_are_taken(tmp_path: Path, url: str) -> None:
    load(tmp_path, url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/in", "allowInsecure"),
        ("http://10.0.0.1/", "use https"),
        ("http://127.0.0.1.example.com/", "use https"),
        ("ftp://example.com/", "not an http(s) URL"),
        ("file:///etc/passwd", "not an http(s) URL"),
        ("https:///path", "not an http(s) URL"),
        ("https://user:word@example.com/", "credentials"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com:70000/", "not a URL"),
    ],
)
def test_other_urls_are_refused(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(ConfigRefusedError) as caught:
        load(tmp_path, url)
    assert words in caught.value.message
    assert "$.spec.url" in caught.value.message


def test_an_insecure_url_is_taken_when_it_is_allowed(tmp_path: Path) -> None:
    load(tmp_path, "http://example.com/in", more="allowInsecure: true")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"account": "nobody"}, "no Account has this name"),
        ({"more": "events: [message.lost]"}, "message.lost"),
        ({"more": "retry: {initialMs: 5000, maxMs: 100}"}, "the first pause is the shortest"),
    ],
)
def test_other_mistakes_are_named(tmp_path: Path, change: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigRefusedError) as caught:
        load(tmp_path, **change)
    assert words in caught.value.message
