"""The environment variables, from `brivas.settings`."""

from __future__ import annotations

from brivas import settings
from generate.tables import code, table


def reference() -> str:
    """Every variable."""
    return table(
        ("Variable", "Default", "Meaning"),
        ((code(each.variable), code(each.default or ""), each.meaning) for each in settings.ALL),
    )
