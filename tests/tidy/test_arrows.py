"""Who may know whom: the arrows of ARCHITECTURE.md, for the Rust crates and the Python packages."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Crate -> the workspace's crates that it may depend on. Who is not here must be added with its arrows.
CRATES: dict[str, set[str]] = {
    "brivas-py": {"brivas-engine", "brivas-luma", "brivas-query", "brivas-canon", "brivas-sim"},
    "brivas-engine": {"brivas-smpp", "brivas-route", "brivas-journal", "brivas-proto"},
    "brivas-luma": {"brivas-journal"},
    "brivas-sim": {"brivas-smpp"},
    "brivas-smpp": set(),
    "brivas-route": set(),
    "brivas-journal": set(),
    "brivas-query": set(),
    "brivas-canon": set(),
    "brivas-proto": set(),
}

# Package -> (its source, the packages of ours that it may import).
PACKAGES: dict[str, tuple[str, set[str]]] = {
    "brivas": ("python/brivas", set()),
    "brivas_gateways": ("gateways/src/brivas_gateways", {"brivas"}),
    "brivas_orchestration": ("orchestration/src/brivas_orchestration", {"brivas"}),
}


def cargo_metadata() -> list[tuple[str, str]]:
    """Each (crate, crate it depends on) inside the workspace; tests' own dependencies count too."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--offline"]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    packages = json.loads(answer.stdout)["packages"]
    names = {package["name"] for package in packages}
    edges = [(package["name"], each["name"]) for package in packages for each in package["dependencies"]]
    # A crate may name itself among its own development dependencies, to test with a feature on.
    return [(name, "") for name in names] + [edge for edge in edges if edge[1] in names and edge[0] != edge[1]]


def imports(source: str) -> Iterator[str]:
    """The modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def forbidden_imports(package: str, source: str) -> list[str]:
    """The imports in a file of `package` that no arrow allows."""
    allowed = PACKAGES[package][1] | {package}
    ours = [name for name in imports(source) if name.partition(".")[0] in PACKAGES]
    return [name for name in ours if name.partition(".")[0] not in allowed]


def test_every_crate_has_its_arrows_written_down() -> None:
    assert {crate for crate, _ in cargo_metadata()} <= CRATES.keys()


def test_crates_depend_only_along_the_arrows() -> None:
    wrong = [(crate, other) for crate, other in cargo_metadata() if other and other not in CRATES.get(crate, set())]
    assert wrong == []


def test_only_the_bindings_know_pyo3() -> None:
    for manifest in ROOT.glob("core/**/Cargo.toml"):
        if "target" not in manifest.parts and manifest.parent.name != "py":
            assert "pyo3" not in manifest.read_text(), manifest


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_packages_import_only_along_the_arrows(package: str) -> None:
    folder = ROOT / PACKAGES[package][0]
    files = [file for file in folder.rglob("*.py") if "v1" not in file.parts]
    assert files, f"no source in {folder}"
    wrong = [
        (str(file.relative_to(ROOT)), name) for file in files for name in forbidden_imports(package, file.read_text())
    ]
    assert wrong == []


def test_an_import_against_an_arrow_is_seen() -> None:
    assert forbidden_imports("brivas", "def f():\n    from brivas_gateways.http import app\n") == [
        "brivas_gateways.http"
    ]
    assert forbidden_imports("brivas_gateways", "import brivas_orchestration.ops\nimport brivas.log") == [
        "brivas_orchestration.ops"
    ]
