"""Bytes on a socket to the running server, and all the answers to them."""

import socket
from collections.abc import Iterator
from typing import NamedTuple

import h11

from tests.lineage.intake.http import wire
from tests.live_server import Sender
from tests.serving import LiveServer


class Answer(NamedTuple):
    status: int
    body: bytes


def connect(server: LiveServer) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), wire.SECONDS)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def answers_to(server: LiveServer, *pieces: bytes, half_closes: bool = False) -> list[Answer]:
    """Send pieces, and read all answers until the server closes the connection."""
    with connect(server) as client:
        for piece in pieces:
            client.sendall(piece)
        if half_closes:
            client.shutdown(socket.SHUT_WR)
        return list(read_answers(until_closed(client)))


def until_closed(client: socket.socket) -> bytes:
    received = b""
    while piece := client.recv(65536):
        received += piece
    return received


def read_answers(received: bytes) -> Iterator[Answer]:
    """Read the whole answers to requests by any method but HEAD. `100 Continue` is not one."""
    while received:
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method="GET", target="/", headers=[("Host", "here")]))
        reader.send(h11.EndOfMessage())
        reader.receive_data(received)
        status, body = 0, b""
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                return
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
        yield Answer(status, body)
        received, _ = reader.trailing_data


def intake_head(server: LiveServer, sender: Sender, *lines: str, key: bool = True) -> bytes:
    """Return the head of a POST to the sender's endpoint, without the lines that say how long its body is."""
    headers = [f"{name}: {value}" for name, value in sender.headers.items()] if key else []
    head = [f"POST {server.path(sender.connection.id)} HTTP/1.1", "Host: here", *headers, *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n"


def post(server: LiveServer, sender: Sender, body: bytes, *lines: str) -> bytes:
    """Return a whole POST with the sender's key."""
    return intake_head(server, sender, f"Content-Length: {len(body)}", *lines) + body


def post_in_chunks(server: LiveServer, sender: Sender, *chunks: bytes) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    return intake_head(server, sender, "Transfer-Encoding: chunked") + body
