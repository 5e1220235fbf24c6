"""What integration tests start: a whole `brivas up`, a gateway alone, a carrier that keeps what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.fenced import Fenced
from tests.integration.gateway import Gateway
from tests.integration.peers import Peers
from tests.integration.recorder import Recorder
from tests.integration.simulation import simulated_smsc
from tests.integration.up import Up, running
from tests.integration.wiretap import Wiretap
from tests.support import agreement, tshark
from tests.support.certificates import Authority


@pytest.fixture(scope="module")
def brivas_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A `brivas up` with its sample account and simulated carrier, ready; one for all tests of a module."""
    with running(tmp_path_factory.mktemp("up") / "data") as up:
        up.ready()
        yield up


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway alone, not started, with an empty configuration."""
    with Gateway(tmp_path / "gateway") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that hostile peers go at, the same for all tests of a module; in the end it has never fallen.

    It has the account `acme`, the account `other` of a bystander, and a carrier that behaves.
    """
    with simulated_smsc() as smsc, Gateway(tmp_path_factory.mktemp("hostile") / "gateway") as gateway:
        gateway.account()
        gateway.account("other", windowMax=1000)
        gateway.carrier(smsc.address, windowMax=1000)
        gateway.route()
        gateway.start()
        gateway.wait_carrier_up()
        yield gateway
        assert gateway.is_running()
        assert "panicked" not in gateway.logged()


@pytest.fixture(scope="module")
def fenced(tmp_path_factory: pytest.TempPathFactory, guarded: Gateway) -> Fenced:
    """The same, with listeners for TLS and behind a proxy."""
    fenced = Fenced(guarded, Authority(tmp_path_factory.mktemp("certificates")))
    fenced.configure()
    guarded.reload()
    return fenced


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A carrier that keeps every message as it came."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    """SMPP implementations of others, each started when it is first asked for."""
    peers = Peers(tmp_path_factory.mktemp("peers"))
    yield peers
    peers.close()


@pytest.fixture(scope="module")
def wiretap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wiretap]:
    """What peers and a gateway say to each other passes here; in the end Wireshark and our codec agree about all."""
    with Wiretap() as wiretap:
        yield wiretap
    if tshark.IS_MISSING:
        pytest.skip("tshark is missing: apt-get install tshark")
    found = agreement.compare(wiretap.conversations, tmp_path_factory.mktemp("wiretap"))
    found.assert_holds()
    assert found.counts.total() > 0
