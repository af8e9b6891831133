"""Bytes that are not a request store nothing, even after requests with a key."""

import socket
from contextlib import ExitStack

from lineage.models import Event
from tests.lineage.intake.http import wire
from tests.lineage.intake.http.documents import encoded
from tests.live_server import Sender
from tests.serving import LiveServer

# A lenient parser skips empty lines before a request. They look like the end of a head.
EMPTY_LINES = b"\n\r\n\r\n"
# Several of each, so that each worker gets some.
KEYED, KEYLESS = 8, 24


def keyed_request(server: LiveServer, sender: Sender, body: bytes) -> bytes:
    path = server.path(sender.connection.id)
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in sender.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status_of(client: socket.socket, sent: bytes) -> int:
    client.sendall(sent)
    return wire.receive(client).status


def test_a_body_after_empty_lines_is_not_taken_for_the_request_before_it(server: LiveServer, sender: Sender) -> None:
    with_key = [encoded() for _ in range(KEYED)]
    with ExitStack() as stack:

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", server.port), wire.SECONDS))

        clients = [connect() for _ in with_key]
        for client, body in zip(clients, with_key, strict=True):
            assert status_of(client, EMPTY_LINES + keyed_request(server, sender, body)) == 201
        clients += [connect() for _ in range(KEYLESS)]
        statuses = [status_of(client, EMPTY_LINES + encoded()) for client in clients]

    assert statuses == [400] * (KEYED + KEYLESS)
    assert sorted(event.body.encode() for event in Event.objects.all()) == sorted(with_key)
