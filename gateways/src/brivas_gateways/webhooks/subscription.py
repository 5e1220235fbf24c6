"""The webhooks in force, ready for use, and a way to wait until they change."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from brivas.errors import ConfigError
from brivas.events import EventName, journal_kinds
from brivas.log import Log
from brivas.resources.config import Config
from brivas_gateways.webhooks.kind import RetrySpec, Webhook
from brivas_gateways.webhooks.signature import SigningKey
from brivas_gateways.webhooks.store import Configured


@dataclass(frozen=True, slots=True)
class Subscription:
    """One webhook with its key."""

    name: str
    account: str
    url: str
    events: frozenset[EventName]
    key: SigningKey
    timeout_ms: int
    concurrency_max: int
    retry: RetrySpec
    digest: str
    """Of the specification: another one ends a disablement."""


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """All of one configuration."""

    active: Mapping[str, Subscription]
    known: frozenset[str]
    """Names of all webhooks, those too whose secret cannot be used."""
    configured: tuple[Configured, ...] = ()
    """All webhooks, for who asks how they stand."""

    def wanting(self, account: str, name: EventName) -> Iterable[Subscription]:
        """Those that asked for an event of an account."""
        return (each for each in self.active.values() if each.account == account and name in each.events)

    def journal_kinds(self) -> tuple[str, ...]:
        """Which events of the journal are needed at all."""
        return journal_kinds(name for each in self.active.values() for name in each.events)

    def accounts(self) -> tuple[str, ...]:
        """Whose events are needed at all."""
        return tuple(sorted({each.account for each in self.active.values()}))


class SubscriptionView:
    """The subscriptions in force. For one event loop."""

    def __init__(self) -> None:
        self._current = Subscriptions(MappingProxyType({}), frozenset())
        self._version = 0
        self._changed = asyncio.Condition()

    @property
    def current(self) -> Subscriptions:
        """Those in force."""
        return self._current

    @property
    def version(self) -> int:
        """Counts changes."""
        return self._version

    async def replace(self, subscriptions: Subscriptions) -> None:
        """Puts others in force."""
        async with self._changed:
            self._current = subscriptions
            self._version += 1
            self._changed.notify_all()

    async def wait_newer(self, version: int) -> None:
        """Returns once the version is above `version`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._version > version)


def subscriptions_of(config: Config, log: Log) -> Subscriptions:
    """The webhooks of a configuration. One whose secret cannot be used is left out, and said so."""
    active: dict[str, Subscription] = {}
    configured: list[Configured] = []
    for webhook in config.of(Webhook):
        unusable = None
        try:
            active[webhook.name] = _subscription(config, webhook)
        except ConfigError as error:
            unusable = error.message
            log.error("webhook_unusable", webhook=webhook.name, why=error.message, hint=error.hint)
        spec = webhook.spec
        configured.append(Configured(webhook.name, spec.account, spec.url, _digest(webhook), unusable))
    return Subscriptions(MappingProxyType(active), frozenset(each.webhook for each in configured), tuple(configured))


def _subscription(config: Config, webhook: Webhook) -> Subscription:
    spec = webhook.spec
    return Subscription(
        name=webhook.name,
        account=spec.account,
        url=spec.url,
        events=webhook.event_names,
        key=SigningKey(config.secret(spec.secret)),
        timeout_ms=spec.timeout_ms,
        concurrency_max=spec.concurrency_max,
        retry=spec.retry,
        digest=_digest(webhook),
    )


def _digest(webhook: Webhook) -> str:
    return hashlib.sha256(msgspec.json.encode(webhook.spec, order="deterministic")).hexdigest()
