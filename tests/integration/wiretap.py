"""A wiretap: TCP connections pass through it octet by octet, and it keeps what passed, as it came and in its order.

It stands between peers and the gateway on real sockets, in threads of the test, and knows nothing of SMPP.
`tests.support.agreement` judges what it kept. What is TLS passes as well, and is kept as what it is: nobody reads it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

from tests.support.conversation import Chunk, Conversation

CHUNK_OCTETS: Final = 32_768
"""Fits into one packet of a capture."""
PATIENCE_SECONDS: Final = 10.0

Address = tuple[str, int]


class Wiretap:
    """`front` listens for whom it stands before; `conversations` are all connections so far."""

    def __init__(self) -> None:
        self.conversations: list[Conversation] = []
        self._lock = threading.Lock()
        self._fronts: dict[Address, socket.socket] = {}
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._is_closing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def front(self, server: Address) -> Address:
        """An address that leads to a server, which need not listen yet. The same server has the same."""
        with self._lock:
            listener = self._fronts.get(server)
            if listener is None:
                listener = self._fronts[server] = socket.create_server(("127.0.0.1", 0), backlog=512)
                self._start(self._accept, listener, server)
        host, port = listener.getsockname()
        return (host, port)

    def close(self) -> None:
        """Ends every connection."""
        self._is_closing = True
        with self._lock:
            every = [*self._fronts.values(), *self._sockets]
        for each in every:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + PATIENCE_SECONDS
        for thread in list(self._threads):
            thread.join(max(deadline - time.monotonic(), 0.001))
        for each in every:
            each.close()

    def _start(self, run: object, *arguments: object) -> None:
        assert callable(run)
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, server: Address) -> None:
        while not self._is_closing:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                onward = socket.create_connection(server, timeout=PATIENCE_SECONDS)
            except OSError:
                # Whoever comes sees a connection that ends at once instead of one that is refused.
                client.close()
                continue
            onward.settimeout(None)
            for each in (client, onward):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conversation = Conversation()
            with self._lock:
                self.conversations.append(conversation)
                self._sockets += [client, onward]
                self._start(self._relay, client, onward, conversation, True)
                self._start(self._relay, onward, client, conversation, False)

    def _relay(
        self, source: socket.socket, target: socket.socket, conversation: Conversation, is_from_client: bool
    ) -> None:
        try:
            while octets := source.recv(CHUNK_OCTETS):
                # Kept before it goes on: no answer stands before its question.
                with conversation.lock:
                    conversation.chunks.append(Chunk(time.time(), is_from_client, octets))
                target.sendall(octets)
        except OSError:
            # One side was reset, or the other takes nothing more: so it looks to both.
            with contextlib.suppress(OSError):
                source.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
