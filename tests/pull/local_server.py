"""Server on this machine that answers as a test says, over real HTTP, and notes what it was asked."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass
class LocalServer:
    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    # What its header `Date` says; None: the present.
    now: datetime | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def answering(answer: Callable[[Asked], Answer], wrap: Callable[[Any], Any] = lambda it: it) -> Iterator[LocalServer]:
    """`wrap`: of the listening socket, for TLS."""
    local = LocalServer(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, local))
    server.socket = wrap(server.socket)
    local.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield local
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in one piece: in two, each would wait for the other end's acknowledgement.
    wbufsize = 64 * 1024

    def __init__(self, local: LocalServer, *args: Any, **options: Any) -> None:
        self._local = local
        super().__init__(*args, **options)

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = parse_qs(parts.query, keep_blank_values=True)
        asked = Asked(self.command, parts.path, query, dict(self.headers), body)
        self._local.asked.append(asked)
        given = self._local.answer(asked)
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body)

    do_GET = do_POST = _answer  # noqa: N815 - names of the base class

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self._local.now.timestamp() if self._local.now else timestamp)

    def log_message(self, *_: Any) -> None:
        pass
