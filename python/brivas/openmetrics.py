"""Writes metrics as OpenMetrics 1.0 text. Only metrics of the table in `brivas.metrics` can be written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from brivas.metrics import Metric

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_SUFFIXES: Final = {"counter": "_total", "gauge": "", "summary": "", "info": "_info"}


class Exposition:
    """Collects samples; a family is written whole, in the order in which the first of its samples came."""

    def __init__(self) -> None:
        self._families: dict[Metric, list[str]] = {}

    def add(self, metric: Metric, value: float, labels: Mapping[str, str] | None = None) -> None:
        """One sample. The labels are exactly those of the table."""
        given = labels or {}
        if set(given) != set(metric.labels):
            raise ValueError(f"{metric.name} has labels {metric.labels}, not {tuple(given)}")
        self._add(metric, f"{metric.name}{_SUFFIXES[metric.type]}{_labels(metric, given)} {_number(value)}")

    def add_count(self, metric: Metric, count: int) -> None:
        """The number of observations of a summary."""
        self._add(metric, f"{metric.name}_count {count}")

    def text(self) -> str:
        """The whole exposition, with its end mark."""
        lines: list[str] = []
        for metric, samples in self._families.items():
            lines.append(f"# TYPE {metric.name} {metric.type}")
            if metric.unit:
                lines.append(f"# UNIT {metric.name} {metric.unit}")
            lines.append(f"# HELP {metric.name} {_escape(metric.help)}")
            lines += samples
        lines.append("# EOF")
        return "\n".join(lines) + "\n"

    def _add(self, metric: Metric, line: str) -> None:
        self._families.setdefault(metric, []).append(line)


def _labels(metric: Metric, given: Mapping[str, str]) -> str:
    if not metric.labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(given[name])}"' for name in metric.labels) + "}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
