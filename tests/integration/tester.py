"""`brivas conformance` as tests run it: at a message centre, or listening for an ESME."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

COMMAND = (sys.executable, "-m", "brivas.cli", "conformance")
SECONDS = 100


class Result:
    """What a run of the tester said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.report: dict[str, Any] = json.loads(done.stdout)

    def of(self, outcome: str) -> dict[str, str]:
        """The checks that ended so, and what was seen in each."""
        return {check["id"]: check["seen"] for check in self.report["checks"] if check["outcome"] == outcome}


def check_smsc(address: str, *options: str) -> Result:
    """Tests a message centre."""
    command = (*COMMAND, "smsc", address, "--json", *options)
    return Result(subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False))


class EsmeTest:
    """The tester, listening."""

    def __init__(self, *options: str) -> None:
        command = (*COMMAND, "esme", "127.0.0.1:0", "--json", *options)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert found is not None, said
        self.port = int(found[1])

    def finish(self) -> Result:
        """Its report."""
        out, err = self.process.communicate(timeout=SECONDS)
        return Result(subprocess.CompletedProcess((), self.process.returncode, out, err))
