"""What the README says already: a section of it, or the code blocks of one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_README: Final = Path(__file__).parents[2] / "README.md"
_BLOCK: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """The text below a heading, with links that hold inside the documentation."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", _README.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"README.md has no section {title!r}")
    return found[1].strip().replace("](docs/", "](")


def examples(title: str) -> str:
    """The code blocks of a section, each below the line that leads to it."""
    text = section(title)
    parts: list[str] = []
    for block in _BLOCK.finditer(text):
        lead = text[: block.start()].rstrip().rpartition("\n\n")[2]
        parts += [block.group() if lead.endswith("```") else f"{lead}\n\n{block.group()}"]
    return "\n\n".join(parts)
