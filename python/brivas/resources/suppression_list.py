"""Kind SuppressionList: numbers that want nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import FileUse, Name, Part, Reference, Resource
from brivas.resources.datafile import FileName


class SuppressionListSpec(Part, frozen=True):
    """Numbers that want nothing from a sender of an account; without these, from any."""

    account: Annotated[Name, Meta(description="From this Account; without it, from every one.")] | None = None
    sender: (
        Annotated[
            str,
            Meta(
                pattern=r"^\+?[^+\x00][^\x00]{0,19}$",
                description="From this sender, in any case; without it, from every one.",
                examples=["ACME"],
            ),
        ]
        | None
    ) = None
    numbers: Annotated[
        tuple[
            Annotated[
                str, Meta(pattern=r"^\+?[1-9][0-9]{0,14}$", description="E.164 digits, in quotes, with or without '+'.")
            ],
            ...,
        ],
        Meta(max_length=100_000, description="The numbers."),
    ] = ()
    file: Annotated[FileName, Meta(description="More of them: one a line, up to 100,000,000.")] | None = None


class SuppressionList(Resource, frozen=True):
    """Numbers that want nothing. Policy rules with `suppressed` look at them; STOP and START change them."""

    kind_name: ClassVar[str] = "SuppressionList"

    kind: Annotated[Literal["SuppressionList"], Meta(description="Always `SuppressionList`.")]
    spec: SuppressionListSpec

    def references(self) -> Iterable[Reference]:
        """The account named."""
        if self.spec.account is not None:
            yield Reference(("spec", "account"), "Account", self.spec.account)

    def files(self) -> Iterable[FileUse]:
        """The file named."""
        if self.spec.file is not None:
            yield FileUse(("spec", "file"), self.spec.file)
