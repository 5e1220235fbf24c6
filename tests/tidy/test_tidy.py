"""What the repository must not hold: addresses in lock files, paths of a machine, files that are too long."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_MAX = 700
TEXT = {".rs", ".py", ".pyi", ".toml", ".md", ".yaml", ".yml", ".proto", ".json", ".txt", ".sh", ".js", ".ts", ""}

# What a path of somebody's machine looks like; what every Debian has is fine.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(home|root|Users|work)/[A-Za-z]")
# Names under which package registries and their mirrors are reached.
REGISTRY_HOSTS = re.compile(r"(pypi|pythonhosted|npmjs|crates)\.(org|io)|deb\.debian\.org|proxy\.golang\.org")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}


def tracked() -> list[Path]:
    """The files that git knows, and that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    """(name, content) of the text files."""
    found = []
    for file in tracked():
        if file.suffix in TEXT:
            try:
                found.append((str(file.relative_to(ROOT)), file.read_text()))
            except UnicodeDecodeError:
                continue
    return found


def test_there_is_no_uv_lock() -> None:
    assert [file for file in tracked() if file.name == "uv.lock"] == []


def test_pins_and_locks_hold_no_addresses() -> None:
    pins = (ROOT / "constraints.txt").read_text()
    assert "://" not in pins
    assert " @ " not in pins
    assert "--" not in pins
    for file in tracked():
        if file.name == "package-lock.json":
            assert '"resolved"' not in file.read_text(), file


def test_every_pin_is_exact() -> None:
    lines = (ROOT / "constraints.txt").read_text().split("\n")
    wrong = [line for line in lines if line and not re.fullmatch(r"[a-z0-9._-]+==[^\s;]+( ; .+)?", line)]
    assert wrong == []


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRY_HOSTS], ids=["machine paths", "registry hosts"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    here = str(Path(__file__).relative_to(ROOT))
    # Cargo.lock names its registry by a fixed address that is the same everywhere.
    wrong = [
        f"{name}: {match.group()}"
        for name, text in texts()
        if name not in (here, "Cargo.lock") and (match := pattern.search(text))
    ]
    assert wrong == []


def test_files_of_code_are_not_too_long() -> None:
    wrong = {
        name: length
        for name, text in texts()
        if name.endswith((".rs", ".py")) and (length := text.count("\n")) > LINES_MAX
    }
    assert wrong == {}, f"more than {LINES_MAX} lines: split by concept"


def test_no_module_is_named_vaguely() -> None:
    wrong = [file for file in tracked() if file.suffix in (".rs", ".py") and file.stem in VAGUE_NAMES]
    assert wrong == []


def test_python_modules_say_what_they_are() -> None:
    wrong = [
        name
        for name, text in texts()
        if name.endswith(".py") and text.strip() and not text.lstrip().startswith(('"""', "#!"))
    ]
    assert wrong == []
