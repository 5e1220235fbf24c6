"""Which certificates of ours are looked at, and where they are said to stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brivas.expiry import DAY_MS, OurCertificate, our_certificates
from brivas.v1 import control_pb2

AT_MS = 1_800_000_000_000


def folder(path: Path, certificate: dict[str, str]) -> Path:
    """A configuration with a TLS listener and a carrier that is shown the same certificate."""
    path.mkdir()
    specs: dict[tuple[str, str], dict[str, Any]] = {
        ("Listener", "tls"): {"address": "127.0.0.1:0", "tls": {"certificate": certificate, "key": certificate}},
        ("Carrier", "alpha"): {
            "host": "smsc.example",
            "systemId": "brivas",
            "tls": {"clientCertificate": certificate, "clientKey": certificate},
        },
    }
    for (kind, name), spec in specs.items():
        document = {"apiVersion": "brivas.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        (path / f"{name}.yaml").write_text(json.dumps(document))
    return path


@pytest.fixture
def stats() -> control_pb2.StatsResponse:
    """What the engine says."""
    stats = control_pb2.StatsResponse()
    stats.listeners.add(name="")
    stats.listeners.add(name="plain")
    stats.listeners.add(name="tls", tls=True, certificate_expires_at_ms=AT_MS)
    stats.carriers.add(name="plain")
    stats.carriers.add(name="alpha", certificate_expires_at_ms=AT_MS)
    return stats


def places(stats: control_pb2.StatsResponse, configuration: Path | None, data: Path) -> dict[str, str | None]:
    return {each.owner: each.where for each in our_certificates(stats, configuration, data)}


def test_a_file_is_named_where_it_is(tmp_path: Path, stats: control_pb2.StatsResponse) -> None:
    own = folder(tmp_path / "config", {"file": "secrets/smpp.pem"})
    data = tmp_path / "data"
    for beneath in (data, own):
        # The folder of the configuration comes first.
        (beneath / "secrets").mkdir(parents=True)
        (beneath / "secrets" / "smpp.pem").write_text("")
        where = str(beneath / "secrets" / "smpp.pem")
        assert places(stats, own, data) == {"listener tls": where, "carrier alpha": where}


def test_what_is_no_file_is_named_as_what_it_is(tmp_path: Path, stats: control_pb2.StatsResponse) -> None:
    own = folder(tmp_path / "config", {"env": "SMPP_CERTIFICATE"})
    assert places(stats, own, tmp_path)["listener tls"] == "environment variable SMPP_CERTIFICATE"


def test_without_a_folder_that_can_be_read_they_are_told_of_all_the_same(
    tmp_path: Path, stats: control_pb2.StatsResponse
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.yaml").write_text("kind: Nothing")
    for configuration in (None, tmp_path / "nowhere", broken):
        assert places(stats, configuration, tmp_path) == {"listener tls": None, "carrier alpha": None}


def test_days_are_whole_and_below_0_once_it_is_over() -> None:
    one = OurCertificate("listener tls", "spec.tls.certificate", "/a.pem", AT_MS)
    assert [one.days_left(AT_MS - left) for left in (30 * DAY_MS, 30 * DAY_MS - 1, 1, 0, -1)] == [30, 29, 0, 0, -1]
    assert one.describe() == "listener tls (/a.pem): expires 2027-01-15 08:00Z"
