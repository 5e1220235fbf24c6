"""The process that hosts the engine: signals drain it, its failure has an exit code. The engine is a stand-in."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, os, signal, sys, threading, types

class Engine:
    def __init__(self, **options):
        self.options = options
        print(json.dumps({"blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), **options}), flush=True)
    def addresses(self):
        return {"smpp": "s", "messaging": "m", "control": "c"}
    def wait(self, timeout_ms):
        return FAILURE
    def notices(self):
        return [("warning", "bind_refused", [("peer", "p")])]
    def drain(self, timeout_ms):
        print(f"drain {timeout_ms}", flush=True)
        return True
    def stop(self):
        print("stop", flush=True)

sys.modules["brivas._core"] = types.SimpleNamespace(Engine=Engine)
from brivas.cli.main import main
main()
"""


def start(data: Path, failure: str | None) -> subprocess.Popen[str]:
    arguments = ["--data", str(data), "gateway", "--smpp-listen", "127.0.0.1:1", "--drain-timeout-ms", "77"]
    script = SCRIPT.replace("FAILURE", repr(failure))
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_engine_and_exits_0(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, None)
    assert process.stdout is not None
    options = json.loads(process.stdout.readline())
    assert {signal.SIGTERM, signal.SIGINT} <= set(options["blocked"]), "signals are blocked before threads start"
    assert options["data_dir"] == str(tmp_path / "gateway")
    assert options["smpp_listen"] == "127.0.0.1:1"
    assert options["control_token"] == (tmp_path / "secrets" / "control.token").read_text().strip()
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert output.split("\n")[:2] == ["drain 77", "stop"], errors
    assert process.returncode == 0
    assert options["control_token"] not in errors
    assert "bind_refused peer=p" in errors, "what the engine notices is logged"


def test_an_engine_that_fails_ends_the_process_with_70(tmp_path: Path) -> None:
    process = start(tmp_path, "shard 0 panicked")
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 70
    assert "error: the engine failed: shard 0 panicked" in errors
    assert output.split("\n")[1:2] == ["stop"]
