"""Kind Sender: a source address that an account may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import Name, Part, Reference, Resource


class SenderSpec(Part, frozen=True):
    """Who may send as whom. It counts for accounts with `sendersAllowed: listed`."""

    account: Annotated[Name, Meta(description="The Account that may use it.")]
    address: Annotated[
        str,
        Meta(
            pattern=r"^\+?[^+\x00][^\x00]{0,19}$",
            description="As in source_addr, in quotes. Letter case counts; a leading '+' does not.",
            examples=["ACME"],
        ),
    ]
    ton: Annotated[int, Meta(ge=0, le=6, description="Only with this type of number; without it, with any.")] | None = (
        None
    )
    npi: (
        Annotated[int, Meta(ge=0, le=18, description="Only with this numbering plan; without it, with any.")] | None
    ) = None


class Sender(Resource, frozen=True):
    """A source address that an account may use."""

    kind_name: ClassVar[str] = "Sender"

    kind: Annotated[Literal["Sender"], Meta(description="Always `Sender`.")]
    spec: SenderSpec

    def references(self) -> Iterable[Reference]:
        """The account named."""
        yield Reference(("spec", "account"), "Account", self.spec.account)
