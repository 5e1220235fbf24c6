"""The command_status values, from the one table in `core/smpp/src/status.rs`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from generate.tables import code, table

_SOURCE: Final = Path(__file__).parents[2] / "core" / "smpp" / "src" / "status.rs"
_ROW: Final = re.compile(r'^ +(?P<name>\w+) = (?P<code>0x[0-9A-F]+), (?P<retry>\w+), "(?P<text>.*)";$', re.MULTILINE)
_RETRY: Final = {
    "Never": "the message ends, rejected",
    "Later": "the next carrier of the route, or the same one after a pause",
    "Slower": "the bind rests; the same carrier after a pause",
}


def reference() -> str:
    """Every status, and what is done when a carrier answers a submit_sm with it."""
    rows = [
        (code(f"0x{int(row['code'], 16):08X}"), code(f"ESME_{row['name']}"), row["text"], _RETRY[row["retry"]])
        for row in _ROW.finditer(_SOURCE.read_text())
        if row["name"] != "ROK"
    ]
    if not rows:
        raise ValueError(f"no statuses found in {_SOURCE}: the table looks different now")
    return table(("Code", "Name", "Meaning", "When a carrier answers it"), rows)
