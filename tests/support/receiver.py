"""A receiver of webhooks: an HTTP server in this process that remembers what came and answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


Answer = tuple[int, dict[str, str]]


class Receiver:
    """`answer` judges each request: status and headers. Port 0 takes a free one."""

    def __init__(self, answer: Callable[[Received], Answer] = lambda _request: (204, {}), *, port: int = 0) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self.taken: list[Received] = []
        lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                body = self.rfile.read(length)
                if len(body) < length:
                    # The sender was killed in the middle.
                    self.close_connection = True
                    return
                received = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                with lock:
                    receiver.requests.append(received)
                    status, headers = receiver.answer(received)
                    if 200 <= status < 300:
                        receiver.taken.append(received)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the base class looks for this name.

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it.
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                # A client that was killed: the tests do that.
                return

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Receiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
