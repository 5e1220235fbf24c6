"""Logs: events with fields, on stderr, one a line.

An event has a name that never changes and fields that do: `log.info("config_applied", hash=...)`. Secrets, numbers and
texts of messages hide by their type (`Secret`, `Msisdn`, `MessageText`), not by care. BRIVAS_LOG_FORMAT=json makes each
line one JSON object.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Mapping
from typing import Final

from brivas import settings

_COLOURS: Final = {"info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_RESET: Final = "\x1b[0m"


class Msisdn(str):
    """A subscriber's number: logs show its first digits only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{self[:4]}..({len(self)} digits)"


class MessageText(str):
    """The text of a message: logs show its length only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"({len(self)} characters)"


class Log:
    """Writes events of one process, or of one part of it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._json = os.environ.get(settings.LOG_FORMAT.variable) == "json"
        self._colour = sys.stderr.isatty() and not os.environ.get(settings.NO_COLOR.variable)

    def info(self, event: str, **fields: object) -> None:
        """Something happened as it should."""
        self.write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something is not as it should be, and is dealt with."""
        self.write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Something failed, and somebody should look."""
        self.write("error", event, fields)

    def write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """An event whose level is known only now: "info", "warning" or "error"."""
        now = datetime.datetime.now(datetime.UTC)
        if self._json:
            head = {"at": now.isoformat(timespec="milliseconds"), "process": self._name, "level": level, "event": event}
            line = json.dumps({**head, **{key: _plain(value) for key, value in fields.items()}})
        else:
            shown = "".join(f" {key}={_text(value)}" for key, value in fields.items())
            mark = f"{_COLOURS[level]}{level:<7}{_RESET}" if self._colour else f"{level:<7}"
            line = f"{now:%H:%M:%S}.{now.microsecond // 1000:03} {self._name:<8} {mark} {event}{shown}"
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            # Nobody reads any more: no reason to stop the work.
            return


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and type(value) is str:
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return repr(value) if isinstance(value, str) else str(value)


def _text(value: object) -> str:
    plain = _plain(value)
    if not isinstance(plain, str):
        return json.dumps(plain, ensure_ascii=False)
    text = plain
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ' "=\n') or not text else text
