"""Routes with conditions, numbering plans, policy rules and suppressions, from YAML to the snapshot."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from brivas.resources.conditions import Window
from brivas.resources.config import load_folder
from brivas.resources.problem import ConfigRefusedError
from brivas.resources.snapshot import compile_snapshot
from brivas.v1 import control_pb2

BASE = """\
apiVersion: brivas.io/v1
kind: Carrier
metadata: {name: one}
spec: {host: localhost, systemId: us, tags: [grey]}
---
apiVersion: brivas.io/v1
kind: Account
metadata: {name: customer}
spec: {tags: [otp], consent: account}
"""


def document(kind: str, spec: str) -> str:
    """One resource, after others."""
    return f"---\napiVersion: brivas.io/v1\nkind: {kind}\nmetadata: {{name: it}}\nspec: {spec}\n"


def compiled(folder: Path, text: str) -> control_pb2.Snapshot:
    (folder / "all.yaml").write_text(BASE + text)
    return compile_snapshot(load_folder(folder, environment={}))


def refused(folder: Path, text: str) -> str:
    (folder / "all.yaml").write_text(BASE + text)
    with pytest.raises(ConfigRefusedError) as caught:
        load_folder(folder, environment={})
    return "\n".join(problem.describe() for problem in caught.value.problems)


def test_a_route_with_conditions_says_all_of_them(tmp_path: Path) -> None:
    spec = """
  order: 7
  balance: leastCost
  prefix: "49"
  when:
    networks: ["262-01"]
    senders: [ACME*]
    links: {hosts: [bit.ly]}
    tags: [otp]
    withoutTags: [bulk]
    hours: {windows: [{days: [sun], from: "22:00", to: "06:00"}], utcOffsetMinutes: 60}
  rewrite:
    sender: {address: "40404"}
    tlvs: [{tag: 0x1400, text: entity, terminated: true}, {tag: 0x1401, hex: "00ff", keepOwn: true}]
  targets: [{carrier: one, price: 12, rewrite: {sender: {address: ACME}}}]
"""
    snapshot = compiled(tmp_path, document("Route", spec))
    route = snapshot.routes[0]
    assert (route.prefix, route.order, route.balance) == ("", 7, control_pb2.BALANCE_LEAST_COST)
    assert list(route.when.prefixes) == ["49"]
    assert (list(route.when.networks), list(route.when.senders)) == (["262-01"], ["ACME*"])
    assert list(route.when.links.hosts) == ["bit.ly"]
    assert (list(route.when.tags), list(route.when.tags_none)) == (["otp"], ["bulk"])
    window = route.when.hours.windows[0]
    assert (window.from_minute, window.to_minute) == (6 * 1440 + 22 * 60, 6 * 60)
    assert (route.rewrite.sender.ton, route.rewrite.sender.digits) == (3, b"40404")
    assert [tlv.value for tlv in route.rewrite.tlvs] == [b"entity\0", b"\0\xff"]
    assert (route.targets[0].price, route.targets[0].rewrite.sender.ton) == (12, 5)
    assert (list(snapshot.accounts[0].tags), list(snapshot.carriers[0].tags)) == (["otp"], ["grey"])
    assert snapshot.accounts[0].consent_scope == control_pb2.CONSENT_SCOPE_ACCOUNT


@pytest.mark.parametrize(
    ("start", "end", "days", "expected"),
    [
        ("08:00", "20:00", ("tue",), [(1440 + 480, 1440 + 1200)]),
        ("00:00", "24:00", ("sun",), [(6 * 1440, 7 * 1440)]),
        ("21:00", "08:00", ("sun", "mon"), [(1260, 1440 + 480), (6 * 1440 + 1260, 480)]),
    ],
)
def test_a_window_is_minutes_of_the_week(
    start: str, end: str, days: tuple[str, ...], expected: list[tuple[int, int]]
) -> None:
    window = Window(start=start, end=end, days=days)  # type: ignore[arg-type]
    assert [(each.from_minute, each.to_minute) for each in window.compiled()] == expected


def test_a_numbering_plan_names_its_files_by_checksum(tmp_path: Path) -> None:
    (tmp_path / "ported.csv").write_text("491701234567,262-02\n")
    spec = """
  ranges: [{prefix: "49", network: "262-01"}]
  portedFile: ported.csv
  utcOffsets: [{prefix: "49", minutes: 60}]
"""
    plan = compiled(tmp_path, document("NumberingPlan", spec)).numbering_plans[0]
    assert plan.ported_file.path == str((tmp_path / "ported.csv").resolve())
    assert plan.ported_file.sha256 == hashlib.sha256(b"491701234567,262-02\n").digest()
    assert not plan.HasField("ranges_file")
    assert (plan.ranges[0].network, plan.utc_offsets[0].minutes) == ("262-01", 60)
    (tmp_path / "ported.csv").write_text("491701234568,262-02\n")
    again = compiled(tmp_path, document("NumberingPlan", spec)).numbering_plans[0]
    assert again.ported_file.sha256 == hashlib.sha256(b"491701234568,262-02\n").digest()
    (tmp_path / "ported.csv").unlink()
    assert "no such file: ported.csv; hint: looked for" in refused(tmp_path, document("NumberingPlan", spec))


@pytest.mark.parametrize(
    ("spec", "check", "action", "status"),
    [
        ("{then: refuse, suppressed: true}", "suppressed", control_pb2.POLICY_ACTION_REFUSE, "ESME_RSUBMITFAIL"),
        (
            "{then: refuse, velocity: {limit: 5, windowSeconds: 60, perDigits: 4}, status: ESME_RTHROTTLED}",
            "velocity",
            control_pb2.POLICY_ACTION_REFUSE,
            "ESME_RTHROTTLED",
        ),
        (
            '{then: delay, quiet: {windows: [{from: "21:00", to: "08:00"}]}}',
            "quiet",
            control_pb2.POLICY_ACTION_DELAY,
            "",
        ),
        ("{then: quarantine, when: {links: {}}}", None, control_pb2.POLICY_ACTION_QUARANTINE, ""),
    ],
)
def test_a_policy_rule_has_its_check_and_action(
    tmp_path: Path, spec: str, check: str | None, action: int, status: str
) -> None:
    rule = compiled(tmp_path, document("PolicyRule", spec)).policy_rules[0]
    assert (rule.WhichOneof("check"), rule.then, rule.status) == (check, action, status)
    if check == "quiet":
        assert not rule.quiet.HasField("utc_offset_minutes")
        assert len(rule.quiet.windows) == 7


def test_suppressions_and_words_of_consent_stand_in_the_snapshot(tmp_path: Path) -> None:
    text = document("SuppressionList", '{account: customer, sender: "+4477", numbers: ["+491701234567"]}')
    text += document("ConsentWords", "{builtIn: false, words: [{phrase: Basta, means: stop}]}")
    snapshot = compiled(tmp_path, text)
    each = snapshot.suppression_lists[0]
    assert (each.account, each.sender, list(each.numbers)) == ("customer", "4477", ["491701234567"])
    assert not snapshot.consent_words.built_in
    assert snapshot.consent_words.words[0] == control_pb2.ConsentWord(phrase="Basta", alone=True)
    assert not compiled(tmp_path, "").HasField("consent_words")


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        ("Route", '{prefix: "4", when: {prefixes: ["5"]}, targets: [{carrier: one}]}', "`prefix` beside"),
        ("Route", "{when: {accounts: [nobody]}, targets: [{carrier: one}]}", "no Account has this name"),
        ("Route", "{direction: mo, toAccount: customer, when: {accounts: [customer]}}", "has no account yet"),
        ("Route", "{direction: mo, toAccount: customer, rewrite: {}}", "has no `rewrite`"),
        ("Route", "{when: {tags: [a], withoutTags: [a]}, targets: [{carrier: one}]}", "demanded and forbidden"),
        ("Route", "{rewrite: {tlvs: [{tag: 0x1400}]}, targets: [{carrier: one}]}", "exactly one of `text` and `hex`"),
        ("PolicyRule", "{then: delay}", "a delay without `quiet`"),
        ("PolicyRule", "{then: allow, status: ESME_RSYSERR}", "only a refusal is answered with one"),
        ("PolicyRule", "{then: refuse, status: ESME_ROK}", "cannot be ESME_ROK"),
        ("PolicyRule", "{then: refuse, suppressed: true, velocity: {limit: 1, windowSeconds: 1}}", "in one rule"),
        ("PolicyRule", "{then: refuse, velocity: {limit: 1, windowSeconds: 3601}}", "no whole minutes"),
        ("PolicyRule", '{then: refuse, quiet: {windows: [{from: "08:00", to: "08:00"}]}}', "begins and ends at"),
        ("SuppressionList", '{numbers: ["phone"]}', "numbers[0]"),
        ("NumberingPlan", '{ranges: [{prefix: "49", network: "262"}]}', "ranges[0].network"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, kind: str, spec: str, said: str) -> None:
    assert said in refused(tmp_path, document(kind, spec))


def test_words_of_consent_stand_once(tmp_path: Path) -> None:
    words = document("ConsentWords", "{}")
    assert "a second resource of kind ConsentWords" in refused(tmp_path, words + words.replace("name: it", "name: two"))
