"""The mkdocs hook: fills the marks `<!-- generate: NAME -->` of a page, and keeps the site free of other hosts.

What a mark stands for is written by a function of `generate`, from the one typed place that the code itself uses: a
page cannot say anything else than the code does. A mark without a function fails the build.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from generate import commands, errors, http, kinds, metrics, protos, readme, settings, statuses, webhooks
from mkdocs.exceptions import PluginError

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "commands": commands.reference,
    "control": lambda: protos.reference("control"),
    "events": lambda: protos.reference("events"),
    "exit codes": errors.exit_codes,
    "http fields": http.bodies,
    "http operations": http.operations,
    "http problems": errors.problems,
    "kinds": kinds.reference,
    "messaging": lambda: protos.reference("messaging"),
    "metrics": metrics.reference,
    "readme: what works": lambda: readme.section("What works"),
    "readme: figures": lambda: readme.section("Figures"),
    "readme: smpp examples": lambda: readme.examples("If you bind by SMPP"),
    "settings": settings.reference,
    "smpp statuses": statuses.reference,
    "webhook events": webhooks.reference,
}

_MARK: Final = re.compile(r"^<!-- generate: (?P<name>.+?) -->$", re.MULTILINE)
# The theme's script would fetch these, where a page needs them; none does.
_FETCHED: Final = re.compile(r"https://unpkg\.com/[\w@./-]*")


def on_page_markdown(markdown: str, *, page: Any, **_more: Any) -> str:
    """Fills the marks of a page."""

    def written(mark: re.Match[str]) -> str:
        part = PARTS.get(mark["name"])
        if part is None:
            raise PluginError(f"{page.file.src_uri}: nothing generates {mark['name']!r}; known: {', '.join(PARTS)}")
        return part()

    return _MARK.sub(written, markdown)


def on_post_build(config: Any) -> None:
    """Takes the addresses of other hosts out of the theme's scripts."""
    for script in Path(config.site_dir).glob("assets/javascripts/*.js"):
        script.write_text(_FETCHED.sub("", script.read_text()))
