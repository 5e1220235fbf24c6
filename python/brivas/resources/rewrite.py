"""Rewrites: what a route changes in a message on its way to a carrier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from brivas.resources.base import Fault, Part, Path
from brivas.v1 import control_pb2, events_pb2

SHORT_CODE_DIGITS_MAX = 6
"""Up to this many digits a sender is a short code."""

Octet = Annotated[int, Meta(ge=0, le=255, description="One octet.")]


class RewrittenSender(Part, frozen=True):
    """The sender to send with."""

    address: Annotated[
        str,
        Meta(pattern=r"^\+?[\x20-\x7e]{1,20}$", description="A number, a short code or a name, up to 20 characters."),
    ]
    ton: Annotated[Octet, Meta(description="Type of number; without it, what the address looks like.")] | None = None
    npi: Annotated[Octet, Meta(description="Numbering plan; without it, what the address looks like.")] | None = None

    def compiled(self) -> events_pb2.Address:
        """With type and plan, as for a sender by API (SMPP 5.0 §4.7.1, §4.7.2)."""
        digits = self.address.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            ton, npi = 5, 0
        elif len(digits) <= SHORT_CODE_DIGITS_MAX:
            ton, npi = 3, 0
        else:
            ton, npi = 1, 1
        return events_pb2.Address(
            ton=ton if self.ton is None else self.ton, npi=npi if self.npi is None else self.npi, digits=digits.encode()
        )


class AddedTlv(Part, frozen=True):
    """A TLV that the carrier demands, such as a registration id."""

    tag: Annotated[
        str,
        Meta(
            pattern=r"^0x[0-9a-fA-F]{4}$",
            description="Its tag; carriers' own are 0x1400 to 0x3FFF (SMPP 5.0 §4.8.1).",
            examples=["0x1400"],
        ),
    ]
    text: Annotated[str, Meta(max_length=255, description="Its value as UTF-8.")] | None = None
    hex: (
        Annotated[
            str, Meta(pattern=r"^([0-9a-fA-F]{2}){0,256}$", description="Its value as hexadecimal digits, in quotes.")
        ]
        | None
    ) = None
    terminated: Annotated[bool, Meta(description="With `text`: a NUL at its end (a C octet string).")] = False
    keep_own: Annotated[
        bool, Meta(description="The message's own TLV of this tag stays, where it has one; else it is replaced.")
    ] = False

    @property
    def number(self) -> int:
        """The tag as a number."""
        return int(self.tag, 16)

    def value(self) -> bytes:
        """As it goes out."""
        if self.hex is not None:
            return bytes.fromhex(self.hex)
        return (self.text or "").encode() + (b"\0" if self.terminated else b"")


class Rewrite(Part, frozen=True):
    """What is changed on the way to a carrier. What is stored, and what receipts name, stays as it came."""

    sender: RewrittenSender | None = None
    tlvs: Annotated[tuple[AddedTlv, ...], Meta(max_length=16, description="TLVs that are added.")] = ()

    def faults(self, path: Path) -> Iterable[Fault]:
        """A TLV has one value, and stands once."""
        seen: set[int] = set()
        for index, tlv in enumerate(self.tlvs):
            if (tlv.text is None) == (tlv.hex is None):
                yield Fault((*path, "tlvs", index), "exactly one of `text` and `hex` is needed", "`text: ...`")
            elif len(tlv.value()) > 256:
                yield Fault((*path, "tlvs", index), f"its value has {len(tlv.value())} octets", "at most 256")
            if tlv.number in seen:
                yield Fault((*path, "tlvs", index, "tag"), f"tag {tlv.tag} stands twice", "remove one")
            seen.add(tlv.number)

    def compiled(self) -> control_pb2.Rewrite:
        """For the engine."""
        return control_pb2.Rewrite(
            sender=None if self.sender is None else self.sender.compiled(),
            tlvs=[control_pb2.AddedTlv(tag=tlv.number, value=tlv.value(), keep_own=tlv.keep_own) for tlv in self.tlvs],
        )
