"""Methods, paths, encodings and sizes over real HTTP: each request gets its answer, and a refusal stores nothing."""

import gzip
import json
import socket
import zlib
from collections.abc import Callable, Iterator

import psutil
import pytest

from connections.models import Attempt
from lineage.intake.routes import READ_PATH, is_read
from lineage.models import Event, Run
from tests.lineage.intake.http import wire
from tests.lineage.intake.http.documents import encoded
from tests.lineage.intake.http.wire import Reply, exchange, post
from tests.live_server import Sender
from tests.serving import LiveServer

MIB = 1024 * 1024
LIMIT = 16 * MIB
PATHS = [
    *("/gateway/openlineage/{id}", "/gateway/openlineage/{id}/"),
    *("/gateway/openlineage/{id}/lineage", "/gateway/openlineage/{id}/lineage/"),
    *("/gateway/openlineage/{id}/api/v1/lineage", "/gateway/openlineage/{id}/api/v1/lineage/"),
    *("/gateway/openlineage/api/v1/lineage", "/gateway/openlineage/api/v1/lineage/"),
    *("/api/v1/lineage", "/api/v1/lineage/"),
]
BATCH_PATHS = [path.rstrip("/") + "/batch" for path in PATHS] + [path.rstrip("/") + "/batch/" for path in PATHS]


@pytest.mark.parametrize("path", PATHS)
def test_each_path_takes_events(server: LiveServer, sender: Sender, path: str) -> None:
    assert post(server, path.format(id=sender.connection.id), encoded(), sender.headers).status == 201
    assert Event.objects.get().connection_id == sender.connection.id


@pytest.mark.parametrize("path", sorted({*BATCH_PATHS}))
def test_each_path_takes_batches(server: LiveServer, sender: Sender, path: str) -> None:
    body = b"[%s,%s]" % (encoded(), encoded())

    assert post(server, path.format(id=sender.connection.id), body, sender.headers).status == 200
    assert set(Event.objects.values_list("connection_id", flat=True)) == {sender.connection.id}
    assert Run.objects.count() == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_other_methods(server: LiveServer, sender: Sender, method: str) -> None:
    """Every path refuses them, and never by a redirect: on 301 and 302 senders send an empty GET and report success."""
    for path in {*PATHS, *BATCH_PATHS}:
        if is_read(method, path):
            # The read API answers, which knows no key.
            assert exchange(server, method, path, sender.headers, encoded()).status == 401
            continue
        reply = exchange(server, method, path.format(id=sender.connection.id), sender.headers, encoded())

        allowed = "GET, HEAD, OPTIONS, POST" if path == READ_PATH else "POST"
        assert (reply.status, reply.headers["allow"]) == (405, allowed), path
        assert "location" not in reply.headers
    assert not Event.objects.exists()
    attempt = Attempt.objects.filter(connection=sender.connection).first()
    assert attempt
    assert (attempt.status, attempt.reason) == (405, f"Events are sent with POST, not {method}.")


@pytest.mark.parametrize("path", ["/gateway", "/gateway/", "/api/v1/lineage/batch/x", "//api/v1/lineage"])
def test_a_path_beside_the_intake_is_no_redirect_either(server: LiveServer, sender: Sender, path: str) -> None:
    reply = post(server, path, encoded(), sender.headers)

    assert 400 <= reply.status < 500
    assert not Event.objects.exists()


@pytest.mark.parametrize("end", ["", "/", "//", "/{id}/events", "/{id}/lineage/batch/x", "/{id}//"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_unknown_path_of_the_intake(server: LiveServer, sender: Sender, method: str, end: str) -> None:
    """People read the sender's log, where a page of HTML would help nobody."""
    path = "/gateway/openlineage" + end.format(id=sender.connection.id)
    reply = exchange(server, method, path, sender.headers, encoded())

    assert (reply.status, reply.headers["content-type"]) == (404, "application/json")
    error = json.loads(reply.body)["error"]
    assert error["code"] == "unknown_path"
    assert "/gateway/openlineage/<connection id>" in error["message"]
    assert not Event.objects.exists()
    listed = [attempt.reason for attempt in Attempt.objects.filter(connection=sender.connection)]
    # Without an id in the path, the key names the connection.
    assert listed == [error["message"]]


@pytest.mark.parametrize("odd", ["%00", "%0A", "%ff%fe", "%ed%a0%80", "%", "%zz", "\xff", "x" * 5_000, "%2e%2e/%2e%2e"])
def test_a_path_of_odd_bytes_is_refused(server: LiveServer, sender: Sender, odd: str) -> None:
    """The bytes come in place of an id and behind one, in paths for senders and in paths for readers."""
    for path in ("/gateway/openlineage/" + odd, "/gateway/openlineage/{id}" + odd, "/api/v1/lineage" + odd, "/" + odd):
        for method in ("POST", "GET"):
            reply = exchange(server, method, path.format(id=sender.connection.id), sender.headers, encoded())

            assert 400 <= reply.status < 500, path
    assert not Event.objects.exists()


def test_plain_http_is_no_redirect_where_the_product_is_served_over_tls(server: LiveServer, sender: Sender) -> None:
    """A proxy says by this header that the sender used the wrong scheme."""
    headers = sender.headers | {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "observatory.example.com"}

    assert post(server, server.path(sender.connection.id), encoded(), headers).status == 201


# --- Encodings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity", ""])
def test_encodings(deliver: Callable[..., Reply], encoding: str) -> None:
    body = gzip.compress(encoded()) if "gzip" in encoding.lower() else encoded()

    assert deliver(body, Content_Encoding=encoding).status == 201


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip, identity", "nonsense"])
def test_unknown_encodings(deliver: Callable[..., Reply], expect_refused: Callable[..., None], encoding: str) -> None:
    reply = deliver(encoded(), Content_Encoding=encoding)

    assert "gzip" in reply.headers["accept-encoding"]
    expect_refused(reply, 415, "send gzip or identity")


BROKEN_GZIP = {
    "no gzip at all": encoded(),
    "empty": b"",
    "cut short": gzip.compress(encoded())[:-20],
    "without its end": gzip.compress(encoded())[:-8],
    "a damaged byte": gzip.compress(encoded()).replace(b"\x1f\x8b\x08", b"\x1f\x8b\x07"),
    "a wrong checksum": gzip.compress(encoded())[:-8] + b"\0" * 8,
    "zlib's own format": zlib.compress(encoded()),
    "something behind it": gzip.compress(encoded()) + b"nonsense",
    "twice": gzip.compress(gzip.compress(encoded())),
}


@pytest.mark.parametrize("case", BROKEN_GZIP)
def test_broken_gzip(deliver: Callable[..., Reply], expect_refused: Callable[..., None], case: str) -> None:
    # A body that was compressed twice inflates once, and is no JSON then; an empty one stays empty.
    reason = "not JSON" if case in {"twice", "empty"} else "not the gzip data"

    expect_refused(deliver(BROKEN_GZIP[case], Content_Encoding="gzip"), 400, reason)


def test_uncompressed_under_no_header_but_gzip_inside(
    deliver: Callable[..., Reply], expect_refused: Callable[..., None]
) -> None:
    expect_refused(deliver(gzip.compress(encoded())), 400, "not JSON")


# --- Chunks: how the Java client sends what it compresses (HttpTransport of openlineage-java) --------------


def in_pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize("size", [1, 100, 1_000_000])
@pytest.mark.parametrize("compressed", [True, False])
def test_chunks_without_a_length(server: LiveServer, sender: Sender, size: int, compressed: bool) -> None:
    headers = sender.headers | ({"Content-Encoding": "gzip"} if compressed else {})
    body = encoded()

    reply = exchange(
        server,
        "POST",
        server.path(sender.connection.id),
        headers,
        in_pieces(gzip.compress(body) if compressed else body, size),
    )

    assert reply.status == 201, reply.body
    assert Event.objects.get().body == body.decode()


def test_several_requests_on_one_connection(server: LiveServer, sender: Sender) -> None:
    """Chunked, compressed, refused and plain ones: each finds its own beginning and end."""
    path = server.path(sender.connection.id)
    compressed = sender.headers | {"Content-Encoding": "gzip"}
    with socket.create_connection(("127.0.0.1", server.port), wire.SECONDS) as client:
        statuses = []
        requests: list[tuple[dict[str, str], bytes | list[bytes]]] = [
            (compressed, [gzip.compress(encoded())]),
            (sender.headers, b"{"),
            (sender.headers, encoded()),
            ({}, encoded()),
            (compressed, gzip.compress(encoded())),
        ]
        for headers, body in requests:
            wire.send(client, "POST", path, headers, body)
            statuses.append(wire.receive(client).status)

    assert statuses == [201, 400, 201, 401, 201]


def test_a_sender_that_hangs_up_in_the_middle_stores_nothing(server: LiveServer, sender: Sender) -> None:
    path = server.path(sender.connection.id)
    with socket.create_connection(("127.0.0.1", server.port), wire.SECONDS) as client:
        wire.send(client, "POST", path, sender.headers | {"Content-Length": "1000"}, b'{"eventTime":')

    assert post(server, path, encoded(), sender.headers).status == 201
    assert Event.objects.count() == 1


# --- Sizes ------------------------------------------------------------------------------------------------


def padded(size: int) -> bytes:
    """A valid event of exactly `size` bytes."""
    body = encoded(padding="")
    return encoded(padding="x" * (size - len(body)))


def test_a_body_of_the_limit_is_taken(deliver: Callable[..., Reply]) -> None:
    assert deliver(padded(LIMIT)).status == 201


@pytest.mark.parametrize("length", [LIMIT + 1, 10**12, 10**18])
def test_too_large_by_its_length(
    deliver: Callable[..., Reply], expect_refused: Callable[..., None], length: int
) -> None:
    """Answered before a byte of it is sent."""
    expect_refused(deliver(b"", Content_Length=str(length)), 413, f"larger than {LIMIT} bytes")


def test_too_large_in_chunks(server: LiveServer, sender: Sender, expect_refused: Callable[..., None]) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * MIB

    reply = exchange(server, "POST", server.path(sender.connection.id), sender.headers, endless())

    expect_refused(reply, 413, f"larger than {LIMIT} bytes")


@pytest.mark.parametrize("members", [1, 64])
def test_too_large_when_inflated(
    server: LiveServer, deliver: Callable[..., Reply], expect_refused: Callable[..., None], members: int
) -> None:
    """1 MiB that would become 1 GiB, in one piece or in several: neither time nor memory is spent on it."""
    bomb = bomb_of(1024 * MIB // members) * members
    assert len(bomb) < 2 * MIB
    before = [memory(worker) for worker in server.workers]

    reply = deliver(bomb, Content_Encoding="gzip")

    assert all(memory(worker) - was < 50 * MIB for worker, was in zip(server.workers, before, strict=True))
    expect_refused(reply, 413, f"larger than {LIMIT} bytes")


def bomb_of(size: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(MIB)
    return b"".join(compressor.compress(zeros) for _ in range(size // MIB)) + compressor.flush()


def memory(worker: psutil.Process) -> int:
    return int(worker.memory_info().rss)
