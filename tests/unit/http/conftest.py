"""A real `brivas api` process before a fake engine, one for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from brivas.layout import Layout, write_private
from tests.support.fake_engine import API_KEY, TOKEN, FakeEngine
from tests.support.process import Brivas, free_port, wait_until


@dataclass(frozen=True, slots=True)
class Api:
    """The process, the engine behind it, and a client with acme's key."""

    process: Brivas
    engine: FakeEngine
    client: httpx.Client
    url: str


def live(url: str) -> bool:
    """Whether HTTP is answered."""
    try:
        return httpx.get(f"{url}/health/live", timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    data: Path = tmp_path_factory.mktemp("data")
    write_private(Layout(data).control_token, TOKEN + "\n")
    engine = FakeEngine()
    listen = f"127.0.0.1:{free_port()}"
    url = f"http://{listen}"
    targets = ("--messaging-target", engine.target, "--control-target", engine.target)
    with (
        Brivas(data, "api", "--http-listen", listen, *targets, log=data / "api.log") as process,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=20.0) as client,
    ):
        wait_until(lambda: live(url), f"{url} answers; {process.logged()}")
        yield Api(process, engine, client, url)
    engine.stop()


@pytest.fixture
def api(running: Api) -> Api:
    """The same process for every test; the engine's misbehaviour is each test's own."""
    running.engine.failures.clear()
    running.engine.refusals.clear()
    running.engine.delay_seconds = 0.0
    running.engine.stats.draining = False
    running.engine.stats.acceptance_stopped = ""
    running.engine.requests.clear()
    return running
