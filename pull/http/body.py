"""Bodies of answers, inflated within a limit of size.

httpx inflates each piece whole, in any encoding and any number of layers: 100 KB become gigabytes before it returns.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import httpx

from pull.http.faults import Fault, FaultCode

# Inflated at once, in bytes.
_PIECE: Final = 64 * 1024
# zlib's number for gzip.
_GZIP: Final = 16 + zlib.MAX_WBITS


def read_body(answer: httpx.Response, *, most: int, host: str, path: str) -> bytes:
    """Read a body of at most `most` bytes, inflated. Raises Fault."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise Fault(FaultCode.UNEXPECTED, f"{host} packs its answer at {path}, and not by gzip.", path=path)
    pieces, size = [], 0
    try:
        for piece in _inflated(answer.iter_raw()) if "gzip" in encoding else answer.iter_raw():
            size += len(piece)
            if size > most:
                words = f"The answer of {host} at {path} is larger than {most // 1024 // 1024} MiB."
                raise Fault(FaultCode.TOO_LARGE, words, path=path)
            pieces.append(piece)
    except zlib.error as error:
        words = f"The answer of {host} at {path} is broken: it says that it is gzip, and is not."
        raise Fault(FaultCode.UNEXPECTED, words, path=path) from error
    except EOFError as error:
        raise Fault(FaultCode.UNREACHABLE, f"{host} broke off its answer at {path}.", path=path) from error
    return b"".join(pieces)


def _inflated(packed: Iterable[bytes]) -> Iterator[bytes]:
    """Inflate gzip. Raises zlib.error, and EOFError if its end is missing."""
    inflater = zlib.decompressobj(_GZIP)
    is_empty = True
    for received in packed:
        rest, is_empty = received, False
        while rest and not inflater.eof:
            yield inflater.decompress(rest, _PIECE)
            rest = inflater.unconsumed_tail
        if inflater.eof:
            return
    if not is_empty:
        yield inflater.flush()
        if not inflater.eof:
            raise EOFError
