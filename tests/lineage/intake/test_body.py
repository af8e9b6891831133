"""A body is read within its limit, as it arrives and inflated."""

import gzip
import tracemalloc
import zlib

import pytest

from lineage.intake.answers import Rejection
from lineage.intake.body import Body

LIMIT = 100_000


def read(content: bytes, encoding: str | None = None, length: str | None = None, chunk: int = 1000) -> bytes:
    body = Body(encoding=encoding, content_length=length, limit=LIMIT)
    for start in range(0, len(content), chunk):
        body.add(content[start : start + chunk])
    return body.content()


def status_of(content: bytes, encoding: str | None = None, length: str | None = None) -> int:
    with pytest.raises(Rejection) as refused:
        read(content, encoding, length)
    return refused.value.status


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
def test_plain(encoding: str | None) -> None:
    assert read(b"x" * LIMIT, encoding) == b"x" * LIMIT


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
def test_gzip(encoding: str) -> None:
    assert read(gzip.compress(b"x" * LIMIT), encoding) == b"x" * LIMIT


@pytest.mark.parametrize(("size", "is_small"), [(0, True), (1000, True), (1001, False)])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_small_bodies_are_inflated_at_once(size: int, is_small: bool, encoding: str | None) -> None:
    content = b"x" * size
    body = Body(encoding=encoding, content_length=None, limit=LIMIT)
    body.add(gzip.compress(content) if encoding else content)
    assert body.inflate_if_small(1000) == is_small
    assert body.content() == content


def test_a_small_body_that_is_no_gzip() -> None:
    body = Body(encoding="gzip", content_length=None, limit=LIMIT)
    body.add(b"x")
    with pytest.raises(Rejection) as refused:
        body.inflate_if_small(1000)
    assert refused.value.code == "broken_gzip"


def test_gzip_of_several_members() -> None:
    assert read(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip") == b"one two"


def test_an_empty_body_is_empty_in_either_encoding() -> None:
    assert read(b"") == read(b"", "gzip") == b""


def test_one_byte_over_the_limit() -> None:
    assert status_of(b"x" * (LIMIT + 1)) == 413
    assert status_of(gzip.compress(b"x" * (LIMIT + 1)), "gzip") == 413
    assert status_of(gzip.compress(b"x" * LIMIT) + gzip.compress(b"x"), "gzip") == 413


def test_a_length_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(Rejection) as refused:
        Body(encoding=None, content_length=str(LIMIT + 1), limit=LIMIT)
    assert refused.value.status == 413
    assert "Retry-After" not in refused.value.headers


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_other_encodings(encoding: str) -> None:
    with pytest.raises(Rejection) as refused:
        Body(encoding=encoding, content_length=None, limit=LIMIT)
    assert refused.value.status == 415


@pytest.mark.parametrize(
    "content",
    [b"{}", gzip.compress(b"x" * 500)[:-1], gzip.compress(b"x") + b"more", zlib.compress(b"x")],
    ids=["text", "its end is missing", "more follows", "zlib"],
)
def test_what_is_not_gzip(content: bytes) -> None:
    assert status_of(content, "gzip") == 400


def test_a_bomb_is_not_inflated_further_than_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    assert status_of(bomb, "gzip") == 413
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(("cut", "status"), [(0, 413), (4, 400)], ids=["too large", "broken off"])
def test_a_refusal_keeps_nothing_that_was_inflated(cut: int, status: int) -> None:
    """A rejection lives on until it is answered, and many may be under way."""
    mib = 1024 * 1024
    packed = gzip.compress(bytes(32 * mib))
    body = Body(encoding="gzip", content_length=None, limit=32 * mib - (1 if status == 413 else 0))
    body.add(packed[: len(packed) - cut])
    tracemalloc.start()
    with pytest.raises(Rejection) as refused:
        body.content()
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.status == status
    assert most > 30 * mib
    assert kept < 4 * mib
