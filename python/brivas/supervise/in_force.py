"""The configuration that is in force once everything runs: the folder's, or where that is wrong the engine's last good
one. `brivas up` asks before it starts anything, and tells the sample's credentials only where they open something.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from google.protobuf.message import DecodeError

from brivas.errors import BrivasError
from brivas.layout import Layout
from brivas.resources.config import load_folder
from brivas.resources.snapshot import compile_snapshot
from brivas.supervise.sample import Credentials
from brivas.v1 import control_pb2

_DIGEST_BYTES = 32
"""What stands before the snapshot in the engine's file."""


def snapshot_in_force(layout: Layout, folder: Path) -> control_pb2.Snapshot:
    """A folder that is wrong is an error at the first start only: later the last good configuration serves."""
    try:
        return compile_snapshot(load_folder(folder, data=layout.data))
    except BrivasError:
        last_good = _last_good(layout)
        if last_good is None:
            raise
        return last_good


def open_something(credentials: Credentials, snapshot: control_pb2.Snapshot) -> bool:
    """Whether a configuration has the account that these credentials belong to."""
    key = hashlib.sha256(credentials.api_key.encode()).digest()
    return any(
        account.system_id == credentials.system_id and any(each.sha256 == key for each in account.api_keys)
        for account in snapshot.accounts
    )


def _last_good(layout: Layout) -> control_pb2.Snapshot | None:
    try:
        octets = layout.snapshot.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return control_pb2.Snapshot.FromString(octets[_DIGEST_BYTES:])
    except DecodeError:
        # The engine says so when it starts.
        return control_pb2.Snapshot()
