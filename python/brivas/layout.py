"""Where everything stands in the data directory, and how its private files are written."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brivas.errors import FileError
from brivas.resources.secret import Secret

_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Layout:
    """The data directory."""

    data: Path

    @property
    def config(self) -> Path:
        """Resources; the sample is written here."""
        return self.data / "config"

    @property
    def secrets(self) -> Path:
        """Mode 0700; its files 0600."""
        return self.data / "secrets"

    @property
    def run(self) -> Path:
        """What describes the running processes."""
        return self.data / "run"

    @property
    def gateway(self) -> Path:
        """The engine's: snapshot and journal."""
        return self.data / "gateway"

    @property
    def snapshot(self) -> Path:
        """The engine's last good configuration."""
        return self.gateway / "snapshot.bin"

    @property
    def ops(self) -> Path:
        """The controllers': offsets, dead letters, status."""
        return self.data / "ops"

    @property
    def ports(self) -> Path:
        """The ports chosen at first, kept across restarts."""
        return self.run / "ports.json"

    @property
    def endpoints(self) -> Path:
        """How to reach each face: what the ready file says, kept for our own commands."""
        return self.run / "endpoints.json"

    @property
    def config_status(self) -> Path:
        """The last outcome of the folder controller."""
        return self.ops / "config-status.json"

    @property
    def control_token(self) -> Path:
        """The token of Control."""
        return self.secrets / "control.token"

    @property
    def sample(self) -> Path:
        """The sample account's credentials, in clear, so that the ready file can be written again."""
        return self.secrets / "sample.json"

    def ensure_control_token(self) -> Secret:
        """The token of Control; generated at the first call."""
        try:
            return Secret(self.control_token.read_text().strip())
        except FileNotFoundError:
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            write_private(self.control_token, token + "\n")
            return Secret(token)


def write_private(path: Path, content: str) -> None:
    """Replaces a file at once, readable by its owner only; a new folder for it is private too."""
    make_folder(path.parent)
    partial = path.parent / f".{path.name}.{os.getpid()}"
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise FileError(error, f"write {path}") from error


def make_folder(folder: Path) -> None:
    """A private folder, if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(error, f"make the folder {folder}") from error


def write_private_json(path: Path, value: object) -> None:
    """The same, with a JSON object."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object that was written here; None when it is not there or not whole."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise FileError(error, f"read {path}") from error
    return value if isinstance(value, dict) else None
