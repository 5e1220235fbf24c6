"""The configuration changes while messages flow: connections and sequence numbers go on, nothing is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brivas.layout import Layout
from tests.integration.traffic import BINDS, customer_binds, flowing, traffic
from tests.integration.up import Up
from tests.integration.wire import Client
from tests.support.process import wait_until

NUMBER = "491701234567"


@pytest.fixture
def folder(brivas_up: Up) -> Iterator[Path]:
    """The configuration; after the test it is again as it was."""
    folder = brivas_up.data / "config"
    files = {file: file.read_text() for file in folder.iterdir()}
    in_force = status(brivas_up)["hash"]
    yield folder
    for file in folder.iterdir():
        if file not in files:
            file.unlink()
    for file, text in files.items():
        put(file, text)
    wait_until(lambda: status(brivas_up)["hash"] == in_force, "the old configuration is in force again")


def carrier_binds(up: Up) -> list[int]:
    """Since when the binds to the carrier stand."""
    return [bind["since_ms"] for bind in up.json("binds", "--side", "carrier")["binds"]]


def status(up: Up) -> dict[str, Any]:
    return up.json("config", "status")


def put(file: Path, text: str) -> None:
    """Replaces a file at once."""
    partial = file.with_name(f".{file.name}")
    partial.write_text(text)
    partial.replace(file)


def change(up: Up, *files: tuple[Path, str], state: str = "applied") -> dict[str, Any]:
    """Replaces files in this order, and waits until the folder was judged."""
    before = status(up)["at"]
    for file, text in files:
        put(file, text)
    stored = Layout(up.data).config_status

    def is_judged() -> bool:
        judged: dict[str, Any] = json.loads(stored.read_text())
        return bool(judged["at"] > before and judged["state"] == state)

    wait_until(is_judged, f"the folder is {state}")
    return status(up)


def edit(up: Up, file: Path, old: str, new: str, state: str = "applied") -> dict[str, Any]:
    """The same, with one line of a file."""
    text = file.read_text()
    assert old in text
    return change(up, (file, text.replace(old, new)), state=state)


def resource(kind: str, name: str, **spec: Any) -> str:
    return json.dumps({"apiVersion": "brivas.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})


def route_of(up: Up, destination: str) -> str:
    return str(up.json("routes", "explain", destination)["route"])


def submitted(client: Client, count: int) -> None:
    """Messages on a watched bind: each answered under its own sequence number."""
    for _ in range(count):
        client.receipt(client.submit(NUMBER).text)


def test_changes_under_traffic_keep_connections_and_sequence_numbers_going(brivas_up: Up, folder: Path) -> None:
    account, carrier = folder / "account-sample.yaml", folder / "carrier-simulator.yaml"
    with brivas_up.bind() as watched, traffic(brivas_up, 0) as load:
        submitted(watched, 5)
        before, carriers_since = customer_binds(brivas_up), carrier_binds(brivas_up)
        assert len(before) == BINDS + 1
        assert watched.name in before
        route = resource("Route", "new", prefix="33", targets=[{"carrier": "simulator"}])
        changes: list[Callable[[], dict[str, Any]]] = [
            lambda: change(brivas_up, (folder / "account-new.yaml", resource("Account", "new"))),
            lambda: change(brivas_up, (folder / "route-new.yaml", route)),
            lambda: edit(brivas_up, account, "windowMax: 1000", "windowMax: 500"),
            lambda: edit(brivas_up, account, "throughputPerSecond: 0", "throughputPerSecond: 100000"),
            lambda: edit(brivas_up, carrier, "windowMax: 100", "windowMax: 50"),
        ]
        hashes = {status(brivas_up)["hash"]}
        for make in changes:
            hashes.add(make()["hash"])
            submitted(watched, 5)
            flowing(load)
        assert len(hashes) == len(changes) + 1, "a change was not in force"
        after = customer_binds(brivas_up)
        assert after.keys() == before.keys(), "a connection was replaced"
        for peer, bind in after.items():
            assert bind["since_ms"] == before[peer]["since_ms"]
            assert bind["last_sequence_in"] > before[peer]["last_sequence_in"]
            assert bind["last_sequence_out"] > before[peer]["last_sequence_out"]
            assert bind["window_max"] == 500
        assert carrier_binds(brivas_up) == carriers_since
        assert brivas_up.json("routes", "explain", "33612345678")["route"] == "new"


def test_a_carrier_that_is_added_and_removed_does_not_disturb_the_others(brivas_up: Up, folder: Path) -> None:
    carrier = brivas_up.ready()["carrier"]
    credentials = {"systemId": "simulator", "password": {"file": "secrets/simulator.password"}}
    second = folder / "carrier-second.yaml"
    with brivas_up.bind() as watched, traffic(brivas_up, 1_000_000) as load:
        before = customer_binds(brivas_up)
        new = resource("Carrier", "second", host=carrier["host"], port=carrier["port"], **credentials)
        change(brivas_up, (second, new))
        wait_until(lambda: len(carrier_binds(brivas_up)) == 3, "the new carrier is bound to")
        route = folder / "route-second.yaml"
        change(brivas_up, (route, resource("Route", "second", prefix="44", targets=[{"carrier": "second"}])))
        watched.receipt(watched.submit("447712345678").text)
        flowing(load)
        # The route goes first: a route without its carrier is refused.
        route.unlink()
        wait_until(lambda: route_of(brivas_up, "447712345678") == "default", "the route is gone")
        second.unlink()
        wait_until(lambda: len(carrier_binds(brivas_up)) == 2, "the carrier is parted with")
        watched.receipt(watched.submit("447712345678").text)
        flowing(load)
        assert customer_binds(brivas_up).keys() == before.keys()


@pytest.mark.parametrize(
    ("wrong", "value", "hint"),
    [
        ("windowMx: 1000", "windowMx", "windowMax"),
        ("windowMax: many", "many", "a whole number"),
        ("windowMax: 0", "0", "from 1 to 10000"),
    ],
    ids=["unknown field", "wrong type", "out of bounds"],
)
def test_a_wrong_file_is_refused_whole_with_its_place_and_the_old_configuration_stays(
    brivas_up: Up, folder: Path, wrong: str, value: str, hint: str
) -> None:
    account, beside = folder / "account-sample.yaml", folder / "route-beside.yaml"
    original = account.read_text()
    line = next(number for number, each in enumerate(original.splitlines(), 1) if "windowMax: 1000" in each)
    in_force = status(brivas_up)["hash"]
    with brivas_up.bind() as watched, traffic(brivas_up, 2_000_000) as load:
        before = customer_binds(brivas_up)
        route = resource("Route", "beside", prefix="7", targets=[{"carrier": "simulator"}])
        broken = original.replace("windowMax: 1000", wrong)
        refused = change(brivas_up, (account, broken), (beside, route), state="refused")
        [problem] = refused["problems"]
        assert (problem["file"], problem["line"]) == (str(account), line)
        assert value in json.dumps(problem)
        assert hint in f"{problem['hint']} {problem['message']}"
        assert f"{account}:{line}:" in brivas_up.run("config", "status").stdout
        assert refused["hash"] == in_force
        submitted(watched, 5)
        flowing(load)
        assert route_of(brivas_up, "79161234567") == "default", "what is right beside it was taken"
        assert change(brivas_up, (account, original))["hash"] != in_force
        assert route_of(brivas_up, "79161234567") == "beside"
        submitted(watched, 5)
        assert customer_binds(brivas_up).keys() == before.keys()
