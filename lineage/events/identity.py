"""Deterministic ids: 128-bit hashes of natural keys, so that writers need no look-up."""

import re
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

_CANONICAL = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PORT = re.compile(r"(?P<scheme>[a-z0-9+.-]+)(?P<host>://[^/]*):(?P<port>[0-9]+)/?")
_USUAL_PORTS = {
    "postgres": "5432",
    "postgresql": "5432",
    "redshift": "5439",
    "mysql": "3306",
    "mssql": "1433",
    "sqlserver": "1433",
    "oracle": "1521",
    "trino": "8080",
    "hive": "10000",
    "clickhouse": "8123",
}
_QUOTES = re.compile(r"[\"`\[\]]")
_PARTITION = re.compile(r"(?:/[^/=]+=[^/]*)+/?$")

# Cached ids: few jobs, datasets and parents make up most events.
_REMEMBERED = 16_384


def event_id(body: bytes) -> UUID:
    """Hash the bytes of an event. A retried request has equal bytes, so this id shows that it is a repeat."""
    return UUID(bytes=blake2b(body, digest_size=16).digest())


@lru_cache(_REMEMBERED)
def job_id(connection_id: UUID, namespace: str, name: str) -> UUID:
    return _hash(b"job", connection_id.bytes, namespace.encode(), name.encode())


@lru_cache(_REMEMBERED)
def dataset_id(namespace: str, name: str) -> UUID:
    """Hash a dataset's names, without the connection: a table seen by two orchestrators is one dataset."""
    return _hash(b"dataset", namespace.encode(), name.encode())


@lru_cache(_REMEMBERED)
def edge_id(job: UUID, dataset: UUID, direction: str) -> UUID:
    """Hash an edge. The job's id includes the connection already."""
    return _hash(b"edge", job.bytes, dataset.bytes, direction.encode())


@lru_cache(_REMEMBERED)
def match_id(namespace: str, name: str) -> UUID:
    """Hash a dataset's names without what senders write differently: capitals, quotes, and the usual port.

    Two datasets with one match id are perhaps one table; they are never merged.
    """
    found = _PORT.fullmatch(namespace.lower())
    if found and found["port"] == _USUAL_PORTS.get(found["scheme"]):
        namespace = found["scheme"] + found["host"]
    return _hash(b"match", namespace.lower().rstrip("/").encode(), _QUOTES.sub("", name).lower().encode())


@lru_cache(_REMEMBERED)
def base_id(namespace: str, name: str) -> UUID:
    """Make the id that the dataset would have without the partition that ends its name."""
    return dataset_id(namespace, base_name(name))


def base_name(name: str) -> str:
    """Return the name without the partition that ends it, such as `/day=2026-11-20`."""
    return _PARTITION.sub("", name) or name


@lru_cache(_REMEMBERED)
def alias_row_id(dataset: UUID, alias: UUID) -> UUID:
    return _hash(b"alias", dataset.bytes, alias.bytes)


def content_id(content: bytes) -> UUID:
    """Hash the content of a fact."""
    return _hash(b"content", content)


def fact_row_id(subject: UUID, kind: str, side: str, content: UUID) -> UUID:
    return _hash(b"fact", subject.bytes, kind.encode(), side.encode(), content.bytes)


def change_row_id(run: UUID, dataset: UUID, change: str, previous: UUID) -> UUID:
    return _hash(b"change", run.bytes, dataset.bytes, change.encode(), previous.bytes)


def measure_row_id(run: UUID, dataset: UUID, direction: str) -> UUID:
    return _hash(b"measure", run.bytes, dataset.bytes, direction.encode())


def check_row_id(run: UUID, dataset: UUID, names: tuple[str, str, str], position: int) -> UUID:
    """`names`: of the column, the assertion and the test. `position`: among those of one event with equal names."""
    encoded = (name.encode() for name in names)
    return _hash(b"check", run.bytes, dataset.bytes, *encoded, position.to_bytes(4, "big"))


def relation_row_id(kind: str, source: UUID, target: UUID) -> UUID:
    return _hash(b"relation", kind.encode(), source.bytes, target.bytes)


def extraction_row_id(run: UUID) -> UUID:
    return _hash(b"extraction", run.bytes)


def run_row_id(run: UUID, job: UUID, map_index: int | None) -> UUID:
    """Make the id of the row of a run, from the sender's run id, the id of its job, and its map index.

    Some senders give one run id to runs of several jobs, or to all instances of a mapped task. The first half is that
    of the run id: many run ids begin with their time, and rows of one time stay together in the indexes.
    """
    return UUID(bytes=run.bytes[:8] + _half(b"run", run, job, map_index))


def joined_run_id(run: UUID, job: UUID, map_index: int | None) -> UUID:
    """Make the id of the row that joins the rows of one run which was sent under several names; `job`: the last one."""
    return UUID(bytes=run.bytes[:8] + _half(b"joined", run, job, map_index))


def reported_run_id(parent: UUID, namespace: str, name: str) -> UUID:
    """Make a run id for a task that sent no event itself, from its parent run and the job's names."""
    return _hash(b"told", parent.bytes, namespace.encode(), name.encode())


@lru_cache(_REMEMBERED)
def run_id(text: str) -> tuple[UUID, str]:
    """Return the id of a run, and the sender's own text if that is not a canonical UUID (else empty).

    The specification wants a UUID; some senders use other texts, which are hashed to one.
    """
    if _CANONICAL.fullmatch(text):
        return UUID(text), ""
    try:
        return UUID(text), text
    except ValueError:
        return _hash(b"run", text.encode()), text


def _half(kind: bytes, run: UUID, job: UUID, map_index: int | None) -> bytes:
    index = b"" if map_index is None else map_index.to_bytes(4, "big", signed=True)
    return blake2b(kind + run.bytes + job.bytes + index, digest_size=8).digest()


def _hash(*parts: bytes) -> UUID:
    """Hash parts with their lengths, so that two different lists of parts never give one input."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return UUID(bytes=digest.digest())
