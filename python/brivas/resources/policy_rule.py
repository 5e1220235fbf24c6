"""Kind PolicyRule: whether a message is taken, refused, held for review, or sent later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from brivas.resources.base import Fault, Part, Reference, Resource
from brivas.resources.conditions import Conditions, UtcOffsetMinutes, Windows, window_faults


class Quiet(Part, frozen=True):
    """Hours in which nothing is sent there."""

    windows: Windows
    utc_offset_minutes: (
        Annotated[UtcOffsetMinutes, Meta(description="Without it, the destination's own by the NumberingPlans.")] | None
    ) = None


class Velocity(Part, frozen=True):
    """As many messages as may go to one place in a time."""

    limit: Annotated[int, Meta(ge=1, le=1_000_000_000, description="Messages that are let pass.")]
    window_seconds: Annotated[int, Meta(ge=1, le=86_400, description="In this time; beyond an hour in whole minutes.")]
    per_account: Annotated[bool, Meta(description="Each account is counted alone.")] = False
    per_sender: Annotated[bool, Meta(description="Each sender is counted alone.")] = False
    per_digits: Annotated[
        int,
        Meta(ge=0, le=15, description="Each beginning of so many digits of the destination alone; 15 is each number."),
    ] = 0


class PolicyRuleSpec(Part, frozen=True):
    """The first rule that holds and fires decides. One that delays lets the later ones refuse or hold."""

    then: Annotated[
        Literal["allow", "refuse", "quarantine", "delay"],
        Meta(
            description="`allow`: taken, later rules are not asked; `refuse`: answered with `status`; "
            "`quarantine`: taken and held until somebody releases it; `delay`: taken and sent after the quiet hours."
        ),
    ]
    order: Annotated[int, Meta(ge=0, le=1_000_000, description="Lower is asked first.")] = 100
    when: Conditions = Conditions()
    suppressed: Annotated[
        bool, Meta(description="Fires only if the recipient wants nothing (more), by lists or by STOP.")
    ] = False
    quiet: Quiet | None = None
    velocity: Velocity | None = None
    status: (
        Annotated[
            str,
            Meta(
                pattern=r"^ESME_R[A-Z_]{2,30}$",
                description="refuse: the command_status to answer with; without it ESME_RSUBMITFAIL.",
                examples=["ESME_RSUBMITFAIL", "ESME_RTHROTTLED"],
            ),
        ]
        | None
    ) = None


class PolicyRule(Resource, frozen=True):
    """A rule of admission: suppressions, quiet hours, velocity, content."""

    kind_name: ClassVar[str] = "PolicyRule"

    kind: Annotated[Literal["PolicyRule"], Meta(description="Always `PolicyRule`.")]
    spec: PolicyRuleSpec

    def references(self) -> Iterable[Reference]:
        """The accounts named."""
        return self.spec.when.references(("spec", "when"))

    def faults(self) -> Iterable[Fault]:
        """One check a rule, and actions that go with it."""
        spec = self.spec
        yield from spec.when.faults(("spec", "when"))
        checks = [
            name
            for name, said in (("suppressed", spec.suppressed), ("quiet", spec.quiet), ("velocity", spec.velocity))
            if said
        ]
        if len(checks) > 1:
            yield Fault(("spec", checks[1]), f"`{checks[0]}` and `{checks[1]}` in one rule", "make two rules of it")
        if spec.quiet is not None:
            yield from window_faults(spec.quiet.windows, ("spec", "quiet", "windows"))
        if spec.then == "delay" and spec.quiet is None:
            yield Fault(("spec", "then"), "a delay without `quiet`", "name the hours to wait for")
        if spec.then == "allow" and spec.velocity is not None:
            yield Fault(("spec", "then"), "allows what goes beyond `velocity`", "use refuse or quarantine")
        if spec.status is not None and spec.then != "refuse":
            yield Fault(("spec", "status"), f"a status, and `then: {spec.then}`", "only a refusal is answered with one")
        if spec.status == "ESME_ROK":
            yield Fault(("spec", "status"), "a refusal cannot be ESME_ROK", "name an error, such as ESME_RSUBMITFAIL")
        velocity = spec.velocity
        if velocity is not None and velocity.window_seconds > 3_600 and velocity.window_seconds % 60:
            yield Fault(
                ("spec", "velocity", "windowSeconds"),
                f"{velocity.window_seconds} seconds are no whole minutes",
                "beyond an hour it counts by the minute",
            )
