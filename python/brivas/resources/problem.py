"""What is wrong with a configuration: file, line, column, path, value, and a hint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from brivas.errors import ConfigError

PROBLEMS_MAX = 100
"""More are counted, not shown."""

_SHOWN_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, counted from 1, and of a scalar the text that stands there."""

    line: int
    column: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    file: str
    mark: Mark
    path: tuple[str | int, ...]
    message: str
    hint: str | None = None
    value: str | None = None

    def describe(self) -> str:
        """`FILE:LINE:COLUMN: $.path: message (got VALUE); hint: ...`"""
        where = f"{self.file}:{self.mark.line}:{self.mark.column}"
        path = f" {json_path(self.path)}:" if self.path else ""
        value = f" (got {self.value})" if self.value is not None else ""
        hint = f"; hint: {self.hint}" if self.hint else ""
        return f"{where}:{path} {self.message}{value}{hint}"

    def as_dict(self) -> dict[str, str | int | None]:
        """For `--json`."""
        return {
            "file": self.file,
            "line": self.mark.line,
            "column": self.mark.column,
            "path": json_path(self.path),
            "message": self.message,
            "value": self.value,
            "hint": self.hint,
        }


class ConfigRefusedError(ConfigError):
    """A folder of resources was refused whole."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        ordered = sorted(problems, key=lambda problem: (problem.file, problem.mark.line, problem.mark.column))
        self.total = len(ordered)
        self.problems: Sequence[Problem] = tuple(ordered[:PROBLEMS_MAX])
        lines = [problem.describe() for problem in self.problems]
        if self.total > len(lines):
            lines.append(f"... and {self.total - len(lines)} more")
        noun = "problem" if self.total == 1 else "problems"
        super().__init__(f"configuration refused: {self.total} {noun}\n" + "\n".join(f"  {line}" for line in lines))


def json_path(path: Sequence[str | int]) -> str:
    """`$.spec.targets[0].carrier`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def shown(value: object, text: str | None = None) -> str:
    """A wrong value as it was written, not too long."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    written = repr(value) if isinstance(value, str) else (text if text is not None else str(value))
    return written if len(written) <= _SHOWN_LENGTH_MAX else written[: _SHOWN_LENGTH_MAX - 3] + "..."
