"""HTTP/1.1 as bytes on a socket: sends what a client library would refuse to, and follows no redirect."""

import select
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from tests.serving import LiveServer

SECONDS = 60


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def post(server: LiveServer, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    return exchange(server, "POST", path, headers or {}, body)


def exchange(
    server: LiveServer, method: str, path: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b""
) -> Reply:
    """Send a request on a connection of its own. An iterable body is sent in chunks, without its length."""
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
        send(client, method, path, headers, body)
        return receive(client, method)


def send(
    client: socket.socket, method: str, path: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b""
) -> None:
    """Send a request. One in chunks stops if the server answers before the body's end: it may hang up then."""
    lines = {"Host": "127.0.0.1", "Content-Type": "application/json", **headers}
    if not isinstance(body, bytes):
        lines["Transfer-Encoding"] = "chunked"
    elif "Content-Length" not in lines:
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    start = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
    # Else the kernel holds back what follows the head until that is acknowledged, 40 ms later.
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if isinstance(body, bytes):
            # Whole, whatever was answered meanwhile: what is left out would be the next request's beginning.
            client.sendall(start + body)
            return
        client.sendall(start)
        for part in _chunked(body):
            if select.select([client], [], [], 0)[0]:
                return
            client.sendall(part)
    except (BrokenPipeError, ConnectionResetError):
        return


def _chunked(chunks: Iterable[bytes]) -> Iterable[bytes]:
    for chunk in chunks:
        yield b"%x\r\n%s\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def receive(client: socket.socket, method: str = "POST") -> Reply:
    response: Any = HTTPResponse(client, method=method)
    response.begin()
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
