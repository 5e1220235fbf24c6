"""README and documentation as tests read them: code blocks, commands with what they print, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOT_PAGES = tuple(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"))
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """A line of a `console` block that begins with `$`, and the lines below it."""

    text: str
    prints: tuple[str, ...]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return [each["body"] for each in _BLOCK.finditer(page.read_text()) if each["language"] == language]


def commands(page: Path) -> list[Command]:
    """The commands of a page in order."""
    found: list[Command] = []
    for body in blocks(page, "console"):
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            text, *prints = part.rstrip("\n").split("\n")
            found.append(Command(text, tuple(prints)))
    return found


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return _BLOCK.sub("", page.read_text())


def links(page: Path) -> Iterator[str]:
    """Where a page leads to inside the repository."""
    for each in _LINK.finditer(prose(page)):
        if "://" not in each["target"]:
            yield each["target"]


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as links use them."""
    texts = (each["text"].replace("`", "") for each in _HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in texts}
