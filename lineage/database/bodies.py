"""Compresses the bodies of events into zstd's frames.

PostgreSQL's own compression takes three times as long, and leaves a quarter more. See
docs/decisions/0020-bodies-compressed-by-us.md.
"""

import threading
from typing import Any, Final

import zstandard
from django.db import models

# 3 leaves 3 % less of an event and takes an eighth longer, 6 leaves 7 % less and takes twice as long.
_LEVEL: Final = 1


class _Contexts(threading.local):
    """Contexts of a thread: two threads may not use one at a time, and making one costs more than using it."""

    def __init__(self) -> None:
        # The size is for the reader, who makes room for the whole body at once. A checksum would say little new: the
        # id of an event is a hash of its body, unless parts of it were dropped.
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True, write_checksum=False)
        self.decompressor = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def compress(body: bytes) -> bytes:
    """Compresses a body into one frame, which begins with the size of the body. Other threads run meanwhile."""
    return _contexts.compressor.compress(body)


def decompress(frame: bytes) -> bytes:
    """Restores the body, byte for byte. Raises zstandard.ZstdError if the frame is damaged."""
    return _contexts.decompressor.decompress(frame)


class BodyField(models.TextField):  # type: ignore[type-arg]
    """A text that is compressed in the database: not to be searched or compared there."""

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 - the framework's signature
        return "bytea"

    def from_db_value(self, value: bytes | None, *_: Any) -> str | None:
        return None if value is None else decompress(value).decode()

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return compress(text.encode()) if isinstance(text, str) else text
