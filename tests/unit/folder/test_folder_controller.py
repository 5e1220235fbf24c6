"""The folder controller against a Control that stands in for the engine's."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from brivas.controllers import ControllerContext
from brivas.errors import ConfigError
from brivas.layout import Layout
from brivas.resources.config import Config, load_folder
from brivas.resources.secret import Secret
from brivas.v1 import control_pb2, control_pb2_grpc
from brivas_orchestration.folder import controller
from brivas_orchestration.folder.controller import FolderController

CARRIER = """\
apiVersion: brivas.io/v1
kind: Carrier
metadata: {name: one}
spec: {host: localhost, systemId: us, port: PORT}
"""


class Engine(control_pb2_grpc.ControlServicer):
    """Takes what it is given, and reports its hash."""

    def __init__(self) -> None:
        self.applied: list[control_pb2.Snapshot] = []
        self.hash = ""
        self.refuses = False
        self.tokens: set[object] = set()
        self.called = asyncio.Condition()

    async def Apply(self, request: control_pb2.ApplyRequest, context: Any) -> control_pb2.ApplyResponse:  # noqa: N802
        self.tokens.add(dict(context.invocation_metadata()).get("authorization"))
        if self.refuses:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "carrier one: port 1 is not for us")
        async with self.called:
            self.applied.append(request.snapshot)
            self.hash = hashlib.sha256(request.snapshot.SerializeToString(deterministic=True)).hexdigest()
            self.called.notify_all()
        return control_pb2.ApplyResponse(hash=self.hash, changed=True)

    async def Stats(self, request: control_pb2.StatsRequest, context: Any) -> control_pb2.StatsResponse:  # noqa: N802
        return control_pb2.StatsResponse(snapshot_hash=self.hash)

    async def wait_applied(self, count: int) -> None:
        async with self.called:
            await self.called.wait_for(lambda: len(self.applied) >= count)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(controller, "LOOK_AGAIN_SECONDS", 0.05)


@pytest.fixture
def engine() -> Engine:
    return Engine()  # type: ignore[abstract]  # The calls that are missing answer UNIMPLEMENTED.


@asynccontextmanager
async def serving(engine: Engine, port: int = 0) -> AsyncIterator[int]:
    server = grpc.aio.server()
    control_pb2_grpc.add_ControlServicer_to_server(engine, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(0)


@asynccontextmanager
async def controlled(data: Path, port: int) -> AsyncIterator[ControllerContext]:
    """The controller runs inside."""
    context = ControllerContext(
        data=data,
        config_folder=data / "config",
        messaging_target="unused",
        control_target=f"127.0.0.1:{port}",
        control_token=Secret("token"),
    )
    running = asyncio.ensure_future(FolderController().run(context))
    try:
        async with asyncio.timeout(30):
            yield context
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def write(data: Path, port: str) -> None:
    (data / "config").mkdir(exist_ok=True)
    (data / "config" / "carrier.yaml").write_text(CARRIER.replace("PORT", port))


@pytest.mark.parametrize("is_right", [True, False], ids=["read as right", "read as wrong"])
async def test_a_folder_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    is_right: bool,
) -> None:
    """A link to a folder is swapped in the middle: what was read is neither taken nor told as wrong."""
    for name, number in (("first", "2001"), ("second", "2002")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").write_text(CARRIER.replace("PORT", number))
    (tmp_path / "config").symlink_to("first")
    readings: list[Path] = []

    def swap_and_load(folder: Path, *, data: Path) -> Config:
        readings.append(folder)
        if len(readings) > 1:
            return load_folder(folder, data=data)
        (tmp_path / "swapped").symlink_to("second")
        (tmp_path / "swapped").replace(tmp_path / "config")
        if is_right:
            return load_folder(tmp_path / "first", data=data)
        raise ConfigError("first.yaml: no such file")

    monkeypatch.setattr(controller, "load_folder", swap_and_load)
    async with serving(engine) as port, controlled(tmp_path, port):
        await engine.wait_applied(1)
        await recorded(tmp_path, "applied")
    assert [snapshot.carriers[0].port for snapshot in engine.applied] == [2002]
    assert "config_refused" not in capfd.readouterr().err


async def recorded(data: Path, state: str) -> dict[str, Any]:
    """The recorded outcome, once it has this state."""
    while True:
        try:
            outcome: dict[str, Any] = json.loads(Layout(data).config_status.read_text())
            if outcome["state"] == state:
                return outcome
        except FileNotFoundError:
            pass
        await asyncio.sleep(0.01)


async def test_a_folder_is_applied_and_again_when_it_changes(tmp_path: Path, engine: Engine) -> None:
    write(tmp_path, "1")
    async with serving(engine) as port, controlled(tmp_path, port) as context:
        version, _ = await context.view.wait_newer(0)
        write(tmp_path, "22")
        await context.view.wait_newer(version)
        assert [snapshot.carriers[0].port for snapshot in engine.applied] == [1, 22]
        assert (await recorded(tmp_path, "applied"))["hash"] == engine.hash
        assert engine.tokens == {"Bearer token"}


async def test_a_wrong_folder_is_refused_whole_and_the_old_configuration_stays(
    tmp_path: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "1")
    async with serving(engine) as port, controlled(tmp_path, port) as context:
        version, _ = await context.view.wait_newer(0)
        write(tmp_path, "70000")
        outcome = await recorded(tmp_path, "refused")
        problem = outcome["problems"][0]
        assert (problem["line"], problem["column"], problem["path"]) == (4, 45, "$.spec.port")
        assert (problem["value"], outcome["hash"]) == ("70000", engine.hash)
        write(tmp_path, "2")
        await context.view.wait_newer(version)
    assert [snapshot.carriers[0].port for snapshot in engine.applied] == [1, 2]
    assert capsys.readouterr().err.count("$.spec.port") == 1, "a refusal is said once"


async def test_what_the_engine_refuses_is_recorded_and_not_published(tmp_path: Path, engine: Engine) -> None:
    write(tmp_path, "1")
    engine.refuses = True
    async with serving(engine) as port, controlled(tmp_path, port) as context:
        outcome = await recorded(tmp_path, "refused")
        assert "port 1 is not for us" in outcome["message"]
        assert context.view.config is None


async def test_an_engine_that_comes_later_gets_the_configuration(
    tmp_path: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "1")
    async with serving(engine) as port:
        pass
    async with controlled(tmp_path, port) as context:
        said = ""
        while "engine_away" not in (said := said + capsys.readouterr().err):
            await asyncio.sleep(0.01)
        assert context.view.version == 0
        async with serving(engine, port):
            await engine.wait_applied(1)
            while "engine_back" not in (said := said + capsys.readouterr().err):
                await asyncio.sleep(0.01)
    assert said.count("engine_away") == 1, "an engine that is away is said once"


async def test_an_engine_that_reports_another_hash_gets_the_configuration_again(tmp_path: Path, engine: Engine) -> None:
    write(tmp_path, "1")
    async with serving(engine) as port, controlled(tmp_path, port):
        await engine.wait_applied(1)
        engine.hash = "other"
        await engine.wait_applied(2)


async def test_a_secret_that_changes_is_applied(tmp_path: Path, engine: Engine) -> None:
    write(tmp_path, "1, password: {file: word}")
    (tmp_path / "word").write_text("one")
    async with serving(engine) as port, controlled(tmp_path, port):
        await engine.wait_applied(1)
        (tmp_path / "word").write_text("second")
        await engine.wait_applied(2)
    assert [snapshot.carriers[0].password for snapshot in engine.applied] == ["one", "second"]
