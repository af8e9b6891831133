"""Bodies are kept small, in one way for all partitions, and come back byte for byte."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import zstandard
from django.db import connection as database
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.database.bodies import compress, decompress
from lineage.models import Event
from lineage.upkeep.partitions import partition_names
from lineage.upkeep.retention import ensure_partitions
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender

MIB = 1024 * 1024
BODIES = {
    "none": b"",
    "the shortest document": b"{}",
    "NUL": rb'{"a":"\u0000"}',
    "lone surrogates": rb'{"a":"\ud800","b":"\udfff\ud800"}',
    "emoji": '{"é":"😀👩‍👩‍👧"}'.encode(),
    "every byte": bytes(range(256)),
    "a frame": zstandard.compress(b"{}"),
    "16 MiB of one character": b"x" * 16 * MIB,
    "16 MiB that do not compress": random.Random(1).randbytes(16 * MIB),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_comes_back_from_a_frame_that_tells_its_size(body: bytes) -> None:
    frame = compress(body)
    assert zstandard.frame_content_size(frame) == len(body)
    assert decompress(frame) == body


@settings(deadline=None)
@given(st.binary(max_size=5_000))
def test_any_bytes_come_back(body: bytes) -> None:
    assert decompress(compress(body)) == body


def test_what_is_damaged_is_no_body() -> None:
    frame = compress(run_event())
    for damaged in (b"", b"{}", frame[:-1], b"\0" + frame[1:]):
        with pytest.raises(zstandard.ZstdError):
            decompress(damaged)


def test_many_threads_at_once() -> None:
    """Each has its own compressor: one that two of them use gives frames of neither, or ends the process."""
    bodies = [run_event(padding=f"{n}" * 20_000) for n in range(400)]
    with ThreadPoolExecutor(16) as threads:
        frames = list(threads.map(compress, bodies))
        assert list(threads.map(decompress, frames)) == bodies
    assert frames == [compress(body) for body in bodies]


@pytest.mark.django_db
def test_real_events_are_stored_as_they_came(sender: Sender, sample_lines: Callable[..., list[bytes]]) -> None:
    bodies = set(sample_lines())
    assert sender.send(*bodies).stored == len(bodies)
    stored = list(Event.objects.values_list("body", "body_bytes"))
    assert {body.encode() for body, _ in stored} == bodies
    assert all(len(body.encode()) == size for body, size in stored)


@pytest.mark.django_db
def test_a_model_that_is_saved_says_the_same(sender: Sender) -> None:
    sender.send(run_event())
    event = Event.objects.get()
    event.body = '{"😀": "\\u0000"}'
    event.save(update_fields=["body"])
    assert Event.objects.get().body == Event.objects.values_list("body", flat=True)[0] == event.body
    with database.cursor() as cursor:
        cursor.execute("SELECT body FROM lineage_event")
        assert decompress(cursor.fetchone()[0]) == event.body.encode()


@pytest.mark.django_db
def test_postgresql_does_not_compress_it_again(sender: Sender) -> None:
    """The frame is stored as it is, inside the row or beside it, even if it could become smaller."""
    sender.send(run_event(), run_event(padding=random.Random(1).randbytes(5_000).hex()))
    # A frame that PostgreSQL could compress.
    Event.objects.filter(body_bytes__lt=1_000).update(body=random.Random(2).randbytes(4_000).hex())
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_column_compression(body), octet_length(body) > 2000 FROM lineage_event")
        assert cursor.fetchall() == [(None, True), (None, True)]


@pytest.mark.django_db
def test_each_partition_stores_bodies_alike() -> None:
    before = partition_names()
    ensure_partitions(datetime(2031, 1, 1, 12, tzinfo=UTC))
    names = partition_names()
    assert len(names) == len(before) + 10
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT attrelid::regclass::text, format_type(atttypid, atttypmod), attstorage::text, attnotnull
            FROM pg_attribute WHERE attname = 'body' AND attrelid::regclass::text = ANY(%s)
            """,
            [["lineage_event", *names]],
        )
        found = {name: tuple(how) for name, *how in cursor.fetchall()}
    assert found == dict.fromkeys(["lineage_event", *names], ("bytea", "e", True))


@pytest.mark.django_db
def test_an_event_of_a_usual_size_fits_into_its_row(sender: Sender, sample_lines: Callable[..., list[bytes]]) -> None:
    """TOAST takes what makes a row longer than 2 kB."""
    bodies = {body for body in sample_lines() if len(body) < 6_000}
    assert sender.send(*bodies).stored == len(bodies) > 300
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT max(octet_length(body)), sum(octet_length(body))::float / sum(body_bytes) FROM lineage_event"
        )
        [(largest, share)] = cursor.fetchall()
    assert largest < 1_900
    assert share < 0.33
