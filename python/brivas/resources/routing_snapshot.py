"""Routing and policy compiled for the engine: the part of the snapshot that says where messages go, and whether."""

from __future__ import annotations

from brivas.resources.conditions import compiled_windows
from brivas.resources.config import Config
from brivas.resources.consent_words import ConsentWords
from brivas.resources.numbering_plan import NumberingPlan
from brivas.resources.policy_rule import PolicyRule
from brivas.resources.route import Route
from brivas.resources.suppression_list import SuppressionList
from brivas.v1 import control_pb2

_DIRECTION = {"mt": control_pb2.DIRECTION_MT, "mo": control_pb2.DIRECTION_MO}
_BALANCE = {
    "destination": control_pb2.BALANCE_DESTINATION,
    "message": control_pb2.BALANCE_MESSAGE,
    "leastCost": control_pb2.BALANCE_LEAST_COST,
}
_ACTION = {
    "allow": control_pb2.POLICY_ACTION_ALLOW,
    "refuse": control_pb2.POLICY_ACTION_REFUSE,
    "quarantine": control_pb2.POLICY_ACTION_QUARANTINE,
    "delay": control_pb2.POLICY_ACTION_DELAY,
}
REFUSAL = "ESME_RSUBMITFAIL"
"""The status of refusals that name none."""


def compile_routing(config: Config, snapshot: control_pb2.Snapshot) -> None:
    """Adds routes, numbering plans, policy rules, suppression lists and words of consent to the snapshot."""
    snapshot.routes.extend(_route(route) for route in config.of(Route))
    snapshot.numbering_plans.extend(_plan(config, plan) for plan in config.of(NumberingPlan))
    snapshot.policy_rules.extend(_rule(rule) for rule in config.of(PolicyRule))
    snapshot.suppression_lists.extend(_list(config, each) for each in config.of(SuppressionList))
    for words in config.of(ConsentWords):
        snapshot.consent_words.CopyFrom(_words(words))


def _route(route: Route) -> control_pb2.Route:
    spec = route.spec
    when = None
    if spec.when is not None:
        when = spec.when.compiled()
        # Said beside the conditions, they are conditions as well.
        when.prefixes.extend([spec.prefix] if spec.prefix else [])
        when.accounts.extend([spec.account] if spec.account else [])
    return control_pb2.Route(
        name=route.name,
        direction=_DIRECTION[spec.direction],
        prefix="" if when else spec.prefix,
        account="" if when else spec.account or "",
        targets=[
            control_pb2.RouteTarget(
                carrier=target.carrier,
                priority=target.priority,
                weight=target.weight,
                price=target.price,
                rewrite=None if target.rewrite is None else target.rewrite.compiled(),
            )
            for target in spec.targets
        ],
        to_account=spec.to_account or "",
        when=when,
        order=spec.order,
        balance=_BALANCE[spec.balance],
        rewrite=None if spec.rewrite is None else spec.rewrite.compiled(),
    )


def _plan(config: Config, plan: NumberingPlan) -> control_pb2.NumberingPlan:
    spec = plan.spec
    return control_pb2.NumberingPlan(
        name=plan.name,
        ranges=[control_pb2.NetworkRange(prefix=each.prefix, network=each.network) for each in spec.ranges],
        ranges_file=config.file(spec.ranges_file).compiled() if spec.ranges_file else None,
        ported_file=config.file(spec.ported_file).compiled() if spec.ported_file else None,
        utc_offsets=[control_pb2.UtcOffset(prefix=each.prefix, minutes=each.minutes) for each in spec.utc_offsets],
    )


def _rule(rule: PolicyRule) -> control_pb2.PolicyRule:
    spec = rule.spec
    compiled = control_pb2.PolicyRule(
        name=rule.name,
        order=spec.order,
        when=spec.when.compiled(),
        then=_ACTION[spec.then],
        status=(spec.status or REFUSAL) if spec.then == "refuse" else "",
    )
    if spec.suppressed:
        compiled.suppressed.SetInParent()
    if spec.quiet is not None:
        compiled.quiet.CopyFrom(
            control_pb2.Quiet(
                windows=compiled_windows(spec.quiet.windows), utc_offset_minutes=spec.quiet.utc_offset_minutes
            )
        )
    if spec.velocity is not None:
        velocity = spec.velocity
        compiled.velocity.CopyFrom(
            control_pb2.Velocity(
                limit=velocity.limit,
                window_seconds=velocity.window_seconds,
                per_account=velocity.per_account,
                per_sender=velocity.per_sender,
                per_digits=velocity.per_digits,
            )
        )
    return compiled


def _list(config: Config, each: SuppressionList) -> control_pb2.SuppressionList:
    spec = each.spec
    return control_pb2.SuppressionList(
        name=each.name,
        account=spec.account or "",
        sender=(spec.sender or "").removeprefix("+"),
        numbers=[number.removeprefix("+") for number in spec.numbers],
        file=config.file(spec.file).compiled() if spec.file else None,
    )


def _words(words: ConsentWords) -> control_pb2.ConsentWords:
    return control_pb2.ConsentWords(
        built_in=words.spec.built_in,
        words=[
            control_pb2.ConsentWord(phrase=word.phrase, start=word.means == "start", alone=word.alone)
            for word in words.spec.words
        ],
    )
