"""A real gateway and every profile of the simulated carrier: each message ends once, with the right final state."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

import pytest

from brivas.carrier_profiles import PROFILES, options_of
from tests.integration.gateway import Gateway
from tests.integration.simulation import Running, simulated_smsc
from tests.support.process import WAIT_SECONDS, wait_until

COUNT: Final = 40

LEARNED: Final[Mapping[str, Mapping[str, Any]]] = {
    "hex-ids": {"message_ids": "same"},
    "decimal-ids": {"message_ids": "same"},
    "hex-then-decimal-ids": {"message_ids": "hexToDecimal"},
    "decimal-then-hex-ids": {"message_ids": "decimalToHex"},
    "padded-ids": {"message_ids": "zeros"},
    "case-changed-ids": {"message_ids": "case"},
    "uuid-ids": {"message_ids": "dashes"},
    "local-time": {"receipt_zone_minutes": 120},
    "plain-receipts": {"plain_receipts": True},
}
"""What `brivas carriers quirks` says of a profile after its receipts."""

COUNTED: Final = {
    "early-receipts": "early",
    "duplicate-receipts": "duplicate",
    "enroute-receipts": "intermediate",
    "receipts-by-data-sm": "by_data_sm",
    "plain-receipts": "plain",
}
"""Which of its counts is not zero."""

CARRIER: Final[Mapping[str, Mapping[str, Any]]] = {
    "silent": {"responseTimeoutMs": 500},
    "smpp-3.3": {"interfaceVersion": "3.3"},
    "smpp-5.0": {"interfaceVersion": "5.0"},
}
"""What an operator says of such a carrier."""

COUNTERS: Final = {
    "error-bodies": "errors",
    "throttling": "throttled",
    "queue-full": "throttled",
    "silent": "ignored",
    "hangs-up": "hung_up",
    "unbinds": "unbinds",
}
"""Where the simulated carrier counts that it was as its profile says."""


@pytest.mark.parametrize("profile", PROFILES)
def test_every_message_ends_once_and_rightly_whatever_the_carrier_is_like(gateway: Gateway, profile: str) -> None:
    with simulated_smsc(**options_of([profile])) as smsc:
        told = carry(gateway, smsc, profile)
        assert sorted(told) == sorted(set(told)), "a message has more than one final state"
        expected = {"DELIVRD", "UNDELIV"} if profile == "failing" else {"DELIVRD"}
        assert {state for _, state in told} == expected
        counter = COUNTERS.get(profile)
        assert counter is None or smsc.progress()[counter] > 0
    shown = quirks(gateway)
    assert {name: shown[name] for name in LEARNED.get(profile, {})} == LEARNED.get(profile, {})
    counts = shown["receipts"]
    assert (counts["matched"], counts["ambiguous"]) == (COUNT, 0), counts
    if profile in COUNTED:
        assert counts[COUNTED[profile]] > 0, counts
    if profile == "smpp-5.0":
        assert gateway.carrier_stats().congestion_state == 85


def carry(gateway: Gateway, smsc: Running, profile: str) -> list[tuple[str, str]]:
    """Sends messages and waits for all receipts; the ids and states that these tell."""
    gateway.account(windowMax=COUNT)
    gateway.carrier(smsc.address, binds=2, windowMax=10, **CARRIER.get(profile, {}))
    gateway.route()
    gateway.start()
    wait_until(lambda: gateway.carrier_stats().binds_up == 2, "both binds are up", seconds=WAIT_SECONDS)
    with gateway.bind() as client:
        ids = {client.submit(f"4915{number:011}").text for number in range(COUNT)}
        for message_id in ids:
            client.receipt(message_id, timeout=60)
        client.ping()
        told = [(receipt.receipted_id, state(receipt.short_message)) for receipt in client.deliveries]
    assert {message_id for message_id, _ in told} == ids
    finals = [event.id for event in gateway.events("final")]
    assert sorted(finals) == sorted(ids)
    return told


def state(text: bytes) -> str:
    """What a receipt's text says."""
    return text.partition(b"stat:")[2].split()[0].decode()


def quirks(gateway: Gateway) -> dict[str, Any]:
    """What the command shows of the carrier."""
    command = [sys.executable, "-m", "brivas.cli", "--data", str(gateway.data), "carriers", "quirks", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    (shown,) = json.loads(ended.stdout)["carriers"]
    assert isinstance(shown, dict)
    return shown
