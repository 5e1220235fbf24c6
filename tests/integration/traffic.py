"""Messages that flow through a `brivas up` while a test does something to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.integration.simulation import Running, simulated_load
from tests.integration.up import Up

BINDS: Final = 4


@contextmanager
def traffic(up: Up, first: int) -> Iterator[Running]:
    """500 messages a second on four binds; in the end none was refused, and no connection was lost."""
    smpp = up.ready()["smpp"]
    sending = {
        "target": f"{smpp['host']}:{smpp['port']}",
        "system_id": smpp["system_id"],
        "password": smpp["password"],
        "binds": BINDS,
        "seconds": 600,
        "rate": 500,
        "first": first,
    }
    with simulated_load(**sending) as load:
        load.wait_for("accepted", 50)
        yield load
        flowing(load)
        before = load.progress()
        assert (before["disconnects"], before["refused"], before["unknown"], before["retried"]) == (0, 0, 0, 0)
        assert before["connects"] == BINDS


def flowing(load: Running) -> None:
    """Returns when more messages were sent, and their receipts came."""
    here = load.progress()
    load.wait_for("accepted", here["accepted"] + 100)
    load.wait_for("receipts", here["accepted"] + 50)


def customer_binds(up: Up) -> dict[str, dict[str, Any]]:
    """The binds of customers by their peer's address and port."""
    return {bind["peer"]: bind for bind in up.json("binds", "--side", "customer")["binds"]}
