"""Health, metrics, the description of the face, and the process itself."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import httpx

from brivas.layout import Layout, write_private
from brivas.v1 import control_pb2, events_pb2
from tests.support.fake_engine import API_KEY, TOKEN, FakeEngine
from tests.support.process import Brivas, free_port, wait_until
from tests.unit.http.conftest import Api, live
from tests.unit.http.test_submission import ONE, problem

SAMPLE = re.compile(r'^(?P<name>[a-z_]+)(?P<labels>\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (?P<value>[0-9.e+-]+)$')


def families(text: str) -> dict[str, tuple[str, dict[str, float]]]:
    """(type, samples) by family; fails where the text breaks the rules of OpenMetrics 1.0."""
    assert text.endswith("# EOF\n")
    found: dict[str, tuple[str, dict[str, float]]] = {}
    name = ""
    for line in text.removesuffix("# EOF\n").splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in found, f"{name} is interleaved"
            found[name] = (kind, {})
        elif line.startswith("# UNIT "):
            assert line.split(" ")[2] == name
            assert name.endswith("_" + line.split(" ")[3])
        elif line.startswith("# HELP "):
            assert line.split(" ")[2] == name
        else:
            sample = SAMPLE.match(line)
            assert sample, line
            suffixes = {"counter": ["_total"], "gauge": [""], "info": ["_info"], "summary": ["", "_count"]}
            assert sample["name"] in [name + suffix for suffix in suffixes[found[name][0]]], line
            series = sample["name"] + (sample["labels"] or "")
            assert series not in found[name][1], f"{series} twice"
            found[name][1][series] = float(sample["value"])
    return found


def test_ready_says_why_not(api: Api) -> None:
    response = api.client.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    api.engine.stats.draining = True
    api.engine.stats.acceptance_stopped = "fdatasync failed: EIO"
    response = api.client.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "not_ready")
    reasons = {check["name"]: check["reason"] for check in response.json()["checks"] if not check["ok"]}
    assert reasons == {"accepting": "the engine drains", "journal": "fdatasync failed: EIO"}


def test_metrics_are_openmetrics(api: Api) -> None:
    api.engine.stats.totals.accepted = 5
    api.engine.stats.journal.sync_us_p50 = 300
    del api.engine.stats.accounts[:], api.engine.stats.carriers[:]
    for name in ("acme", "globex"):
        api.engine.stats.accounts.add(name=name, accepted=3)
    api.engine.stats.carriers.add(
        name="one",
        binds_up=1,
        binds_wanted=2,
        held=4,
        receipts=control_pb2.CarrierReceipts(early=3),
        learned=events_pb2.CarrierLearned(
            message_ids=events_pb2.MESSAGE_IDS_HEXADECIMAL_TO_DECIMAL, receipt_zone_minutes=0
        ),
    )
    response = api.client.get("/metrics")
    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    found = families(response.text)
    assert found["brivas_messages_accepted"] == ("counter", {"brivas_messages_accepted_total": 5.0})
    accounts = found["brivas_account_messages_accepted"][1]
    assert accounts['brivas_account_messages_accepted_total{account="globex"}'] == 3.0
    assert found["brivas_journal_sync_seconds"][1]['brivas_journal_sync_seconds{quantile="0.5"}'] == 0.0003
    assert found["brivas_engine_up"][1] == {"brivas_engine_up": 1.0}
    assert found["brivas_carrier_messages_held"][1] == {'brivas_carrier_messages_held{carrier="one"}': 4.0}
    early = 'brivas_carrier_receipts_early_total{carrier="one"}'
    assert found["brivas_carrier_receipts_early"] == ("counter", {early: 3.0})
    labels = 'carrier="one",message_ids="hexToDecimal",receipt_zone_minutes="0",plain_receipts="false"'
    assert found["brivas_carrier_quirks"] == ("info", {f"brivas_carrier_quirks_info{{{labels}}}": 1.0})


def test_metrics_say_when_certificates_expire(api: Api) -> None:
    del api.engine.stats.carriers[:], api.engine.stats.listeners[:]
    api.engine.stats.listeners.add(name="", connections_accepted=9)
    api.engine.stats.listeners.add(name="plain", connections_accepted=2)
    api.engine.stats.listeners.add(name="tls", tls=True, certificate_expires_at_ms=1_800_000_000_000)
    api.engine.stats.carriers.add(name="mutual", certificate_expires_at_ms=1_900_000_000_000)
    api.engine.stats.carriers.add(name="plain")
    found = families(api.client.get("/metrics").text)
    listeners = "brivas_listener_certificate_expiry_time_seconds"
    assert found[listeners][1] == {f'{listeners}{{listener="tls"}}': 1_800_000_000.0}
    carriers = "brivas_carrier_certificate_expiry_time_seconds"
    assert found[carriers][1] == {f'{carriers}{{carrier="mutual"}}': 1_900_000_000.0}
    accepted = found["brivas_listener_connections_accepted"][1]
    assert accepted['brivas_listener_connections_accepted_total{listener="plain"}'] == 2.0
    assert len(accepted) == 2, "the gateway's own has no name"


def test_a_dead_engine_is_told_by_every_path_and_found_again(api: Api) -> None:
    api.engine.stop()
    try:
        assert api.client.get("/health/live").status_code == 200
        response = api.client.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["checks"][0]["reason"] == "the engine does not answer"
        assert families(api.client.get("/metrics").text)["brivas_engine_up"][1] == {"brivas_engine_up": 0.0}
        response = api.client.post("/v1/messages", json=ONE)
        problem(response, 503, "engine-unreachable")
        assert api.engine.target not in response.text
    finally:
        api.engine.start()
    wait_until(lambda: api.client.get("/health/ready").status_code == 200, "the engine is found again")
    assert api.client.post("/v1/messages", json=ONE).status_code == 202


def test_openapi_names_only_schemas_that_are_there(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [found for each in value.values() for found in references(each)]
        return [found for each in value for found in references(each)] if isinstance(value, list) else []

    named = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
    assert named <= set(document["components"]["schemas"])
    assert {"NewMessage", "Outcome", "Problem"} <= named


def test_the_index_names_the_way(api: Api) -> None:
    index = httpx.get(api.url).json()
    assert index["openapi"] == "/openapi.json"


def test_nothing_of_a_message_and_no_key_is_logged(api: Api) -> None:
    api.engine.failures["Submit"] = (13, "oops")  # type: ignore[assignment] # not a status: a fault inside.
    api.client.post("/v1/messages", json=ONE)
    api.engine.failures.clear()
    api.client.post("/v1/messages", json={"messages": [ONE, 5]})
    logged = api.process.logged()
    for secret in ("447700900123", "Hello", API_KEY, TOKEN):
        assert secret not in logged


def test_sigterm_ends_with_0_and_a_kill_leaves_no_worker(tmp_path: Path) -> None:
    write_private(Layout(tmp_path).control_token, TOKEN)
    engine = FakeEngine()
    listen = f"127.0.0.1:{free_port()}"
    arguments = ("api", "--http-listen", listen, "--workers", "2", "--messaging-target", engine.target)
    with Brivas(tmp_path, *arguments, log=tmp_path / "log") as first:
        wait_until(lambda: live(f"http://{listen}"), first.logged())
        assert first.terminate() == 0, first.logged()
    with Brivas(tmp_path, *arguments, log=tmp_path / "log") as second:
        wait_until(lambda: live(f"http://{listen}"), second.logged())
        os.kill(second.process.pid, signal.SIGKILL)
        second.process.wait(10)
        wait_until(lambda: not live(f"http://{listen}"), "the workers end with their parent")
    engine.stop()


def test_a_port_that_is_taken_is_an_error_with_a_hint(api: Api, tmp_path: Path) -> None:
    listen = api.url.removeprefix("http://")
    with Brivas(tmp_path, "api", "--http-listen", listen, log=tmp_path / "log") as process:
        assert process.process.wait(20) == 1
        assert f"cannot listen on {listen}" in process.logged()
        assert "hint:" in process.logged()
