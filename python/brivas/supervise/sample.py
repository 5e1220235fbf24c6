"""The sample configuration, written at the first `brivas up`: one account, a simulated carrier, a route.

Credentials are generated. The resource holds hashes; what is clear stands in DATA/secrets/sample.json (0600), so that
the ready file can be written again, and is printed once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brivas.errors import FileError
from brivas.layout import Layout, read_json, write_private, write_private_json

ACCOUNT = "sample"
CARRIER = "simulator"
PASSWORD_LENGTH = 8
"""SMPP 3.4 §4.1.1: 9 octets with the NUL."""

_ALPHABET = string.ascii_letters + string.digits
_API_KEY_BYTES = 24


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the sample account signs in with."""

    system_id: str
    password: str
    api_key: str


def read_credentials(layout: Layout) -> Credentials | None:
    """The sample account's, when there is one."""
    stored = read_json(layout.sample) or {}
    values = [stored.get(key) for key in ("system_id", "password", "api_key")]
    if not all(isinstance(value, str) for value in values):
        return None
    return Credentials(*(str(value) for value in values))


def write_sample(layout: Layout, carrier_address: str | None) -> Credentials | None:
    """Writes the sample, unless there is a configuration already. Returns the credentials that it made."""
    if layout.config.is_dir() and any(layout.config.iterdir()):
        _follow_carrier(layout, carrier_address)
        return None
    credentials = Credentials(
        system_id=f"sample{_random(4).lower()}",
        password=_random(PASSWORD_LENGTH),
        api_key=f"brivas_{secrets.token_urlsafe(_API_KEY_BYTES)}",
    )
    write_private_json(
        layout.sample,
        {"system_id": credentials.system_id, "password": credentials.password, "api_key": credentials.api_key},
    )
    files = {"account-sample.yaml": _account(credentials)}
    if carrier_address is not None:
        write_private(layout.secrets / "simulator.password", _random(PASSWORD_LENGTH) + "\n")
        files |= {"carrier-simulator.yaml": _carrier(carrier_address), "route-default.yaml": _ROUTES}
    _write_whole(layout.config, files)
    return credentials


def _write_whole(folder: Path, files: Mapping[str, str]) -> None:
    """All files or none: with half a sample the next start would find a configuration, and a wrong one."""
    draft = folder.with_name(f".{folder.name}.new")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, content in files.items():
            (draft / name).write_text(content)
        # An empty folder gives way to one that is full.
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise FileError(error, f"write the sample configuration into {folder}") from error


def simulator_credentials(layout: Layout) -> tuple[str, str] | None:
    """system_id and password that the simulated carrier asks for; None: it takes any."""
    file = layout.secrets / "simulator.password"
    return (CARRIER, file.read_text().strip()) if file.is_file() else None


def _follow_carrier(layout: Layout, carrier_address: str | None) -> None:
    """After other ports were chosen the sample carrier follows, if nobody has edited its file."""
    file = layout.config / "carrier-simulator.yaml"
    if carrier_address is None or not file.is_file():
        return
    current = file.read_text()
    for line in current.splitlines():
        name, _, port = line.strip().partition(": ")
        if name == "port" and port.isdecimal() and current == _carrier(f"{_host(carrier_address)}:{port}"):
            file.write_text(_carrier(carrier_address))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def _account(credentials: Credentials) -> str:
    # Not at import time: hashing is needed once in the life of a data directory.
    from argon2 import PasswordHasher

    password_hash = PasswordHasher().hash(credentials.password)
    key_hash = hashlib.sha256(credentials.api_key.encode()).hexdigest()
    return f"""\
# The sample account. Its password and API key, in clear: DATA/secrets/sample.json.
apiVersion: brivas.io/v1
kind: Account
metadata:
  name: {ACCOUNT}
spec:
  systemId: {json.dumps(credentials.system_id)}
  passwordHash: {json.dumps(password_hash)}
  apiKeys:
    - name: sample
      sha256: {json.dumps(key_hash)}
  bindsMax: 1000
  windowMax: 1000
  throughputPerSecond: 0
  durability: disk
"""


def _carrier(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"""\
# The simulated carrier that `brivas up` starts.
apiVersion: brivas.io/v1
kind: Carrier
metadata:
  name: {CARRIER}
spec:
  host: {host}
  port: {port}
  systemId: {CARRIER}
  password:
    file: secrets/simulator.password
  binds: 2
  windowMax: 100
"""


_ROUTES = f"""\
# Everything goes to the simulated carrier; what comes from there goes to the sample account.
apiVersion: brivas.io/v1
kind: Route
metadata:
  name: default
spec:
  direction: mt
  prefix: ""
  targets:
    - carrier: {CARRIER}
---
apiVersion: brivas.io/v1
kind: Route
metadata:
  name: incoming
spec:
  direction: mo
  prefix: ""
  toAccount: {ACCOUNT}
"""
