"""Deterministic ids: 128-bit hashes of natural keys, so that writers need no look-up."""

import re
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

_CANONICAL = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# The same jobs, datasets and parents come again and again.
_REMEMBERED = 16_384


def event_id(body: bytes) -> UUID:
    """The same bytes are the same event: a retried request is found to be a repeat by this id."""
    return UUID(bytes=blake2b(body, digest_size=16).digest())


@lru_cache(_REMEMBERED)
def job_id(connection_id: UUID, namespace: str, name: str) -> UUID:
    return _hash(b"job", connection_id.bytes, namespace.encode(), name.encode())


@lru_cache(_REMEMBERED)
def dataset_id(namespace: str, name: str) -> UUID:
    """Without the connection: the same table seen by two orchestrators is one dataset."""
    return _hash(b"dataset", namespace.encode(), name.encode())


@lru_cache(_REMEMBERED)
def edge_id(job: UUID, dataset: UUID, direction: str) -> UUID:
    """`job` hashes the connection already."""
    return _hash(b"edge", job.bytes, dataset.bytes, direction.encode())


def told_run_id(parent: UUID, namespace: str, name: str) -> UUID:
    """Of the stand-in for a run that its parent told of, by the job's names. Scoped by connection, as all run ids."""
    return _hash(b"told", parent.bytes, namespace.encode(), name.encode())


@lru_cache(_REMEMBERED)
def run_id(text: str) -> tuple[UUID, str]:
    """The id of a run, and the sender's own text where that is not the id's canonical form (else empty).

    The specification wants a UUID; some senders use other texts, which are mapped to one.
    """
    if _CANONICAL.fullmatch(text):
        return UUID(text), ""
    try:
        return UUID(text), text
    except ValueError:
        return _hash(b"run", text.encode()), text


def _hash(*parts: bytes) -> UUID:
    """Each part goes in with its length, so that no two lists of parts look alike."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return UUID(bytes=digest.digest())
