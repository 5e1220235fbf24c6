"""Kind Sender and the times of an Account, from YAML to the snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from brivas.resources.config import load_folder
from brivas.resources.problem import ConfigRefusedError
from brivas.resources.snapshot import compile_snapshot
from brivas.v1 import control_pb2

ACCOUNT = """\
apiVersion: brivas.io/v1
kind: Account
metadata: {name: customer}
spec: {sendersAllowed: listed, validityMaxSeconds: 3600, scheduleMaxSeconds: 0}
"""
SENDER = """\
---
apiVersion: brivas.io/v1
kind: Sender
metadata: {name: acme}
spec: {account: customer, address: ACME, ton: 5}
"""


def test_senders_and_times_reach_the_engine(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(ACCOUNT + SENDER)
    snapshot = compile_snapshot(load_folder(tmp_path))
    account, sender = snapshot.accounts[0], snapshot.senders[0]
    assert account.senders_allowed == control_pb2.SENDERS_ALLOWED_LISTED
    assert (account.validity_max_seconds, account.schedule_max_seconds) == (3600, 0)
    assert (sender.name, sender.account, sender.address, sender.ton) == ("acme", "customer", "ACME", 5)
    assert not sender.HasField("npi")


def test_a_sender_of_nobody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(ACCOUNT + SENDER.replace("account: customer", "account: nobody"))
    with pytest.raises(ConfigRefusedError, match="nobody"):
        load_folder(tmp_path)
