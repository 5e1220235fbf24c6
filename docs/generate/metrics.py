"""The metrics, from `brivas.metrics`."""

from __future__ import annotations

from brivas import metrics
from generate.tables import code, table


def reference() -> str:
    """Every metric by the name of its family."""
    return table(
        ("Metric", "Type", "Labels", "Meaning"),
        (
            (code(each.name), each.type, ", ".join(code(label) for label in each.labels), each.help)
            for each in metrics.ALL
        ),
    )
