"""The errors of Brivas: one small tree.

Each says what failed, which value was wrong, and what to do (`hint`). The command line prints them as
`error: ...` and `hint: ...` and ends with the error's exit code.
"""

from __future__ import annotations

from typing import ClassVar


class BrivasError(Exception):
    """What can go wrong in a way that an operator can act on."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BrivasError):
    """A command was called with something it cannot take."""

    code = "usage"
    exit_code = 2


class ConfigError(BrivasError):
    """A configuration was refused; the one in force stays."""

    code = "config"
    exit_code = 3


class UnreachableError(BrivasError):
    """A process that should answer does not."""

    code = "unreachable"
    exit_code = 4


class EngineError(BrivasError):
    """The engine stopped, or could not start."""

    code = "engine"
    exit_code = 70
