"""The gateway is killed with SIGKILL while messages flow, and started again on the same data.

What it answered with ESME_ROK is delivered at the carrier, has its one final state, and its receipt. The carrier sees
a message twice only where its answer was not in the journal yet: it was under way, or waited for the commit before it.
"""

from __future__ import annotations

import collections
import random
from pathlib import Path
from typing import Final

import pytest

from brivas.v1 import events_pb2
from tests.integration.gateway import HOST, PASSWORD, Gateway
from tests.integration.simulation import read_bitmap, read_records, simulated_load, simulated_smsc
from tests.support.process import wait_until

MESSAGES: Final = 4_000
"""In each round."""

CARRIER_BINDS: Final = 2
CARRIER_WINDOW: Final = 50
REPEATED_MAX: Final = 4 * CARRIER_BINDS * CARRIER_WINDOW
"""Messages that a kill may repeat, on average: the windows, and what was answered during a commit."""

# Of each durability the rate to send at: as fast as answered, or so that there is time to kill.
DURABILITIES: Final = {"disk": 0, "memory": 10_000}


def prove(gateway: Gateway, folder: Path, rounds: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}, {rounds} rounds")  # noqa: T201 - pytest shows it where the test fails.
    chance = random.Random(seed)
    bitmap = folder / "bitmap"
    carrier = {"verify": True, "bitmap_file": str(bitmap), "latency_ms": 1, "receipt_delay_ms": 5}
    acknowledged: dict[int, str] = {}
    with simulated_smsc(**carrier) as smsc:
        for durability in DURABILITIES:
            gateway.account(durability, durability=durability, windowMax=1000)
        gateway.carrier(smsc.address, binds=CARRIER_BINDS, windowMax=CARRIER_WINDOW)
        gateway.route()
        gateway.start()
        gateway.wait_carrier_up()
        for number in range(rounds):
            acknowledged |= one_round(gateway, number, chance, folder / "records")
        took = smsc.stop()
    arrived = read_bitmap(bitmap)
    accepted, sent, finals = read_journal(gateway)
    print(f"{len(acknowledged)} acknowledged, {len(arrived)} arrived, {took['duplicates']} twice")  # noqa: T201

    assert len(acknowledged) > rounds * MESSAGES / 2, "too few were sent to prove anything"
    assert len(set(acknowledged.values())) == len(acknowledged), "an id was given twice"
    assert sorted(acknowledged.keys() - arrived) == [], f"answered ESME_ROK and never sent, seed {seed}"
    assert acknowledged.values() - accepted.keys() == set(), f"answered ESME_ROK and not in the journal, seed {seed}"
    assert {name: finals[name] for name in accepted if finals[name] != 1} == {}, f"not one final state, seed {seed}"
    assert finals.keys() == accepted.keys()
    assert sent == accepted.keys()
    assert took["unnumbered"] == 0
    assert took["duplicates"] <= REPEATED_MAX * rounds, f"seed {seed}"


def one_round(gateway: Gateway, number: int, chance: random.Random, records: Path) -> dict[int, str]:
    """Sends, kills at a moment of chance, starts again, and waits until all has ended; what was answered ESME_ROK."""
    durability = list(DURABILITIES)[number % 2]
    sending = {
        "target": f"{HOST}:{gateway.smpp[1]}",
        "system_id": durability,
        "password": PASSWORD,
        "binds": 4,
        "window": 50,
        "messages": MESSAGES,
        "rate": DURABILITIES[durability],
        "first": number * MESSAGES,
        "reconnect": True,
        "record_file": str(records),
        "drain_seconds": 30,
    }
    with simulated_load(**sending) as load:
        load.wait_for("accepted", chance.randrange(1, MESSAGES * 9 // 10))
        gateway.kill()
        gateway.start()
        ended = load.finish()
    assert ended["error"] is None
    assert ended["accepted"] + ended["unknown"] == MESSAGES, ended
    assert ended["receipts_missing"] == 0, "a receipt of a message that was answered ESME_ROK did not come"
    assert (ended["receipts_mismatched"], ended["protocol_errors"]) == (0, 0), ended
    # Messages that were taken over and not answered have receipts too: somebody must be there to take them.
    with gateway.bind(durability, mode="receiver") as client:

        def has_ended() -> bool:
            client.ping()
            return gateway.stats().totals.open_messages == 0

        wait_until(has_ended, "no message is open")
    return read_records(records)


def read_journal(gateway: Gateway) -> tuple[dict[str, int], set[str], collections.Counter[str]]:
    """Of each message that was accepted its offset; those that were sent; how many final states each has."""
    accepted: dict[str, int] = {}
    sent: set[str] = set()
    finals: collections.Counter[str] = collections.Counter()
    for event in gateway.events("accepted", "sent", "final"):
        match event.event.WhichOneof("kind"):
            case "accepted":
                assert event.id not in accepted, f"{event.id} was accepted twice"
                accepted[event.id] = event.offset
            case "sent":
                assert event.id not in sent, f"{event.id} was sent again although the journal knew its answer"
                sent.add(event.id)
            case "final":
                assert event.event.final.state == events_pb2.MESSAGE_STATE_DELIVERED
                finals[event.id] += 1
    assert list(accepted) == sorted(accepted), "ids went back"
    return accepted, sent, finals


@pytest.mark.timeout(300)
def test_20_kills_lose_nothing_that_was_answered_rok(gateway: Gateway, tmp_path: Path) -> None:
    prove(gateway, tmp_path, 20)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_100_kills_lose_nothing_that_was_answered_rok(gateway: Gateway, tmp_path: Path) -> None:
    prove(gateway, tmp_path, 100)
