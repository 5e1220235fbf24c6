"""What the drivers of Python's libraries share: commands from standard input, answers and events to standard output.

The protocol stands in tests/peers/README.md. A driver gives one coroutine for each command that it knows.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Told = dict[str, Any]
Command = Callable[[Told], Awaitable[Mapping[str, object]]]


def saw(event: str, **fields: object) -> None:
    """Says that something happened that nobody asked for."""
    _say({"saw": event, **fields})


async def serve(commands: Mapping[str, Command]) -> None:
    """Does what it is told, one command after the other, until its standard input ends."""
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        told = json.loads(line)
        try:
            _say({"did": told["do"], **await commands[told["do"]](told)})
        except Exception as error:  # noqa: BLE001 - whatever the library raises is the answer
            traceback.print_exc()
            _say({"did": told["do"], "error": f"{type(error).__name__}: {error}"})


def _say(fields: Mapping[str, object]) -> None:
    print(json.dumps(fields), flush=True)  # noqa: T201 - this is the protocol
