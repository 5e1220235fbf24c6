"""Kind Webhook: where an account's events are posted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta

from brivas.events import EventName
from brivas.resources.base import Fault, Name, Part, Reference, Resource, SecretUse
from brivas.resources.secret import SecretRef

DAY_SECONDS: Final = 86_400


class RetrySpec(Part, frozen=True):
    """When a failed delivery is tried again: pauses that double, with jitter, until it is too old."""

    initial_ms: Annotated[int, Meta(ge=10, le=3_600_000, description="Milliseconds before the first new try.")] = 5_000
    max_ms: Annotated[int, Meta(ge=10, le=86_400_000, description="Milliseconds between tries, at most.")] = 3_600_000
    max_age_seconds: Annotated[
        int, Meta(ge=1, le=30 * DAY_SECONDS, description="How long to try; then it is kept as failed.")
    ] = 3 * DAY_SECONDS


class WebhookSpec(Part, frozen=True):
    """Whose events, which ones, where to, and how."""

    account: Annotated[Name, Meta(description="Name of the Account whose events are sent.")]
    url: Annotated[str, Meta(max_length=2048, description="Where to post: https, or http to this machine.")]
    secret: SecretRef
    events: Annotated[
        tuple[
            Literal[
                "message.accepted",
                "message.sent",
                "message.attempt_failed",
                "message.delivered",
                "message.failed",
                "message.incoming",
            ],
            ...,
        ],
        Meta(min_length=1, max_length=16, description="Names of the events to send."),
    ] = ("message.delivered", "message.failed", "message.incoming")
    timeout_ms: Annotated[int, Meta(ge=100, le=60_000, description="Milliseconds a receiver may take.")] = 15_000
    concurrency_max: Annotated[int, Meta(ge=1, le=256, description="Deliveries at the same time.")] = 16
    retry: RetrySpec = RetrySpec()
    allow_insecure: Annotated[
        bool, Meta(description="Take an http URL of another machine too: anyone on the way can read the messages.")
    ] = False


class Webhook(Resource, frozen=True):
    """Posts an account's events to a URL, signed by the Standard Webhooks specification."""

    kind_name: ClassVar[str] = "Webhook"

    kind: Annotated[Literal["Webhook"], Meta(description="Always `Webhook`.")]
    spec: WebhookSpec

    def references(self) -> Iterable[Reference]:
        """The account."""
        yield Reference(("spec", "account"), "Account", self.spec.account)

    def secrets(self) -> Iterable[SecretUse]:
        """The key of the signature."""
        yield SecretUse(("spec", "secret"), self.spec.secret)

    def faults(self) -> Iterable[Fault]:
        """The URL is one that may be called, and the pauses make sense."""
        fault = _url_fault(self.spec.url, allow_insecure=self.spec.allow_insecure)
        if fault is not None:
            yield Fault(("spec", "url"), *fault)
        retry = self.spec.retry
        if retry.initial_ms > retry.max_ms:
            yield Fault(
                ("spec", "retry", "initialMs"),
                f"initialMs {retry.initial_ms} is above maxMs {retry.max_ms}",
                "the first pause is the shortest",
            )

    @property
    def event_names(self) -> frozenset[EventName]:
        """The events to send."""
        return frozenset(EventName(name) for name in self.spec.events)


def _url_fault(url: str, *, allow_insecure: bool) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"not a URL: {error}", "for example https://example.com/brivas"
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        return "not an http(s) URL with a host", "for example https://example.com/brivas"
    if parts.username is not None or parts.password is not None:
        return "a URL with credentials in it", "receivers know us by the signature; leave user and password out"
    if parts.fragment:
        return "a URL with a fragment", f"leave out #{parts.fragment}"
    if parts.scheme == "http" and not allow_insecure and not _loopback(parts):
        return "http to another machine", "use https, or set allowInsecure: true"
    return None


def _loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
