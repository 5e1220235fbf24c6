"""The folder controller: observe -> validate whole -> compile -> Control.Apply -> record.

A wrong folder is refused whole: it is said once, with file, line, value and hint, and the configuration in force stays.
The engine that was away (or came back with an older snapshot) gets the configuration again: what counts is the hash
that the engine reports, not what was done before.
"""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import dataclass
from pathlib import Path

from brivas.clients.control import AsyncControlClient
from brivas.controllers import ControllerContext
from brivas.errors import BrivasError, ConfigError, InvalidError
from brivas.layout import Layout, write_private_json
from brivas.log import Log
from brivas.resources.changes import diff
from brivas.resources.config import Config, load_folder
from brivas.resources.problem import ConfigRefusedError
from brivas.resources.snapshot import compile_snapshot
from brivas_orchestration.folder.observe import Observation, observe

POLL_SECONDS = 0.5
LOOK_AGAIN_SECONDS = 5.0


@dataclass(slots=True)
class _State:
    """What the loop remembers between rounds."""

    seen: Observation | None = None
    wanted: Config | None = None
    """The last folder that was right; not yet applied while the engine is away."""
    applied: Config | None = None
    hash: str = ""
    look_again_at: float = 0.0
    said: str | None = None
    """The refusal that was said last: each is said once."""


class FolderController:
    """Keeps the engine as the folder says."""

    name = "folder"

    def __init__(self) -> None:
        self._log = Log("ops")
        self._state = _State()

    async def run(self, context: ControllerContext) -> None:
        """Polls the folder and the engine until cancelled."""
        folder = context.config_folder
        if folder is None:
            self._log.info("no_config_folder", hint="--config DIR names one; the engine keeps its last good snapshot")
            await asyncio.Event().wait()
            return
        while True:
            try:
                await self.reconcile(folder, context)
            except BrivasError as error:
                self._failed(error, context)
            await asyncio.sleep(POLL_SECONDS)

    async def reconcile(self, folder: Path, context: ControllerContext) -> None:
        """One round: does nothing while neither the folder nor the engine has changed."""
        state = self._state
        now = asyncio.get_running_loop().time()
        beside = self._files_beside(folder, context)
        seen = observe(folder, beside)
        if seen != state.seen or (state.wanted is None and now >= state.look_again_at):
            # Before anything can fail: a wrong folder is read again after a while (a secret's file may have come).
            state.seen, state.wanted, state.look_again_at = seen, None, now + LOOK_AGAIN_SECONDS
            loaded = await self._read(folder, context)
            if observe(folder, beside) != seen:
                # It changed meanwhile: what was read is half of this and half of that, be it right or wrong.
                state.seen = None
                return
            if isinstance(loaded, BrivasError):
                raise loaded
            # What says the same as before (a file was touched) is not applied again.
            state.wanted = state.applied if loaded == state.applied and state.said is None else loaded
        elif state.wanted is None:
            return
        if state.wanted is not state.applied or await self._drifted(context, now):
            await self._apply(state.wanted, context)

    async def _read(self, folder: Path, context: ControllerContext) -> Config | BrivasError:
        """What the folder says, or what is wrong with it."""
        try:
            loaded = await asyncio.to_thread(load_folder, folder, data=context.data)
            compile_snapshot(loaded)
        except BrivasError as error:
            return error
        return loaded

    async def _apply(self, config: Config, context: ControllerContext) -> None:
        state = self._state
        snapshot = compile_snapshot(config)
        try:
            async with AsyncControlClient(context.control_target, context.control_token) as client:
                answer = await client.apply(snapshot)
        except InvalidError:
            context.engine.reached(self.name)
            state.wanted = None
            raise
        context.engine.reached(self.name)
        changes = diff(state.applied, config) if state.applied else [f"{len(config.resources)} resources"]
        state.applied, state.hash, state.said = config, answer.hash, None
        state.look_again_at = asyncio.get_running_loop().time() + LOOK_AGAIN_SECONDS
        self._log.info("config_applied", hash=answer.hash, changed=answer.changed, changes=changes)
        self._record(context, {"state": "applied", "hash": answer.hash, "message": None, "problems": []})
        await context.view.publish(config)

    async def _drifted(self, context: ControllerContext, now: float) -> bool:
        """Whether the engine reports another hash than the one applied; asked every few seconds."""
        state = self._state
        if now < state.look_again_at:
            return False
        state.look_again_at = now + LOOK_AGAIN_SECONDS
        async with AsyncControlClient(context.control_target, context.control_token) as client:
            reported = (await client.stats()).snapshot_hash
        context.engine.reached(self.name)
        if reported != state.hash:
            self._log.warning("engine_drifted", reported=reported, wanted=state.hash)
        return reported != state.hash

    def _failed(self, error: BrivasError, context: ControllerContext) -> None:
        """Says each failure once."""
        state = self._state
        if not isinstance(error, (ConfigError, InvalidError)):
            context.engine.lost(self.name, error)
            # As soon as it answers again it is asked what it has.
            state.look_again_at = 0.0
            return
        if error.message == state.said:
            return
        state.said = error.message
        problems = list(error.problems) if isinstance(error, ConfigRefusedError) else []
        for line in [problem.describe() for problem in problems] or [error.message]:
            self._log.error("config_refused", why=line)
        self._log.warning("config_in_force_stays", hash=state.hash or "the engine's last good one")
        listed = [problem.as_dict() for problem in problems]
        self._record(context, {"state": "refused", "hash": state.hash, "message": error.message, "problems": listed})

    def _record(self, context: ControllerContext, outcome: dict[str, object]) -> None:
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        write_private_json(
            Layout(context.data).config_status, {"at": at, "folder": str(context.config_folder), **outcome}
        )

    def _files_beside(self, folder: Path, context: ControllerContext) -> tuple[Path, ...]:
        config = self._state.wanted or self._state.applied
        if config is None:
            return ()
        bases = (folder, context.data)
        secrets = [base / reference.file for reference in config.secrets if reference.file for base in bases]
        return (*secrets, *(Path(file.path) for file in config.files.values()))
