"""Bodies far beyond the limit, announced, dripping in, or packed small: refused early, and at little cost in memory."""

import gzip
import http.client
import select
import socket
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import Product
from tests.faults.load import ANSWER_SECONDS, Target, request_head
from tests.faults.memory import MIB, forget_peak, peak, wait_until_given_back
from tests.faults.scale import tell

# settings.INTAKE_MAX_BODY_BYTES, and DATA_UPLOAD_MAX_MEMORY_SIZE as Django has it.
LIMIT = 16 * MIB
LIMIT_OF_PAGES = 2.5 * MIB
# What the kernel may hold of a body between client and server, beyond what the server has read: the more, the busier
# the machine is.
SOCKET_BUFFERS = sum(int(Path(f"/proc/sys/net/ipv4/tcp_{way}mem").read_text().split()[2]) for way in ("r", "w"))
GROWTH = 50 * MIB
# Of a process, whatever it is sent.
PEAK = 200 * MIB
AT_ONCE = 16


@cache
def bomb(size: int) -> bytes:
    """gzip of so many zeros, a thousandth of their size: one block of them over and over."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(16 * MIB)
    # A full flush lets the same bytes stand again behind themselves.
    packed = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(size // len(block)):
        checksum = zlib.crc32(block, checksum)
    head = gzip.compress(b"")[:10]
    tail = checksum.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
    return head + packed * (size // len(block)) + compressor.flush(zlib.Z_FINISH) + tail


def answer_to(target: Target, head: bytes, body: Iterator[bytes]) -> tuple[int, int]:
    """The status, and how many bytes of the body were sent until it came."""
    with socket.create_connection(("127.0.0.1", target.port), ANSWER_SECONDS) as client:
        client.sendall(head)
        sent = 0
        for part in body:
            if select.select([client], [], [], 0)[0]:
                break
            try:
                client.sendall(part)
            except ConnectionError:  # it hung up; its answer is there to be read
                break
            sent += len(part)
        response = http.client.HTTPResponse(client, method="POST")
        response.begin()
        assert ("Retry-After" in response.headers) == (response.status == 503)
        return response.status, sent


def announced(target: Target, path: str = "") -> tuple[int, int]:
    """100 MB, said beforehand: refused before any of it is sent."""
    return answer_to(target, request_head(target, 100 * MIB, path=path), iter(()))


def chunked(target: Target, path: str = "") -> tuple[int, int]:
    """100 MB without a length."""
    chunk = b"%x\r\n%s\r\n" % (MIB, bytes(MIB))
    head = request_head(target, 0, "Transfer-Encoding: chunked", path=path).replace(b"Content-Length: 0\r\n", b"")
    return answer_to(target, head, (chunk for _ in range(100)))


BOMBS: dict[str, Callable[[], bytes]] = {
    "one member": lambda: bomb(1024 * MIB),
    "64 members": lambda: bomb(16 * MIB) * 64,
}


def explode(target: Target, packed: bytes) -> tuple[int, int]:
    head = request_head(target, len(packed), "Content-Encoding: gzip")
    return answer_to(target, head, iter([packed]))


def grown(worker: psutil.Process, before: int) -> int:
    growth = peak(worker) - before
    tell(f"grew by {growth / MIB:.1f} MiB from {before / MIB:.0f} MiB")
    return growth


@pytest.mark.parametrize(("path", "limit"), [("", LIMIT), ("/sign-in", LIMIT_OF_PAGES)], ids=["intake", "page"])
@pytest.mark.parametrize("send", [announced, chunked])
def test_a_flood(
    lone_worker: Product, lone_target: Target, send: Callable[[Target, str], tuple[int, int]], path: str, limit: int
) -> None:
    [worker] = lone_worker.workers
    before = forget_peak(worker)
    status, sent = send(lone_target, path)
    assert status == 413
    assert sent <= limit + SOCKET_BUFFERS
    assert grown(worker, before) <= GROWTH


def test_a_flooded_head(lone_worker: Product, lone_target: Target) -> None:
    """100 MB of header lines."""
    [worker] = lone_worker.workers
    before = forget_peak(worker)
    head, _, _ = request_head(lone_target, 0).rpartition(b"\r\n")
    line = b"X-More: %s\r\n" % bytes(1000).replace(b"\0", b"x")
    status, sent = answer_to(lone_target, head, (line * 100 for _ in range(1000)))
    assert status == 431
    assert sent <= SOCKET_BUFFERS
    assert grown(worker, before) <= GROWTH


@pytest.mark.parametrize("kind", BOMBS)
def test_a_gzip_bomb(lone_worker: Product, lone_target: Target, kind: str) -> None:
    """1 MB that inflates to 1 GB."""
    [worker] = lone_worker.workers
    packed = BOMBS[kind]()
    assert len(packed) < 1.2 * MIB
    before = forget_peak(worker)
    assert explode(lone_target, packed)[0] == 413
    assert grown(worker, before) <= GROWTH


@pytest.mark.alone
@pytest.mark.parametrize("send", [chunked, lambda target: explode(target, bomb(1024 * MIB))], ids=["floods", "bombs"])
def test_many_at_once(lone_worker: Product, lone_target: Target, send: Callable[[Target], tuple[int, int]]) -> None:
    """Some requests may be asked to try later, because the process holds too much already."""
    [worker] = lone_worker.workers
    before = forget_peak(worker)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = {status for status, _ in pool.map(send, [lone_target] * AT_ONCE)}
    assert 413 in answers
    assert answers <= {413, 503}
    tell(f"a peak of {peak(worker) / MIB:.0f} MiB, from {before / MIB:.0f} MiB")
    assert peak(worker) <= PEAK
    wait_until_given_back(worker, before)
