"""Kind Carrier: an SMSC that we bind to and send through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.account import SystemId
from brivas.resources.base import Fault, Part, Resource, SecretUse, Tag
from brivas.resources.secret import SecretRef
from brivas.resources.text import DefaultAlphabet, LongMessages

HOUR_MS = 3_600_000


class CarrierSpec(Part, frozen=True):
    """Where the SMSC is, how to bind, and how fast to go."""

    host: Annotated[
        str, Meta(pattern=r"^[^\s/:]{1,253}$|^[0-9a-fA-F:]{2,45}$", description="Host name or address of the SMSC.")
    ]
    system_id: Annotated[SystemId, Meta(description="Name to bind with.")]
    port: Annotated[int, Meta(ge=1, le=65_535, description="TCP port of the SMSC.")] = 2775
    password: SecretRef | None = None
    system_type: Annotated[
        str, Meta(pattern=r"^[\x20-\x7e]{0,12}$", description="Up to 12 ASCII characters (SMPP 3.4 §4.1.1).")
    ] = ""
    bind_mode: Annotated[
        Literal["transceiver", "transmitter", "receiver"], Meta(description="Which bind to ask for.")
    ] = "transceiver"
    interface_version: Annotated[
        Literal["3.3", "3.4", "5.0"],
        Meta(description="SMPP version to bind with. A carrier of 3.3 is sent no TLVs; no other version is tried."),
    ] = "3.4"
    address_range: Annotated[
        str, Meta(pattern=r"^[\x20-\x7e]{0,40}$", description="Whose messages a receiver wants (SMPP 3.4 §5.2.7).")
    ] = ""
    addr_ton: Annotated[int, Meta(ge=0, le=255, description="TON of addressRange.")] = 0
    addr_npi: Annotated[int, Meta(ge=0, le=255, description="NPI of addressRange.")] = 0
    binds: Annotated[int, Meta(ge=1, le=1_000, description="Connections to hold.")] = 1
    window_max: Annotated[int, Meta(ge=1, le=10_000, description="Unanswered requests a bind.")] = 10
    window_min: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description=(
                "The window follows the round trip between this and windowMax: what would only stand in the carrier's"
                " queue stays in ours. 0 keeps it at windowMax."
            ),
        ),
    ] = 1
    throughput_per_second: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description=(
                "Messages a second over all binds; 0 means no limit. A carrier that throttles is sent less by itself."
            ),
        ),
    ] = 0
    enquire_link_ms: Annotated[
        int, Meta(ge=100, le=HOUR_MS, description="Milliseconds of silence before enquire_link.")
    ] = 30_000
    response_timeout_ms: Annotated[int, Meta(ge=100, le=HOUR_MS, description="Milliseconds to wait for an answer.")] = (
        30_000
    )
    reconnect_initial_ms: Annotated[
        int, Meta(ge=10, le=HOUR_MS, description="Milliseconds before the first new try to connect.")
    ] = 1_000
    reconnect_max_ms: Annotated[int, Meta(ge=10, le=HOUR_MS, description="Milliseconds between tries, at most.")] = (
        60_000
    )
    queue_max: Annotated[
        int, Meta(ge=1, le=100_000_000, description="Messages that may wait; beyond it ESME_RMSGQFUL.")
    ] = 100_000
    retry_initial_ms: Annotated[
        int, Meta(ge=10, le=24 * HOUR_MS, description="Milliseconds before a message is tried again.")
    ] = 5_000
    retry_max_ms: Annotated[
        int, Meta(ge=10, le=24 * HOUR_MS, description="Milliseconds between tries of a message, at most.")
    ] = 300_000
    long_messages: Annotated[
        LongMessages,
        Meta(
            description="How long messages travel to it: as the customer sent them, in parts (`udh8`, `udh16`, `sar`), "
            "or whole in message_payload.",
        ),
    ] = "asSent"
    default_alphabet: Annotated[DefaultAlphabet, Meta(description="What data_coding 0 means there.")] = "gsm"
    tags: Annotated[
        tuple[Tag, ...], Meta(max_length=64, description="Marks of the messages that come from it, for conditions.")
    ] = ()


class Carrier(Resource, frozen=True):
    """An SMSC that we bind to."""

    kind_name: ClassVar[str] = "Carrier"

    kind: Annotated[Literal["Carrier"], Meta(description="Always `Carrier`.")]
    spec: CarrierSpec

    def secrets(self) -> Iterable[SecretUse]:
        """The password to bind with."""
        if self.spec.password is not None:
            yield SecretUse(("spec", "password"), self.spec.password)

    def faults(self) -> Iterable[Fault]:
        """A backoff starts below where it ends, and so does a window."""
        spec = self.spec
        if spec.window_min > spec.window_max:
            yield Fault(
                ("spec", "windowMin"),
                f"windowMin {spec.window_min} is above windowMax {spec.window_max}",
                "windowMin 0 keeps the window at windowMax",
            )
        if spec.reconnect_initial_ms > spec.reconnect_max_ms:
            yield Fault(
                ("spec", "reconnectInitialMs"),
                f"reconnectInitialMs {spec.reconnect_initial_ms} is above reconnectMaxMs {spec.reconnect_max_ms}",
                "the first pause is the shortest",
            )
        if spec.retry_initial_ms > spec.retry_max_ms:
            yield Fault(
                ("spec", "retryInitialMs"),
                f"retryInitialMs {spec.retry_initial_ms} is above retryMaxMs {spec.retry_max_ms}",
                "the first pause is the shortest",
            )
