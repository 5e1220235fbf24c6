"""A carrier that throttles by status alone gets what it takes, without its rate being configured."""

from __future__ import annotations

import time

import pytest

from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.simulation import simulated_load, simulated_smsc

RATE = 1_000
SECONDS = 15


@pytest.mark.long
def test_a_carrier_that_throttles_at_a_thousand_a_second_gets_nine_tenths_of_that(gateway: Gateway) -> None:
    with simulated_smsc(throttle_per_second=RATE, latency_ms=20) as smsc:
        gateway.account(windowMax=1000)
        gateway.carrier(smsc.address, binds=4, windowMax=100)
        gateway.route()
        gateway.start()
        gateway.wait_carrier_up()
        host, port = gateway.smpp
        target = {"target": f"{host}:{port}", "system_id": "acme", "password": PASSWORD}
        load = {"binds": 2, "window": 500, "messages": RATE * (SECONDS + 5), "rate": RATE * 3, "drain_seconds": 60}
        with simulated_load(**target, **load) as customers:
            smsc.wait_for("accepted", 2 * RATE)
            before, began = smsc.progress(), time.monotonic()
            smsc.wait_for("accepted", RATE * (SECONDS + 2))
            after, seconds = smsc.progress(), time.monotonic() - began
            customers.wait_for("receipts", RATE * (SECONDS + 5))
        taken = (after["accepted"] - before["accepted"]) / seconds
        refused = (after["throttled"] - before["throttled"]) / (after["accepted"] - before["accepted"])
        assert taken >= 0.9 * RATE, f"{taken:.0f} a second taken"
        assert refused < 0.05, f"{refused:.4f} refused a message taken"
