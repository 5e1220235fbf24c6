"""Conditions: what routes and policy rules look at in a message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from brivas.resources.base import Fault, Name, Part, Path, Reference, Tag
from brivas.v1 import control_pb2

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES

Prefix = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{0,15}$",
        description="Leading digits of a number, in quotes, without '+'.",
        examples=["49", ""],
    ),
]
Network = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{3}-?[0-9]{2,3}$",
        description="MCC and MNC (ITU-T E.212), in quotes.",
        examples=["262-01", "310-026"],
    ),
]
Sender = Annotated[
    str,
    Meta(
        pattern=r"^\+?[^+*\x00][^*\x00]{0,19}\*?$",
        description="A sender, in any case; with '*' at its end, all that begin so.",
        examples=["ACME", "4477*"],
    ),
]
Pattern = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=512,
        description="A regular expression that is found anywhere in it (the syntax of Rust's `regex`).",
        examples=["(?i)win a prize", "^[0-9]{5}$"],
    ),
]
TimeOfDay = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$",
        description="`HH:MM`, in quotes; `24:00` is the end of the day.",
        examples=["08:00", "21:30"],
    ),
]
UtcOffsetMinutes = Annotated[int, Meta(ge=-900, le=900, description="Local time less UTC, in minutes.")]


class Window(Part, frozen=True):
    """A time of day on some days; one that ends before it begins ends on the next day."""

    start: Annotated[TimeOfDay, Meta(description="When it begins.")] = msgspec.field(name="from")
    end: Annotated[TimeOfDay, Meta(description="When it ends.")] = msgspec.field(name="to")
    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
        Meta(max_length=7, description="Days on which it begins; without them, every day."),
    ] = ()

    def compiled(self) -> list[control_pb2.Window]:
        """As minutes of the week, one a day."""
        start, end = _minutes(self.start), _minutes(self.end)
        windows = []
        for day in sorted({DAYS.index(day) for day in self.days or DAYS}):
            first = day * DAY_MINUTES + start
            last = day * DAY_MINUTES + end + (0 if end > start else DAY_MINUTES)
            windows.append(
                control_pb2.Window(
                    from_minute=first % WEEK_MINUTES, to_minute=last if last <= WEEK_MINUTES else last - WEEK_MINUTES
                )
            )
        return windows


Windows = Annotated[tuple[Window, ...], Meta(min_length=1, max_length=9, description="Times of the week.")]


class Hours(Part, frozen=True):
    """Times of the week at one distance from UTC."""

    windows: Windows
    utc_offset_minutes: UtcOffsetMinutes = 0


class Links(Part, frozen=True):
    """Links in the text."""

    hosts: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[^\s/:@]{1,253}$", description="A host name.")], ...],
        Meta(
            max_length=100_000,
            description="Hosts that they lead to, and all below them; without any, every link counts.",
        ),
    ] = ()


DataCodingClass = Literal[
    "default", "ascii", "binary", "latin1", "ucs2", "other_alphabet", "flash", "message_waiting", "reserved"
]


class Conditions(Part, frozen=True):
    """What a message must be like. All that is said must hold, and of each list at least one."""

    accounts: Annotated[tuple[Name, ...], Meta(max_length=10_000, description="mt: the Accounts that send it.")] = ()
    prefixes: Annotated[
        tuple[Prefix, ...], Meta(max_length=10_000, description="Leading digits of the destination.")
    ] = ()
    networks: Annotated[
        tuple[Network, ...],
        Meta(max_length=10_000, description="Networks of the destination (mo: of the sender), by the NumberingPlans."),
    ] = ()
    senders: Annotated[tuple[Sender, ...], Meta(max_length=10_000, description="Senders.")] = ()
    keywords: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^\S{1,64}$", description="One word, in any case.")], ...],
        Meta(max_length=10_000, description="First words of the text."),
    ] = ()
    sender_patterns: Annotated[
        tuple[Pattern, ...], Meta(max_length=1_000, description="Regular expressions in the sender.")
    ] = ()
    text_patterns: Annotated[
        tuple[Pattern, ...], Meta(max_length=1_000, description="Regular expressions in the text.")
    ] = ()
    links: Links | None = None
    data_codings: Annotated[tuple[DataCodingClass, ...], Meta(max_length=9, description="Classes of data_coding.")] = ()
    tags: Annotated[
        tuple[Tag, ...], Meta(max_length=64, description="Tags of the Account (mo: the Carrier), all of them.")
    ] = ()
    without_tags: Annotated[tuple[Tag, ...], Meta(max_length=64, description="Tags that it must not have.")] = ()
    hours: Hours | None = None

    def references(self, path: Path) -> Iterable[Reference]:
        """The accounts named."""
        for index, account in enumerate(self.accounts):
            yield Reference((*path, "accounts", index), "Account", account)

    def faults(self, path: Path) -> Iterable[Fault]:
        """Times that are none, and conditions that never hold."""
        if self.hours is not None:
            yield from window_faults(self.hours.windows, (*path, "hours", "windows"))
        for index, tag in enumerate(self.without_tags):
            if tag in self.tags:
                yield Fault(
                    (*path, "withoutTags", index),
                    f"tag {tag!r} is demanded and forbidden",
                    "it never holds; remove one",
                )

    def compiled(self) -> control_pb2.Conditions:
        """For the engine."""
        hours = self.hours
        return control_pb2.Conditions(
            accounts=self.accounts,
            prefixes=self.prefixes,
            networks=self.networks,
            senders=self.senders,
            keywords=self.keywords,
            sender_patterns=self.sender_patterns,
            text_patterns=self.text_patterns,
            links=None if self.links is None else control_pb2.Links(hosts=self.links.hosts),
            data_codings=self.data_codings,
            tags=self.tags,
            tags_none=self.without_tags,
            hours=None
            if hours is None
            else control_pb2.Hours(
                windows=compiled_windows(hours.windows), utc_offset_minutes=hours.utc_offset_minutes
            ),
        )


def compiled_windows(windows: Iterable[Window]) -> list[control_pb2.Window]:
    """All windows, day by day."""
    return [each for window in windows for each in window.compiled()]


def window_faults(windows: Iterable[Window], path: Path) -> Iterable[Fault]:
    """Windows that begin when they end."""
    for index, window in enumerate(windows):
        if _minutes(window.start) % DAY_MINUTES == _minutes(window.end) % DAY_MINUTES and window.end != "24:00":
            yield Fault(
                (*path, index),
                f"the window begins and ends at {window.start}",
                'a whole day is from "00:00" to "24:00"',
            )


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
