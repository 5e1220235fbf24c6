"""The errors of Brivas: one small tree.

Each says what failed, which value was wrong, and what to do (`hint`). The command line prints them as
`error: ...` and `hint: ...` and ends with the error's exit code.
"""

from __future__ import annotations

import errno
from typing import ClassVar


class BrivasError(Exception):
    """What can go wrong in a way that an operator can act on."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FileError(BrivasError):
    """The system refused to read or write a file."""

    code = "file"

    def __init__(self, error: OSError, what: str) -> None:
        reason = error.strerror or type(error).__name__
        super().__init__(f"cannot {what}: {reason.lower()}", hint=_FILE_HINTS.get(error.errno or 0, _FILE_HINT))


_FILE_HINT = "look at the path; --data names the data directory"
_FILE_HINTS = {
    errno.EACCES: "the user that runs this must be able to read and write there; --data names another data directory",
    errno.EPERM: "the user that runs this must be able to read and write there; --data names another data directory",
    errno.EROFS: "what is mounted there cannot be written to; --data names another data directory",
    errno.ENOSPC: "the disk is full: free space, or name a data directory on another disk with --data",
    errno.EDQUOT: "the quota is used up: free space, or name a data directory on another disk with --data",
    errno.EMFILE: "too many open files: `ulimit -n` raises the limit",
}


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


class CallError(BrivasError):
    """The engine answered a call with an error."""

    code = "call_failed"


class UnauthenticatedError(CallError):
    """The key or token is missing or not known."""

    code = "unauthenticated"


class ForbiddenError(CallError):
    """The key or token is known, and may not do this."""

    code = "forbidden"


class NotFoundError(CallError):
    """There is no such thing, or no longer."""

    code = "not_found"


class InvalidError(CallError):
    """A value of the call cannot be taken."""

    code = "invalid"
    exit_code = 2


class ConflictError(CallError):
    """The idempotency key was used with other messages."""

    code = "conflict"


class StateError(CallError):
    """It is too late, or too early, for this."""

    code = "state"


class OffsetError(CallError):
    """The journal does not hold this offset, or no longer."""

    code = "offset"


class BusyError(CallError):
    """Throttled, or a queue is full: the same call may succeed later."""

    code = "busy"

    def __init__(
        self, message: str, *, hint: str | None = None, queue_full: bool = False, retry_after_seconds: int = 1
    ) -> None:
        super().__init__(message, hint=hint)
        self.queue_full = queue_full
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(CallError):
    """The engine is there and takes nothing now: it drains, or its journal stopped."""

    code = "unavailable"
    exit_code = 4


class DeadlineError(CallError):
    """No answer came in time; whether the call took effect is not known."""

    code = "deadline"
    exit_code = 4
