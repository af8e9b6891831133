"""Reads a body within its limit: as it arrives, and inflated."""

import zlib
from collections.abc import Iterator

from lineage.intake.answers import Code, Rejection, body_too_large, broken_gzip, unsupported_encoding

_GZIP = 16 + zlib.MAX_WBITS
# The limit for a gzip body. Senders write one member; each further one costs a copy of all that follows it.
_MAX_MEMBERS = 64
# Bytes that are inflated at a time: in one go, zlib's buffers would hold what is inflated twice.
_PIECE_BYTES = 1024 * 1024


class Body:
    """Collects the chunks of one body. Holds at most `limit` bytes, however large the body would be.

    They are in one growing block: a large block is given back to the system as a whole, where many chunks would leave
    holes between the bodies of others.
    """

    def __init__(self, *, encoding: str | None, content_length: str | None, limit: int) -> None:
        """Raises Rejection if the headers alone show that the body is to be refused."""
        self.is_compressed = _is_compressed(encoding or "")
        self._limit = limit
        self._buffer = bytearray()
        if content_length and content_length.isdecimal() and int(content_length[:20]) > limit:
            raise body_too_large(limit)

    def add(self, chunk: bytes) -> None:
        """Raises Rejection (413) as soon as the body is over the limit."""
        if len(self._buffer) + len(chunk) > self._limit:
            self._buffer = bytearray()
            raise body_too_large(self._limit)
        self._buffer += chunk

    def inflate_if_small(self, most: int) -> bool:
        """Inflates the body if it is then of at most `most` bytes. Returns True if it is that small, and inflated.

        Raises Rejection (400) for what is no gzip.
        """
        if len(self._buffer) > most:
            return False
        if self.is_compressed:
            try:
                self._buffer = bytearray(_inflate(bytes(self._buffer), most))
            except Rejection as rejection:
                if rejection.code != Code.BODY_TOO_LARGE:
                    raise
                return False
            self.is_compressed = False
        return True

    def content(self) -> bytes:
        """The whole body, inflated; asked for once. Raises Rejection: 413 over the limit, 400 for what is no gzip."""
        content, self._buffer = bytes(self._buffer), bytearray()
        return _inflate(content, self._limit) if self.is_compressed else content


def _is_compressed(encoding: str) -> bool:
    match encoding.strip().lower():
        case "" | "identity":
            return False
        case "gzip" | "x-gzip":
            return True
        case _:
            raise unsupported_encoding(encoding)


def _inflate(compressed: bytes, limit: int) -> bytes:
    """A gzip file may have several members, one after the other (RFC 1952, section 2.2)."""
    pieces: list[bytes] = []
    try:
        pieces.extend(_pieces(compressed, limit))
        return b"".join(pieces)
    finally:
        # A rejection has a traceback, and that this frame: until it is answered, it would keep what was inflated.
        pieces.clear()


def _pieces(compressed: bytes, limit: int) -> Iterator[bytes]:
    size = members = 0
    while compressed:
        if members == _MAX_MEMBERS:
            raise broken_gzip(f"it has more than {_MAX_MEMBERS} members")
        members += 1
        inflater = zlib.decompressobj(_GZIP)
        while not inflater.eof:
            try:
                # One byte more than is allowed shows that a body is over the limit.
                piece = inflater.decompress(compressed, min(_PIECE_BYTES, limit - size + 1))
            except zlib.error as error:
                # "incorrect header check" of "Error -3 while decompressing data: incorrect header check".
                raise broken_gzip(str(error).rpartition(": ")[2]) from error
            compressed = inflater.unconsumed_tail
            if not piece and not compressed and not inflater.eof:
                raise broken_gzip("it breaks off")
            size += len(piece)
            if size > limit:
                raise body_too_large(limit)
            yield piece
        compressed = inflater.unused_data
