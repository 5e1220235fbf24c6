"""Kind NumberingPlan: which number belongs to which network, and what time it is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import Claim, FileUse, Part, Resource
from brivas.resources.conditions import Network, Prefix, UtcOffsetMinutes
from brivas.resources.datafile import FileName


class NumberRange(Part, frozen=True):
    """The network that a prefix was given to."""

    prefix: Prefix
    network: Network


class UtcOffset(Part, frozen=True):
    """The local time of a prefix. Summer time comes as another offset."""

    prefix: Prefix
    minutes: UtcOffsetMinutes


class NumberingPlanSpec(Part, frozen=True):
    """Networks by prefix and by number, and local times. The longest prefix wins; a ported number goes before all."""

    ranges: Annotated[tuple[NumberRange, ...], Meta(max_length=100_000, description="Networks by prefix.")] = ()
    ranges_file: (
        Annotated[FileName, Meta(description="More of them: CSV, one `prefix,network` a line, up to 2,000,000.")] | None
    ) = None
    ported_file: (
        Annotated[
            FileName,
            Meta(description="Networks of single numbers: CSV, one `number,network` a line, up to 100,000,000."),
        ]
        | None
    ) = None
    utc_offsets: Annotated[
        tuple[UtcOffset, ...], Meta(max_length=100_000, description="Local times by prefix; elsewhere it is UTC.")
    ] = ()


class NumberingPlan(Resource, frozen=True):
    """Networks and local times of numbers. Several plans are used as one."""

    kind_name: ClassVar[str] = "NumberingPlan"

    kind: Annotated[Literal["NumberingPlan"], Meta(description="Always `NumberingPlan`.")]
    spec: NumberingPlanSpec

    def files(self) -> Iterable[FileUse]:
        """The files named."""
        if self.spec.ranges_file is not None:
            yield FileUse(("spec", "rangesFile"), self.spec.ranges_file)
        if self.spec.ported_file is not None:
            yield FileUse(("spec", "portedFile"), self.spec.ported_file)

    def claims(self) -> Iterable[Claim]:
        """A prefix has one network and one time."""
        for index, each in enumerate(self.spec.ranges):
            yield Claim(("spec", "ranges", index, "prefix"), "range of prefix", repr(each.prefix))
        for index, offset in enumerate(self.spec.utc_offsets):
            yield Claim(("spec", "utcOffsets", index, "prefix"), "UTC offset of prefix", repr(offset.prefix))
