"""Conversion of texts and times into values that columns can hold."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_IS_HIGH, _IS_LOW = re.compile(_HIGH), re.compile(_LOW)
# The high half of a surrogate pair without the low one behind it, or the low half without the high one before it. Both
# begin with one text, for which a search is fast.
_LONE = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!%(low)b)|[c-fC-F](?<!%(high)b\\u[dD][c-fC-F])[0-9a-fA-F]{2})"
    % {b"low": _LOW, b"high": _HIGH}
)
_ESCAPE_BYTES = 6
# Not in UTF-8.
_HIDDEN = b"\xff\xff"
# A regular expression lets no other thread of Python run while it replaces, some milliseconds for a piece.
_PIECE_BYTES = 64 * 1024
# The longest valid time: with nanoseconds, offset and the name of a zone.
_MAX_TIME_CHARACTERS = 80
_ZONE_NAME = re.compile(r"\[[^\]]*\]$")


def storable(text: str) -> str:
    """Replace NUL, which PostgreSQL cannot store, by U+FFFD."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def without_lone_surrogates(body: bytes) -> bytes:
    r"""Replace lone surrogate escapes (`\ud800`) in JSON text, which no decoder accepts, by `\ufffd`. Keeps the
    length. `body`: in UTF-8."""
    # Behind an escaped backslash, `ud800` is no escape.
    hidden = body.replace(rb"\\", _HIDDEN)
    repaired = b"".join(_LONE.sub(rb"\\ufffd", piece) for piece in _pieces(hidden))
    return repaired.replace(_HIDDEN, rb"\\")


def _pieces(text: bytes) -> Iterator[bytes]:
    """Cut JSON text into pieces, but no escape and no surrogate pair."""
    start = 0
    while start < len(text):
        end = start + _PIECE_BYTES
        if end < len(text):
            escape = text.rfind(b"\\", end - _ESCAPE_BYTES + 1, end)
            end = end if escape < 0 else escape
            if _IS_LOW.match(text, end) and _IS_HIGH.match(text, end - _ESCAPE_BYTES):
                end -= _ESCAPE_BYTES
        yield text[start:end]
        start = end


def parse_time(text: str) -> datetime:
    """Parse a time and convert it to UTC. A time without a zone counts as UTC; digits past microseconds are dropped.

    Raises ValueError if it is not an ISO 8601 time between the years 1 and 9999 (in UTC).
    """
    if len(text) > _MAX_TIME_CHARACTERS:
        raise ValueError("too long for a time")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        # Java's ZonedDateTime writes "+02:00[Europe/Paris]"; RFC 3339 allows "z".
        time = datetime.fromisoformat(_ZONE_NAME.sub("", text).upper())
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error
