"""Kind Route: which carriers a message goes to, or which account an incoming one goes to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import Claim, Fault, Name, Part, Reference, Resource


class RouteTarget(Part, frozen=True):
    """One carrier of a route."""

    carrier: Annotated[Name, Meta(description="Name of a Carrier.")]
    priority: Annotated[int, Meta(ge=0, le=255, description="Lower is tried first.")] = 0
    weight: Annotated[int, Meta(ge=1, le=1_000_000, description="Share among the targets of the same priority.")] = 1


class RouteSpec(Part, frozen=True):
    """What is matched, and where it goes. The longest prefix wins, then the account's own route."""

    direction: Annotated[
        Literal["mt", "mo"], Meta(description="`mt`: from customers to carriers; `mo`: from carriers to customers.")
    ] = "mt"
    prefix: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{0,15}$",
            description="The destination's leading digits, in quotes, without '+'; empty matches everything.",
            examples=["49", ""],
        ),
    ] = ""
    account: Annotated[Name, Meta(description="Only messages of this Account; without it, every account's.")] | None = (
        None
    )
    targets: Annotated[tuple[RouteTarget, ...], Meta(max_length=16, description="mt: the carriers, at least one.")] = ()
    to_account: Annotated[Name, Meta(description="mo: the Account that gets the message.")] | None = None


class Route(Resource, frozen=True):
    """Where messages go, by the destination's prefix."""

    kind_name: ClassVar[str] = "Route"

    kind: Annotated[Literal["Route"], Meta(description="Always `Route`.")]
    spec: RouteSpec

    def references(self) -> Iterable[Reference]:
        """The carriers and accounts named."""
        for index, target in enumerate(self.spec.targets):
            yield Reference(("spec", "targets", index, "carrier"), "Carrier", target.carrier)
        if self.spec.account is not None:
            yield Reference(("spec", "account"), "Account", self.spec.account)
        if self.spec.to_account is not None:
            yield Reference(("spec", "toAccount"), "Account", self.spec.to_account)

    def claims(self) -> Iterable[Claim]:
        """One direction, prefix and account has one route."""
        spec = self.spec
        scope = f"{spec.direction} prefix {spec.prefix!r}" + (f" of account {spec.account}" if spec.account else "")
        yield Claim(("spec",), "route for", scope)

    def faults(self) -> Iterable[Fault]:
        """An mt route has carriers, an mo route an account."""
        spec = self.spec
        if spec.direction == "mt":
            if not spec.targets:
                yield Fault(("spec",), "an mt route needs `targets`", "add `targets: [{carrier: NAME}]`")
            if spec.to_account is not None:
                yield Fault(("spec", "toAccount"), "an mt route has no `toAccount`", "did you mean `account`?")
        else:
            if spec.to_account is None:
                yield Fault(("spec",), "an mo route needs `toAccount`", "add `toAccount: NAME`")
            if spec.targets:
                yield Fault(("spec", "targets"), "an mo route has no `targets`", "remove them, or use direction: mt")
        seen: set[str] = set()
        for index, target in enumerate(spec.targets):
            if target.carrier in seen:
                yield Fault(
                    ("spec", "targets", index, "carrier"),
                    f"carrier {target.carrier!r} is named twice",
                    "name it once; its share is `weight`",
                )
            seen.add(target.carrier)
