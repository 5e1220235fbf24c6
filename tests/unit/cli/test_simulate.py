"""The options of the simulated carrier, and its profiles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from brivas._core import Simulation
from brivas.carrier_profiles import PROFILES, options_of
from brivas.cli import simulation
from brivas.cli.main import brivas


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The options that simulations were started with."""
    seen: list[dict[str, Any]] = []

    def run(kind: str, options: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
        assert (kind, as_json, quiet) == ("smsc", False, False)
        seen.append(options)

    monkeypatch.setattr(simulation, "run_simulation", run)
    return seen


def run(*arguments: str, **environment: str) -> str:
    ended = CliRunner().invoke(brivas, ["simulate", "smsc", *arguments], env=environment)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_profiles_add_up_and_options_stand_above_them(told: list[dict[str, Any]]) -> None:
    run("--profile", "hex-then-decimal-ids", "--profile", "early-receipts", "--latency-ms", "7")
    assert (told[0]["message_id"], told[0]["receipt_before_response"], told[0]["latency_ms"]) == ("mixed", True, 7)
    run("--profile", "early-receipts")
    assert told[1]["latency_ms"] == PROFILES["early-receipts"].options["latency_ms"]
    run("--profile", "error-bodies", "--error", "ESME_RINVDSTADR=1")
    assert told[2]["error_rates"] == [{"command_status": "ESME_RINVDSTADR", "ratio": 1.0}]
    assert told[2]["error_body"] is True


def test_profiles_may_come_from_the_environment_as_for_the_samples_carrier(told: list[dict[str, Any]]) -> None:
    run(BRIVAS_SIMULATE_PROFILE="uuid-ids throttling")
    assert (told[0]["message_id"], told[0]["throttle_per_second"]) == ("dashes", 50)


def test_an_unknown_profile_is_refused_and_the_help_lists_all() -> None:
    refused = CliRunner().invoke(brivas, ["simulate", "smsc", "--profile", "hex"])
    assert refused.exit_code == 2
    assert "hex-then-decimal-ids" in refused.output
    shown = run("--help")
    for name, profile in PROFILES.items():
        assert name in shown
        assert profile.meaning.split()[0] in shown


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_one_that_the_simulated_carrier_can_play(name: str) -> None:
    simulation = Simulation.smsc(json.dumps(options_of([name])))
    simulation.stop()
    assert json.loads(simulation.result())["error"] is None
