"""Kind Carrier: an SMSC that we send through: we bind to it, or it binds to us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.account import SYSTEM_ID_LENGTH_MAX, PasswordHash
from brivas.resources.base import Claim, Fault, Part, Resource, SecretReader, SecretUse, Tag
from brivas.resources.network import NETWORKS_MAX, Network, network_faults
from brivas.resources.secret import SecretRef
from brivas.resources.text import DefaultAlphabet, LongMessages

HOUR_MS = 3_600_000
PASSWORD_LENGTH_MAX = 8
"""SMPP 3.4 §4.1.1: 9 octets with the NUL."""
LONG_CREDENTIAL_LENGTH_MAX = 64
"""No carrier is known that gives longer ones."""

CarrierSystemId = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,64}$")]

Unanswered = Literal["requeue", "hold", "fail"]


class CarrierQuirks(Part, frozen=True):
    """How the carrier's receipts depart from the specification. What is not said here is learned."""

    message_ids: Annotated[
        Literal["auto", "same", "case", "zeros", "hexToDecimal", "decimalToHex", "dashes"],
        Meta(
            description=(
                "How the id in a receipt comes from the id in submit_sm_resp: the same, in other letters, with other"
                " zeros in front, in decimal instead of hexadecimal or the reverse, without a UUID's dashes;"
                " auto learns."
            )
        ),
    ] = "auto"
    plain_receipts: Annotated[
        Literal["auto", "always", "never"],
        Meta(
            description=(
                "Receipts without the esm_class that says so: taken where they name a message that waits (auto),"
                " always, or never."
            )
        ),
    ] = "auto"
    receipt_zone_minutes: Annotated[
        Annotated[int, Meta(ge=-720, le=840)] | None,
        Meta(description="Minutes that the dates in receipts are ahead of UTC; without it they are learned."),
    ] = None
    accepted_is_final: Annotated[
        bool,
        Meta(description="ACCEPTD ends a message; else a better state is waited for as long as the message is valid."),
    ] = False


class CarrierTls(Part, frozen=True):
    """TLS to the carrier; certificates and keys in PEM."""

    ca: (
        Annotated[
            SecretRef,
            Meta(description="Who may have signed the carrier's certificate; without it, whom the system trusts."),
        ]
        | None
    ) = None
    server_name: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9.:_-]{1,253}$",
                description="Whose certificate it must be; without it, that of `host`.",
            ),
        ]
        | None
    ) = None
    client_certificate: (
        Annotated[SecretRef, Meta(description="Our certificate's chain, if the carrier asks for one.")] | None
    ) = None
    client_key: Annotated[SecretRef, Meta(description="Our certificate's private key.")] | None = None


class CarrierSpec(Part, frozen=True):
    """Where the SMSC is, how to bind, and how fast to go."""

    system_id: Annotated[
        CarrierSystemId,
        Meta(
            description=(
                "Name to bind with: 1 to 15 printable ASCII characters without spaces (SMPP 3.4 §4.1.1); with"
                " longCredentials up to 64."
            )
        ),
    ]
    host: (
        Annotated[
            str,
            Meta(
                pattern=r"^[^\s/:]{1,253}$|^[0-9a-fA-F:]{2,45}$",
                description="Host name or address of the SMSC; needed where we connect to it.",
            ),
        ]
        | None
    ) = None
    port: Annotated[int, Meta(ge=1, le=65_535, description="TCP port of the SMSC.")] = 2775
    password: SecretRef | None = None
    long_credentials: Annotated[
        bool,
        Meta(
            description=(
                "The carrier has given a systemId or password longer than SMPP allows (15 and 8 characters): up to 64"
                " each are sent."
            )
        ),
    ] = False
    tls: (
        Annotated[
            CarrierTls, Meta(description="TLS 1.2 and 1.3 to the carrier; `tls: {}` trusts whom the system does.")
        ]
        | None
    ) = None
    direction: Annotated[
        Literal["outbound", "inbound"],
        Meta(description="Who connects: we, or the carrier. An inbound one binds to us, or asks us to by outbind."),
    ] = "outbound"
    password_hash: PasswordHash | SecretRef | None = None
    addresses: Annotated[
        tuple[Network, ...],
        Meta(max_length=NETWORKS_MAX, description="Inbound: networks that it may connect from; none given: all."),
    ] = ()
    binds_max: Annotated[int, Meta(ge=1, le=1_000, description="Inbound: binds that it may have at the same time.")] = 8
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
    on_timeout: Annotated[
        Unanswered,
        Meta(
            description=(
                "A message whose response does not come in time is sent again (requeue; it may come twice), waits for a"
                " late response or a receipt (hold), or ends as undeliverable (fail)."
            )
        ),
    ] = "requeue"
    on_disconnect: Annotated[
        Unanswered, Meta(description="The same for messages that were unanswered when the connection was lost.")
    ] = "requeue"
    quirks: CarrierQuirks = CarrierQuirks()
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
    """An SMSC that we send through."""

    kind_name: ClassVar[str] = "Carrier"

    kind: Annotated[Literal["Carrier"], Meta(description="Always `Carrier`.")]
    spec: CarrierSpec

    def claims(self) -> Iterable[Claim]:
        """Who binds to us with a system_id must be one."""
        if self.spec.direction == "inbound":
            yield Claim(("spec", "systemId"), "systemId", self.spec.system_id)

    def secrets(self) -> Iterable[SecretUse]:
        """The password to bind with, that of its own binds, certificates and keys."""
        if self.spec.password is not None:
            yield SecretUse(("spec", "password"), self.spec.password)
        if isinstance(self.spec.password_hash, SecretRef):
            yield SecretUse(("spec", "passwordHash"), self.spec.password_hash)
        tls = self.spec.tls
        if tls is not None:
            for field, secret in (
                ("ca", tls.ca),
                ("clientCertificate", tls.client_certificate),
                ("clientKey", tls.client_key),
            ):
                if secret is not None:
                    yield SecretUse(("spec", "tls", field), secret)

    def secret_faults(self, read: SecretReader) -> Iterable[Fault]:
        """The password is no longer than is sent; certificates and keys are such, and belong together."""
        spec = self.spec
        if spec.password is not None:
            allowed = LONG_CREDENTIAL_LENGTH_MAX if spec.long_credentials else PASSWORD_LENGTH_MAX
            length = len(read(spec.password).reveal().encode())
            if length > allowed and spec.long_credentials:
                yield Fault(("spec", "password"), f"the password has {length} octets: at most {allowed} are sent")
            elif length > allowed:
                yield Fault(
                    ("spec", "password"),
                    f"the password has {length} octets: SMPP allows {allowed} (3.4 §4.1.1)",
                    "if the carrier gave you this one, say `longCredentials: true`",
                )
        if spec.tls is not None:
            # It needs the extension: whoever has no TLS does not load it.
            from brivas.resources.tls import carrier_faults

            yield from carrier_faults(spec.tls, spec.host or "", read)

    def faults(self) -> Iterable[Fault]:
        """A backoff starts below where it ends, and so does a window; who connects decides what else is needed."""
        spec = self.spec
        yield from network_faults(("spec", "addresses"), spec.addresses)
        yield from self._connection_faults()
        if len(spec.system_id) > SYSTEM_ID_LENGTH_MAX and not spec.long_credentials:
            yield Fault(
                ("spec", "systemId"),
                f"systemId has {len(spec.system_id)} characters: SMPP allows {SYSTEM_ID_LENGTH_MAX} (3.4 §4.1.1)",
                "if the carrier gave you this one, say `longCredentials: true`",
            )
        if spec.window_min > spec.window_max:
            yield Fault(
                ("spec", "windowMin"),
                f"windowMin {spec.window_min} is above windowMax {spec.window_max}",
                "windowMin 0 keeps the window at windowMax",
            )
        if spec.interface_version == "3.3" and spec.long_messages in ("sar", "payload"):
            yield Fault(
                ("spec", "longMessages"),
                f"longMessages {spec.long_messages} needs TLVs, which interfaceVersion 3.3 has not",
                "with asSent it gets long messages as udh8",
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

    def _connection_faults(self) -> Iterable[Fault]:
        spec = self.spec
        if spec.direction == "outbound":
            if spec.host is None:
                yield Fault(("spec", "host"), "`host` is missing", "add `host:` (host name or address of the SMSC)")
            if spec.password_hash is not None:
                message = "`passwordHash` is for carriers that connect to us"
                yield Fault(("spec", "passwordHash"), message, "`password` is what we bind with")
            if spec.addresses:
                message = "`addresses` is for carriers that connect to us"
                yield Fault(("spec", "addresses"), message, "leave it out, or say `direction: inbound`")
        else:
            if spec.password_hash is None:
                message = "direction inbound needs `passwordHash`"
                yield Fault(("spec", "direction"), message, "add the argon2id hash of the password it binds with")
            if spec.tls is not None:
                message = "`tls` is for carriers that we connect to"
                yield Fault(("spec", "tls"), message, "the Listener that it connects to has the TLS")
        tls = spec.tls
        if tls is not None and (tls.client_certificate is None) != (tls.client_key is None):
            given, missing = (
                ("clientCertificate", "clientKey") if tls.client_certificate else ("clientKey", "clientCertificate")
            )
            yield Fault(("spec", "tls", given), f"`{given}` stands without `{missing}`", f"add `{missing}`")
