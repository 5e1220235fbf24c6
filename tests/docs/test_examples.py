"""The examples of README and documentation, run against a running `brivas up`: what they show is what comes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brivas.resources.secret import Secret
from brivas_gateways.webhooks.signature import SigningKey
from tests.docs.markdown import PAGES, ROOT, Command, blocks, commands
from tests.integration.node import FOLDER, node
from tests.integration.up import running

RUNS = ("brivas", "curl")
"""What commands begin with that are run; the others set up or stop what a test has done already."""

# What differs from run to run, and what stands in its place.
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)"), "TIME"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "ID"),
    (re.compile(r"\(\S*python[\d.]*\)"), "(PYTHON)"),
    (re.compile(r"\d+"), "N"),
    (re.compile(r"\s+"), " "),
)

COMMANDS = [
    pytest.param(command, id=f"{page.name}: {command.text[:60]}")
    for page in PAGES
    for command in commands(page)
    if command.text.split(" ")[0] in RUNS
]
PYTHON = [
    pytest.param(body, id=f"{page.name} {index}")
    for page in PAGES
    for index, body in enumerate(blocks(page, "python"))
    if "endpoints.json" in body
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which `brivas up` runs as after `make up`: its data directory is `brivas-data`."""
    folder = tmp_path_factory.mktemp("docs")
    with running(folder / "brivas-data") as up:
        up.ready()
        assert up.run("messages", "tail", "--no-follow").stdout == "", "an empty journal has an end"
        yield folder


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    """What the pages tell the reader to set."""
    endpoints = read_endpoints(folder)
    sent = run("brivas send --to 491701234567 --from Brivas --text hello --wait --json", folder, os.environ.copy())
    message_id: str = json.loads(sent.stdout.splitlines()[-1])["id"]
    return {**os.environ, "KEY": endpoints["http"]["api_key"], "ID": message_id, "NO_COLOR": "1"}


def read_endpoints(folder: Path) -> dict[str, Any]:
    endpoints: dict[str, Any] = json.loads((folder / "brivas-data" / "run" / "endpoints.json").read_text())
    return endpoints


def run(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command as a reader types it, with our `brivas` first on the path and the port that was chosen."""
    address = read_endpoints(folder)["http"]["url"].removeprefix("http://")
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", "-c", command.replace("127.0.0.1:8080", address)],
        cwd=folder,
        env={**environment, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def steady(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, name in VARYING:
        line = pattern.sub(name, line)
    return line.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_what_the_page_shows(command: Command, folder: Path, environment: dict[str, str]) -> None:
    ended = run(command.text, folder, environment)
    expects_error = any(line.startswith("error:") for line in command.prints)
    assert (ended.returncode != 0) == expects_error, ended.stdout
    printed = {steady(line) for line in ended.stdout.splitlines()}
    missing = [line for line in command.prints if line.strip() and steady(line) not in printed]
    assert missing == [], ended.stdout


@pytest.mark.parametrize("body", PYTHON)
def test_a_python_example_runs(body: str, folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", body], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"\b[0-9a-f]{16}\b", ended.stdout), "it prints the message's id"
    if "read_once" in body:
        assert "stat:DELIVRD" in ended.stdout


def test_the_javascript_example_runs(folder: Path) -> None:
    (body,) = blocks(ROOT / "README.md", "javascript")
    (folder / "send.js").write_text(body)
    environment = {**os.environ, "NODE_PATH": str(FOLDER / "node_modules")}
    ended = subprocess.run(
        [node(), "send.js"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^accepted [0-9a-f]{16}$", ended.stdout, re.MULTILINE)
    assert "stat:DELIVRD" in ended.stdout


def test_the_signature_example_judges_as_we_sign() -> None:
    (body,) = blocks(ROOT / "docs" / "webhooks.md", "python")
    names: dict[str, Any] = {}
    exec(body, names)
    secret = "whsec_" + "QUJD" * 8
    headers = SigningKey(Secret(secret)).headers("evt_1", int(time.time()), b"{}")
    assert names["is_genuine"](secret, headers, b"{}")
    assert not names["is_genuine"](secret, headers, b"{ }")
    old = SigningKey(Secret(secret)).headers("evt_1", int(time.time()) - 1_000, b"{}")
    assert not names["is_genuine"](secret, old, b"{}")


def test_up_prints_what_the_readme_shows(folder: Path) -> None:
    shown = next(each.prints for each in commands(ROOT / "README.md") if each.text == "make up")
    generated = re.compile(r"brivas_\S+|(?<=system_id=)\S+|(?<=password=)\S+|--data \S+ ")

    def common(line: str) -> str:
        return steady(generated.sub("", line))

    printed = (folder / "stdout").read_text().splitlines()
    assert [common(line) for line in printed] == [common(line) for line in shown]


def test_the_webhook_secret_of_the_page_is_taken(tmp_path: Path) -> None:
    (body,) = (each for each in blocks(ROOT / "docs" / "webhooks.md", "bash") if "whsec_" in each)
    (tmp_path / "brivas-data" / "secrets").mkdir(parents=True)
    subprocess.run(["bash", "-euc", body], cwd=tmp_path, check=True, timeout=30)
    file = tmp_path / "brivas-data" / "secrets" / "orders.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert SigningKey(Secret(file.read_text().rstrip())).headers("evt_1", 1, b"")
