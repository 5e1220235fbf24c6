"""What the wheel is made of may be shipped: each crate in it and each Python package it needs has a licence we take."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Permissive, or weakly copyleft by file (MPL).
TAKEN = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "PSF-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}
# Packages whose metadata names the licence in words only.
WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}


def is_taken(expression: str) -> bool:
    """Whether an SPDX expression can be met: each part of an AND, some part of an OR."""
    # Old crates write a slash for OR.
    text = expression.replace("/", " OR ")
    while (inner := re.search(r"\(([^()]*)\)", text)) is not None:
        text = text[: inner.start()] + ("MIT" if is_taken(inner[1]) else "REFUSED") + text[inner.end() :]
    return all(any(one.strip() in TAKEN for one in part.split(" OR ")) for part in text.split(" AND "))


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("MIT OR GPL-3.0", True),
        ("MIT AND GPL-3.0", False),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", True),
        ("AGPL-3.0-only", False),
        ("MIT/Apache-2.0", True),
    ],
)
def test_an_expression_is_taken_if_it_can_be_met(expression: str, taken: bool) -> None:
    assert is_taken(expression) is taken


def test_every_crate_of_the_extension_may_be_shipped() -> None:
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--all-features"]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages: dict[str, dict[str, Any]] = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    todo = [package["id"] for package in found["packages"] if package["name"] == "brivas-py"]
    shipped: set[str] = set()
    while todo:
        identity = todo.pop()
        if identity in shipped:
            continue
        shipped.add(identity)
        todo += [
            dependency["pkg"]
            for dependency in nodes[identity]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        ]
    refused = {
        packages[identity]["name"]: packages[identity]["license"]
        for identity in shipped
        if not is_taken(packages[identity]["license"] or "none")
    }
    assert len(shipped) > 50
    assert refused == {}


def test_every_python_package_that_is_needed_may_be_shipped() -> None:
    todo = ["brivas", "brivas-gateways", "brivas-orchestration"]
    needed: set[str] = set()
    while todo:
        name = todo.pop()
        if name in needed:
            continue
        needed.add(name)
        for requirement in metadata.requires(name) or ():
            name_and_version, _, marker = requirement.partition(";")
            if not marker:
                todo += [re.split(r"[\s<>=!~\[(]", name_and_version, maxsplit=1)[0]]
    refused = {name: licence_of(name) for name in needed if not is_taken(licence_of(name))}
    assert len(needed) > 10
    assert refused == {}


def licence_of(name: str) -> str:
    about = metadata.metadata(name)
    if "License-Expression" in about:
        return str(about["License-Expression"])
    words = [line.split(" :: ")[-1] for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    if not words:
        words = [str(about["License"])]
    return " AND ".join(WORDS.get(word, word) for word in words)
