"""Decoders of types, each made once.

msgspec (0.22) notes on a class that its fields are known before it has read all of them. A thread that makes a decoder
of this class, or of one that contains it, meanwhile decodes with what is there, and crashes the process. So decoders
are made while modules are imported, or here, one at a time.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_decoders: dict[Any, Any] = {}
_one_at_a_time = Lock()


def decoder_of(shape: type[T]) -> "msgspec.json.Decoder[T]":
    """Return the decoder of a type."""
    return made_once(shape, lambda: msgspec.json.Decoder(shape))


def made_once(key: Any, make: Callable[[], T]) -> T:
    """Return what `make`, which makes decoders, returned for this key when it was first asked for."""
    found: T | None = _decoders.get(key)
    if found is None:
        with _one_at_a_time:
            found = _decoders.get(key)
            if found is None:
                found = _decoders[key] = make()
    return found
