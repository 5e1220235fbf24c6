"""TLS, mutual TLS, IPv6 and PROXY v2 as customers and carriers meet them: peers of others with a whole `brivas up`."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brivas.errors import BrivasError
from brivas.v1 import control_pb2
from tests.integration import wire
from tests.integration.haproxy import SOURCE, HAProxy
from tests.integration.peers import KINDS, Peer, Peers
from tests.integration.recorder import Recorder
from tests.integration.secured import PASSWORD, PREFIX, Secured
from tests.integration.wire import Client
from tests.support.certificates import Authority, Pair
from tests.support.process import wait_until

CUSTOMERS = [name for name, kind in KINDS.items() if kind.customer]
TLS_CUSTOMERS = [name for name in CUSTOMERS if KINDS[name].tls]
IPV6_CUSTOMERS = [name for name in CUSTOMERS if KINDS[name].ipv6]
MUTUAL_CUSTOMERS = [name for name in CUSTOMERS if KINDS[name].mutual]
TLS_CARRIERS = [name for name, kind in KINDS.items() if kind.tls_carrier]
NUMBER = f"{PREFIX}1701234567"
TEXT = "hello over TLS"


def certified(name: str) -> str:
    """The account of a peer that its certificate lets in."""
    return f"c-{name}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs for everybody here."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def identities(authority: Authority) -> dict[str, Pair]:
    """The client certificates of peers."""
    return {name: authority.sign(certified(name)) for name in MUTUAL_CUSTOMERS}


@pytest.fixture(scope="module")
def carrier() -> Iterator[Recorder]:
    """A plain carrier behind the gateway."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def secured(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, carrier: Recorder, peers: Peers
) -> Iterator[Secured]:
    """One `brivas up` for all tests here."""
    site = Secured(tmp_path_factory.mktemp("secured"), authority)
    site.listener("tls")
    site.listener("mutual", mutual=True)
    site.listener("six", address="[::1]:0", tls=False)
    site.listener("six-tls", address="[::1]:0")
    site.listener("proxied", tls=False, proxy=True)
    site.listener("proxied-tls", proxy=True)
    for name in CUSTOMERS:
        site.account(name)
    for name in MUTUAL_CUSTOMERS:
        site.account(certified(name), authentication="certificate")
    site.account("behind", addresses=["127.0.0.2"])
    site.carrier("recorder", carrier.address[1], PREFIX)
    theirs, ours = authority.sign("smsc.example"), authority.sign("brivas")
    files = {"certificate": str(theirs.certificate), "key": str(theirs.key), "ca": str(authority.certificate)}
    tls = {
        "ca": {"file": str(authority.certificate)},
        "clientCertificate": {"file": str(ours.certificate)},
        "clientKey": {"file": str(ours.key)},
    }
    (site.config / "carrier.password").write_text(PASSWORD)
    for number, name in enumerate(TLS_CARRIERS):
        port = peers[name].ask("listen", system_id="brivas", password=PASSWORD, refused="0", **files)["port"]
        site.carrier(name, port, f"{number + 1}", password={"file": "carrier.password"}, tls=tls)
    with site.running():
        for name in ("recorder", *TLS_CARRIERS):
            site.wait_carrier_up(name)
        yield site


@pytest.fixture
def peer(request: pytest.FixtureRequest, peers: Peers) -> Iterator[Peer]:
    """A peer that is not bound, before and after."""
    peer = peers[request.param]
    if peer.mode is not None:
        peer.unbind()
    yield peer
    if peer.mode is not None:
        peer.unbind()


def bind(peer: Peer, address: tuple[str, int], system_id: str, **told: Any) -> None:
    """Has it bind."""
    assert peer.bind(host=address[0], port=address[1], system_id=system_id, password=PASSWORD, **told) == wire.ESME_ROK


def is_served(peer: Peer) -> None:
    """It submits a message and gets its receipt."""
    octets = TEXT.encode().hex()
    told = {"kind": "short", "source": "Brivas", "destination": NUMBER, "text": TEXT, "octets": octets}
    [answer] = peer.ask("submit", **told)["answers"]
    assert answer["status"] == wire.ESME_ROK
    peer.see("receipt", id=answer["id"], state="DELIVRD")


@pytest.mark.parametrize("peer", TLS_CUSTOMERS, indirect=True)
def test_a_customer_binds_over_tls_and_gets_its_receipt(peer: Peer, secured: Secured, authority: Authority) -> None:
    bind(peer, secured.address("tls"), peer.kind.name, ca=str(authority.certificate))
    is_served(peer)
    [shown] = secured.binds(peer.kind.name)
    assert shown["tls"] in ("TLSv1.2", "TLSv1.3")
    assert shown["tls_cipher"].startswith("TLS_")
    assert shown["certificate_names"] == []


@pytest.mark.parametrize("peer", MUTUAL_CUSTOMERS, indirect=True)
def test_mutual_tls_lets_a_customer_in_by_its_certificate(
    peer: Peer, secured: Secured, authority: Authority, identities: dict[str, Pair]
) -> None:
    own = identities[peer.kind.name]
    files = {"ca": str(authority.certificate), "certificate": str(own.certificate), "key": str(own.key)}
    name = certified(peer.kind.name)
    bind(peer, secured.address("mutual"), name, **files)
    is_served(peer)
    [shown] = secured.binds(name)
    assert shown["certificate_names"] == [name, "localhost"]


@pytest.mark.parametrize("peer", MUTUAL_CUSTOMERS, indirect=True)
def test_mutual_tls_keeps_out_who_shows_the_certificate_of_another(
    peer: Peer, secured: Secured, authority: Authority
) -> None:
    other = authority.sign("somebody")
    files = {"ca": str(authority.certificate), "certificate": str(other.certificate), "key": str(other.key)}
    host, port = secured.address("mutual")
    told = peer.bind(host=host, port=port, system_id=certified(peer.kind.name), password=PASSWORD, **files)
    assert told == wire.ESME_RBINDFAIL or (told is None and not peer.kind.says_why)
    assert secured.binds(certified(peer.kind.name)) == []


def test_mutual_tls_refuses_who_shows_no_certificate(secured: Secured, authority: Authority) -> None:
    before = secured.stats().totals.tls_handshakes_failed
    # In TLS 1.3 a client is through before it is refused.
    with (
        pytest.raises((OSError, wire.ConnectionEndedError)),
        Client(secured.address("mutual"), tls=authority.client()) as client,
    ):
        client.bind(certified("smpplib"), PASSWORD)
    wait_until(lambda: secured.stats().totals.tls_handshakes_failed == before + 1, "it is counted")
    secured.wait_said("the peer shows no certificate, and must")


@pytest.mark.parametrize("peer", IPV6_CUSTOMERS, indirect=True)
def test_a_customer_binds_by_ipv6(peer: Peer, secured: Secured) -> None:
    bind(peer, secured.address("six"), peer.kind.name)
    is_served(peer)
    [shown] = secured.binds(peer.kind.name)
    assert shown["peer"].startswith("[::1]:")


def test_a_customer_binds_by_ipv6_over_tls(secured: Secured, authority: Authority) -> None:
    with Client(secured.address("six-tls"), tls=authority.client()) as client:
        assert client.bind("smpplib", PASSWORD).status == wire.ESME_ROK
        client.receipt(client.submit(NUMBER).text)
        [shown] = secured.binds("smpplib")
        assert (shown["peer"], shown["tls"]) == (client.name, "TLSv1.3")


@pytest.fixture(scope="module")
def haproxy(tmp_path_factory: pytest.TempPathFactory, secured: Secured) -> Iterator[HAProxy]:
    """HAProxy before the listeners that trust it."""
    faces = ("proxied", "proxied-tls")
    targets = {name: "{}:{}".format(*secured.address(name)) for name in faces}
    with HAProxy(tmp_path_factory.mktemp("haproxy"), targets) as haproxy:
        yield haproxy


@pytest.mark.parametrize("peer", CUSTOMERS, indirect=True)
def test_a_customer_binds_through_haproxy_by_proxy_v2(peer: Peer, secured: Secured, haproxy: HAProxy) -> None:
    bind(peer, ("127.0.0.1", haproxy.ports["proxied"]), peer.kind.name)
    is_served(peer)
    [shown] = secured.binds(peer.kind.name)
    assert shown["peer"].startswith("127.0.0.1:"), f"that is not {SOURCE}, from where haproxy connects"


@pytest.mark.parametrize("peer", TLS_CUSTOMERS, indirect=True)
def test_a_customer_binds_over_tls_through_haproxy_by_proxy_v2(
    peer: Peer, secured: Secured, haproxy: HAProxy, authority: Authority
) -> None:
    bind(peer, ("127.0.0.1", haproxy.ports["proxied-tls"]), peer.kind.name, ca=str(authority.certificate))
    is_served(peer)
    [shown] = secured.binds(peer.kind.name)
    assert shown["tls"]
    assert shown["peer"].startswith("127.0.0.1:")


def test_the_address_behind_proxy_v2_decides_who_may_bind(secured: Secured, haproxy: HAProxy) -> None:
    face = ("127.0.0.1", haproxy.ports["proxied"])
    with Client(face, source="127.0.0.2") as client:
        assert client.bind("behind", PASSWORD).status == wire.ESME_ROK
        [shown] = secured.binds("behind")
        assert shown["peer"] == client.name
    with Client(face, source="127.0.0.3") as client:
        assert client.bind("behind", PASSWORD).status == wire.ESME_RBINDFAIL
    secured.wait_said("127.0.0.3 is in none of the networks that may bind")


def test_the_health_checks_of_haproxy_are_no_failures(secured: Secured, haproxy: HAProxy) -> None:
    before = connections(secured, "proxied")
    wait_until(lambda: connections(secured, "proxied") > before + 3, "checks")
    assert secured.stats().totals.proxy_headers_refused == 0


def connections(secured: Secured, listener: str) -> int:
    """How many a listener has taken."""
    return next(each.connections_accepted for each in secured.stats().listeners if each.name == listener)


@pytest.mark.parametrize("name", TLS_CARRIERS)
def test_a_carrier_that_asks_for_our_certificate_is_bound_to_over_tls_and_its_receipts_come(
    secured: Secured, peers: Peers, authority: Authority, name: str
) -> None:
    peer = peers[name]
    destination = f"{TLS_CARRIERS.index(name) + 1}701234567"
    with Client(secured.address("tls"), tls=authority.client()) as client:
        assert client.bind("smpplib", PASSWORD).status == wire.ESME_ROK
        message_id = client.submit(destination, b"to a carrier").text
        message = peer.see("submitted", destination=destination)
        peer.see("answered", id=message["id"], status=wire.ESME_ROK)
        assert b"stat:DELIVRD" in client.receipt(message_id).short_message
    [shown] = secured.binds(name, "carrier")
    assert shown["tls"] in ("TLSv1.2", "TLSv1.3")
    assert shown["certificate_names"] == ["smsc.example", "localhost"]


def test_binds_show_tls_to_people(secured: Secured, authority: Authority, identities: dict[str, Pair]) -> None:
    tls = authority.client(identities["smpplib"])
    with Client(secured.address("mutual"), tls=tls) as client:
        assert client.bind(certified("smpplib"), "").status == wire.ESME_ROK
        shown = secured.up.run("binds", "--side", "customer").stdout
        assert "TLSv1.3 TLS_" in shown
        assert "certificate: c-smpplib, localhost" in shown
        assert "plain" in secured.up.run("binds", "--side", "carrier").stdout


# What operators see.


@pytest.fixture
def alone(tmp_path: Path, authority: Authority) -> Secured:
    """One that is not started, with an account and no listener."""
    site = Secured(tmp_path, authority)
    site.account("acme")
    return site


def test_the_ready_file_says_where_tls_is_and_follows_reloads_and_restarts(alone: Secured) -> None:
    with alone.running():
        up = alone.up
        assert "smpp_tls" not in up.ready()
        alone.listener("mutual", mutual=True)
        ready = up.ready(lambda ready: "smpp_tls" in ready)
        assert ready["smpp_tls"] == {"host": "127.0.0.1", "port": alone.address("mutual")[1]}
        # One that asks for less is better.
        alone.listener("easy")
        up.ready(lambda ready: is_easy(alone, ready))
        with Client(alone.address("easy"), tls=alone.authority.client()) as client:
            assert client.bind("acme", PASSWORD).status == wire.ESME_ROK
        pid = up.ready()["pids"]["gateway"]
        os.kill(pid, signal.SIGKILL)
        up.ready(lambda ready: ready["pids"].get("gateway") not in (None, pid) and is_easy(alone, ready))
        assert json.loads((up.data / "run" / "endpoints.json").read_text()) == up.ready()
        for file in alone.config.glob("listener-*"):
            file.unlink()
        up.ready(lambda ready: "smpp_tls" not in ready)


def is_easy(site: Secured, ready: dict[str, Any]) -> bool:
    """Whether the ready file names the listener that asks for no certificate, where it is now."""
    return any(
        each.name == "easy" and int(each.address.rpartition(":")[2]) == ready.get("smpp_tls", {}).get("port")
        for each in stats_if_up(site)
    )


def stats_if_up(site: Secured) -> list[control_pb2.ListenerStats]:
    """The listeners, or none while the engine is away."""
    try:
        return list(site.stats().listeners)
    except BrivasError:
        return []


def test_certificates_that_end_are_found_by_doctor_and_metrics(alone: Secured) -> None:
    authority = alone.authority
    soon = authority.sign("soon", days=29, file="soon")
    ended = authority.sign("ended", days=-1, file="ended")
    alone.listener("good")
    alone.listener("soon", pair=soon)
    alone.listener("ended", pair=ended)
    files = {"clientCertificate": {"file": str(soon.certificate)}, "clientKey": {"file": str(soon.key)}}
    alone.carrier("alpha", 9, PREFIX, tls={"ca": {"file": str(authority.certificate)}, **files})
    with alone.running():
        up = alone.up
        ended_doctor = up.run("doctor", "--json")
        assert ended_doctor.returncode == 1
        checks = [each for each in json.loads(ended_doctor.stdout)["checks"] if each["check"] == "certificate"]
        found = {each["found"].partition(" (")[0]: each for each in checks}
        verdicts = {owner: each["verdict"] for owner, each in found.items()}
        assert verdicts == {
            "listener good": "ok",
            "listener soon": "warn",
            "listener ended": "fail",
            "carrier alpha": "warn",
        }
        assert str(ended.certificate) in found["listener ended"]["found"]
        assert f"replace {ended.certificate}, and its key" in found["listener ended"]["hint"]
        assert "in 28 days" in found["carrier alpha"]["found"]
        metrics = scrape(up.ready()["http"]["url"])
        stats = alone.stats()
        for listener in stats.listeners:
            if listener.tls:
                series = f'brivas_listener_certificate_expiry_time_seconds{{listener="{listener.name}"}}'
                assert metrics[series] == listener.certificate_expires_at_ms / 1000
        series = 'brivas_carrier_certificate_expiry_time_seconds{carrier="alpha"}'
        assert metrics[series] == stats.carriers[0].certificate_expires_at_ms / 1000
        alone.wait_said("certificate_expired")
        # A file that is replaced counts without a restart.
        fresh = authority.sign("fresh", file="fresh")
        ended.key.write_bytes(fresh.key.read_bytes())
        ended.certificate.write_bytes(fresh.certificate.read_bytes())
        wait_until(lambda: verdict(alone, "listener ended") == "ok", "the new certificate is in force")


def verdict(site: Secured, owner: str) -> str:
    """What doctor says of a certificate."""
    checks = json.loads(site.up.run("doctor", "--json").stdout)["checks"]
    return next(str(each["verdict"]) for each in checks if each["found"].startswith(owner))


def scrape(url: str) -> dict[str, float]:
    """The samples of `/metrics`."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}
