"""Connections that say something and then nothing more: a crowd of strangers, over TCP or before its handshake ends."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def crowd(address: tuple[str, int], count: int, octets: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections that say something, and then nothing more."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            each = stack.enter_context(socket.create_connection(address, timeout=20))
            # One that was closed meanwhile is no failure of ours.
            with contextlib.suppress(ConnectionError):
                each.sendall(octets)
            sockets.append(each)
        yield sockets


def ended(sockets: list[socket.socket]) -> int:
    """How many of them the gateway has closed by now."""
    count = 0
    with selectors.PollSelector() as selector:
        for each in sockets:
            selector.register(each, selectors.EVENT_READ)
        for key, _ in selector.select(0):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.setblocking(False)
            try:
                while key.fileobj.recv(4_096):
                    pass
            except BlockingIOError:
                # It was told something, and is there.
                continue
            except ConnectionResetError:
                pass
            count += 1
    return count
