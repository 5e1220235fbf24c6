"""What all kinds of resources share: the envelope, names, and what a kind may say about itself.

A kind is a subclass of `Resource` in the package that owns it, announced by the entry point group `brivas.kinds`. Its
fields carry their unit in the name, and their default, bounds and meaning in the type (`msgspec.Meta`): the checks, the
JSON Schema and the hints are all made from there. In YAML the names are camelCase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from brivas.resources.secret import Secret, SecretRef

API_VERSION = "brivas.io/v1"

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="1 to 63 lower-case letters, digits and dashes, starting and ending with a letter or digit.",
        examples=["sample", "carrier-1"],
    ),
]
Tag = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$",
        description="1 to 32 lower-case letters, digits and dashes. At most 64 different ones over all resources.",
        examples=["otp", "marketing"],
    ),
]
LabelKey = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$", description="Up to 63 characters.")]
LabelValue = Annotated[str, Meta(max_length=63, description="Up to 63 characters.")]

Path = tuple[str | int, ...]
"""Where a value stands in a document, in the document's own names: ("spec", "targets", 0, "carrier")."""


class Part(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A mapping in a resource: immutable, unknown fields refused, camelCase in YAML."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A resource names another one, which must exist."""

    path: Path
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that only one resource of the whole configuration may have, such as a system_id."""

    path: Path
    what: str
    value: str


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret that a resource refers to."""

    path: Path
    secret: SecretRef


SecretReader = Callable[[SecretRef], Secret]
"""Gives what a reference stands for."""


@dataclass(frozen=True, slots=True)
class FileUse:
    """A large file that a resource names; the engine reads it."""

    path: Path
    file: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule between fields that a resource breaks."""

    path: Path
    message: str
    hint: str | None = None


class Metadata(Part, frozen=True):
    """What a resource is called."""

    name: Annotated[Name, Meta(description="Unique in its kind. 1 to 63 lower-case letters, digits and dashes.")]
    labels: Annotated[
        dict[LabelKey, LabelValue], Meta(max_length=64, description="Free names for people and selectors.")
    ] = {}


class Resource(Part, frozen=True):
    """The envelope of every kind. A kind adds `kind: Literal["..."]` and its `spec`."""

    kind_name: ClassVar[str] = ""

    api_version: Annotated[Literal["brivas.io/v1"], Meta(description="Always `brivas.io/v1`.")]
    metadata: Metadata

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.metadata.name

    def references(self) -> Iterable[Reference]:
        """Other resources that must exist."""
        return ()

    def claims(self) -> Iterable[Claim]:
        """Values that must be unique in the whole configuration."""
        return ()

    def secrets(self) -> Iterable[SecretUse]:
        """Secrets that must be readable."""
        return ()

    def files(self) -> Iterable[FileUse]:
        """Large files that must be there."""
        return ()

    def faults(self) -> Iterable[Fault]:
        """Rules between fields that are broken."""
        return ()

    def secret_faults(self, read: SecretReader) -> Iterable[Fault]:
        """Rules that are broken by what stands in the secrets; asked once all of them were read."""
        del read
        return ()
