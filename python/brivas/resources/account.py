"""Kind Account: a customer, who binds by SMPP and calls the APIs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import Claim, Fault, Name, Part, Resource, SecretUse, Tag
from brivas.resources.network import NETWORKS_MAX, Network, network_faults
from brivas.resources.secret import SecretRef
from brivas.resources.text import DefaultAlphabet, Language, LongMessages

SYSTEM_ID_LENGTH_MAX = 15
"""SMPP 3.4 §4.1.1: 16 octets with the NUL."""

SystemId = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e]{1,15}$",
        description="1 to 15 printable ASCII characters without spaces (SMPP 3.4 §4.1.1).",
    ),
]
PasswordHash = Annotated[
    str,
    Meta(
        pattern=r"^\$argon2id\$v=19\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$",
        max_length=512,
        description="An argon2id hash in PHC form, `$argon2id$v=19$m=...`; never the password itself.",
        extra={"secret": True},
    ),
]


class AccountApiKey(Part, frozen=True):
    """A key for gRPC and HTTP. Only its hash is kept."""

    name: Annotated[Name, Meta(description="To tell the keys of an account apart.")]
    sha256: Annotated[
        str,
        Meta(
            pattern=r"^[0-9a-f]{64}$",
            description="SHA-256 of the whole key: 64 lower-case hexadecimal digits.",
            extra={"secret": True},
        ),
    ]


class AccountSpec(Part, frozen=True):
    """Who the customer is, and how much they may send."""

    system_id: (
        Annotated[SystemId, Meta(description="Name to bind with. Without it the account cannot bind.")] | None
    ) = None
    password_hash: PasswordHash | SecretRef | None = None
    authentication: Annotated[
        Literal["password", "certificate", "both"],
        Meta(
            description="What a bind must show. `certificate`: by TLS, a client certificate that has the systemId as"
            " its common name or DNS name; then no password is looked at."
        ),
    ] = "password"
    addresses: Annotated[
        tuple[Network, ...],
        Meta(max_length=NETWORKS_MAX, description="Networks that may bind; none given: all."),
    ] = ()
    api_keys: Annotated[tuple[AccountApiKey, ...], Meta(max_length=64, description="Keys for gRPC and HTTP.")] = ()
    binds_max: Annotated[int, Meta(ge=0, le=10_000, description="Binds at the same time.")] = 8
    window_max: Annotated[
        int, Meta(ge=1, le=10_000, description="Unanswered requests a bind may have, in each direction.")
    ] = 100
    throughput_per_second: Annotated[
        int, Meta(ge=0, le=10_000_000, description="Messages a second; 0 means no throttle.")
    ] = 0
    durability: Annotated[
        Literal["disk", "memory"],
        Meta(description="What must hold before an answer: `disk` (fdatasync), or `memory` (survives a crash only)."),
    ] = "disk"
    open_messages_max: Annotated[
        int, Meta(ge=1, le=100_000_000, description="Messages that may be open at once; beyond it ESME_RMSGQFUL.")
    ] = 1_000_000
    validity_default_seconds: Annotated[
        int, Meta(ge=1, le=2_592_000, description="Validity of messages that name none.")
    ] = 86_400
    validity_max_seconds: Annotated[
        int,
        Meta(ge=0, le=31_104_000, description="A longer validity is shortened to this; 0 means no maximum."),
    ] = 0
    schedule_max_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=31_104_000,
            description="How far ahead a message may be scheduled; 0 refuses all with ESME_RINVSCHED.",
        ),
    ] = 2_592_000
    senders_allowed: Annotated[
        Literal["any", "listed"],
        Meta(description="Source addresses it may use: any, or only its Senders'; others get ESME_RINVSRCADR."),
    ] = "any"
    incoming: Annotated[
        Literal["smpp", "webhook"],
        Meta(description="Where incoming messages go: to a bind, or to the account's webhooks only."),
    ] = "smpp"
    deliver_by: Annotated[
        Literal["deliver_sm", "data_sm"],
        Meta(description="By which PDU receipts and incoming messages go to its binds; `data_sm` from version 3.4 on."),
    ] = "deliver_sm"
    delivery_retention_seconds: Annotated[
        int, Meta(ge=1, le=2_592_000, description="How long a receipt or an incoming message waits to be taken.")
    ] = 259_200
    long_messages: Annotated[
        LongMessages,
        Meta(
            description="How long messages to the customer travel: as the carrier sent them, in parts (`udh8`, "
            "`udh16`, `sar`), or whole in message_payload.",
        ),
    ] = "asSent"
    default_alphabet: Annotated[
        DefaultAlphabet, Meta(description="What data_coding 0 means in what the customer sends and gets by SMPP.")
    ] = "gsm"
    languages: Annotated[
        tuple[Language, ...],
        Meta(max_length=13, description="Languages whose shift tables texts by API may use, where that saves parts."),
    ] = ()
    transliterate: Annotated[
        bool,
        Meta(description="Whether texts by API may have characters replaced by their nearest, where that saves parts."),
    ] = False
    reassembly_timeout_seconds: Annotated[
        int, Meta(ge=1, le=3_600, description="How long parts wait for the rest, where they are put together.")
    ] = 60
    tags: Annotated[
        tuple[Tag, ...], Meta(max_length=64, description="Marks of its messages, for conditions of routes and rules.")
    ] = ()
    consent: Annotated[
        Literal["sender", "account", "off"],
        Meta(
            description="What STOP in an incoming message stops: messages from the number it was sent to, all of the "
            "account's, or nothing."
        ),
    ] = "sender"


class Account(Resource, frozen=True):
    """A customer: credentials, limits, and where what comes back goes."""

    kind_name: ClassVar[str] = "Account"

    kind: Annotated[Literal["Account"], Meta(description="Always `Account`.")]
    spec: AccountSpec

    def claims(self) -> Iterable[Claim]:
        """A system_id names one account; a key too."""
        if self.spec.system_id is not None:
            yield Claim(("spec", "systemId"), "systemId", self.spec.system_id)
        for index, key in enumerate(self.spec.api_keys):
            yield Claim(("spec", "apiKeys", index, "sha256"), "API key", key.sha256)

    def secrets(self) -> Iterable[SecretUse]:
        """The password's hash, where it stands in a file."""
        if isinstance(self.spec.password_hash, SecretRef):
            yield SecretUse(("spec", "passwordHash"), self.spec.password_hash)

    def faults(self) -> Iterable[Fault]:
        """A system_id and what a bind must show come together; keys of an account have different names."""
        yield from network_faults(("spec", "addresses"), self.spec.addresses)
        by_password = self.spec.authentication != "certificate"
        if by_password and (self.spec.system_id is None) != (self.spec.password_hash is None):
            given, missing = ("systemId", "passwordHash") if self.spec.system_id else ("passwordHash", "systemId")
            yield Fault(
                ("spec", given), f"`{given}` stands without `{missing}`", f"give both, or neither; add `{missing}`"
            )
        if self.spec.authentication != "password" and self.spec.system_id is None:
            message = f"authentication {self.spec.authentication} stands without `systemId`"
            yield Fault(("spec", "authentication"), message, "the certificate must name the systemId; add `systemId`")
        names: set[str] = set()
        for index, key in enumerate(self.spec.api_keys):
            if key.name in names:
                yield Fault(("spec", "apiKeys", index, "name"), f"two API keys are named {key.name!r}", "rename one")
            names.add(key.name)
