"""Kind Route: which carriers a message goes to, changed for them, or which account gets an incoming one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import Claim, Fault, Name, Part, Reference, Resource
from brivas.resources.conditions import Conditions
from brivas.resources.rewrite import Rewrite


class RouteTarget(Part, frozen=True):
    """One carrier of a route."""

    carrier: Annotated[Name, Meta(description="Name of a Carrier.")]
    priority: Annotated[int, Meta(ge=0, le=255, description="Lower is tried first.")] = 0
    weight: Annotated[int, Meta(ge=1, le=1_000_000, description="Share among the targets of the same priority.")] = 1
    price: Annotated[
        int, Meta(ge=0, le=10**15, description="leastCost: what a part costs, in any unit that is the same for all.")
    ] = 0
    rewrite: Rewrite | None = None


class RouteSpec(Part, frozen=True):
    """What is matched, and where it goes.

    Routes with `when` go before all others, the lowest `order` first. Of the others the longest prefix wins, then the
    account's own route.
    """

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
    when: Conditions | None = None
    order: Annotated[int, Meta(ge=0, le=1_000_000, description="With `when`: lower is tried first.")] = 100
    balance: Annotated[
        Literal["destination", "message", "leastCost"],
        Meta(
            description="How targets of one priority share: by weight, a number keeping its carrier; by weight, each "
            "message anew; or the lowest price first."
        ),
    ] = "destination"
    rewrite: Rewrite | None = None


class Route(Resource, frozen=True):
    """Where messages go: by prefix and account, or by conditions."""

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
        if self.spec.when is not None:
            yield from self.spec.when.references(("spec", "when"))

    def claims(self) -> Iterable[Claim]:
        """One direction, prefix and account has one route without conditions."""
        spec = self.spec
        if spec.when is not None:
            return
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
            if spec.rewrite is not None:
                yield Fault(("spec", "rewrite"), "an mo route has no `rewrite`", "remove it, or use direction: mt")
        yield from self._condition_faults()
        seen: set[str] = set()
        for index, target in enumerate(spec.targets):
            if target.carrier in seen:
                yield Fault(
                    ("spec", "targets", index, "carrier"),
                    f"carrier {target.carrier!r} is named twice",
                    "name it once; its share is `weight`",
                )
            seen.add(target.carrier)
            if target.rewrite is not None:
                yield from target.rewrite.faults(("spec", "targets", index, "rewrite"))
        if spec.rewrite is not None:
            yield from spec.rewrite.faults(("spec", "rewrite"))

    def _condition_faults(self) -> Iterable[Fault]:
        spec, when = self.spec, self.spec.when
        if when is None:
            return
        yield from when.faults(("spec", "when"))
        if spec.prefix and when.prefixes:
            yield Fault(("spec", "prefix"), "`prefix` beside `when.prefixes`", "put it among them")
        if spec.account and when.accounts:
            yield Fault(("spec", "account"), "`account` beside `when.accounts`", "put it among them")
        if spec.direction == "mo" and (spec.account or when.accounts):
            path = ("spec", "account") if spec.account else ("spec", "when", "accounts")
            yield Fault(path, "an incoming message has no account yet", "`toAccount` names who gets it")
