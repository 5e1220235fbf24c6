"""Routing and policy of a real gateway: files, reviews and consents, by the commands that operators use."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from brivas.cli.main import brivas
from tests.integration.gateway import Gateway
from tests.integration.simulation import simulated_smsc
from tests.support.process import wait_until

REFUSED = 0x45


def said(gateway: Gateway, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
    """What a command answers with --json."""
    ended = CliRunner().invoke(brivas, ["--data", str(gateway.data), *arguments, "--json"])
    assert ended.exit_code == exit_code, (ended.output, ended.exception)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_a_message_is_held_reviewed_and_sent(gateway: Gateway) -> None:
    with simulated_smsc() as smsc:
        gateway.account()
        gateway.carrier(smsc.address)
        gateway.route()
        gateway.resource("PolicyRule", "prizes", {"then": "quarantine", "when": {"textPatterns": ["prize"]}})
        gateway.start()
        gateway.wait_carrier_up()
        with gateway.bind() as client:
            released = client.submit("4915000000001", b"a prize").text
            rejected = client.submit("4915000000002", b"a prize too").text
            held = said(gateway, "quarantine", "list")
            assert [each["id"] for each in held["messages"]] == [released, rejected]
            assert (held["messages"][0]["text"], held["messages"][0]["rule"]) == ("a prize", "prizes")
            gateway.kill()
            gateway.start()
            gateway.wait_carrier_up()
            assert said(gateway, "quarantine", "release", released)["held"] == 1
            assert said(gateway, "quarantine", "reject", "--all")["held"] == 0
            assert said(gateway, "quarantine", "reject", released, exit_code=1)["unknown"] == [released]
        with gateway.bind() as client:
            assert b"stat:DELIVRD" in client.receipt(released).short_message
            assert b"stat:REJECTD" in client.receipt(rejected).short_message


def test_a_suppressed_number_gets_nothing_and_explain_says_why(gateway: Gateway) -> None:
    with simulated_smsc() as smsc:
        (gateway.config / "numbers.txt").write_text("4915000000001\n+4915000000002\n")
        (gateway.config / "ported.csv").write_text("number,network\n4915000000009,262-03\n")
        gateway.account()
        gateway.carrier(smsc.address)
        gateway.route()
        gateway.resource("SuppressionList", "never", {"file": "numbers.txt"})
        gateway.resource("NumberingPlan", "germany", {"portedFile": "ported.csv"})
        gateway.resource("PolicyRule", "stop", {"then": "refuse", "suppressed": True})
        gateway.start()
        gateway.wait_carrier_up()
        explained = said(gateway, "routes", "explain", "+4915000000009", "--account", "acme")
        assert (explained["network"], explained["ported"], explained["decision"]) == ("262-03", True, "accept")
        assert [target["carrier"] for target in explained["targets"]] == ["carrier"]
        wrong = CliRunner().invoke(brivas, ["--data", str(gateway.data), "routes", "explain", "abc"])
        assert wrong.exit_code != 0
        with gateway.bind() as client:
            assert client.submit("4915000000002").status == REFUSED
            assert client.submit("4915000000003").status == 0
            said(gateway, "suppressions", "add", "4915000000003", "--account", "acme")
            assert client.submit("4915000000003").status == REFUSED
            said(gateway, "suppressions", "remove", "4915000000002")
            assert client.submit("4915000000002").status == 0
            listed = said(gateway, "suppressions", "list")
            assert (listed["changed"], listed["listed"]) == (2, 2)
            explained = said(gateway, "routes", "explain", "4915000000003", "--account", "acme")
            assert (explained["decision"], explained["policy_rule"]) == ("refuse", "stop")
            assert explained["status"] == "ESME_RSUBMITFAIL"
            # A longer file is another configuration; a wrong one is refused with its line.
            (gateway.config / "numbers.txt").write_text("4915000000001\nphone\n")
            gateway.reload("config_refused")
            assert "numbers.txt: line 2" in gateway.logged()
            (gateway.config / "numbers.txt").write_text("4915000000001\n4915000000007\n")
            gateway.reload()
            wait_until(lambda: client.submit("4915000000007").status == REFUSED, "the new list is in force")
