"""Text and times as columns can hold them."""

import re
from datetime import UTC, datetime

# An escape in JSON text: a surrogate pair, any other \uXXXX, or a backslash with one character.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ZONE_NAME = re.compile(r"\[[^\]]*\]$")


def storable(text: str) -> str:
    """The text with NUL, which PostgreSQL cannot store, replaced by U+FFFD."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def without_lone_surrogates(body: bytes) -> bytes:
    r"""JSON text of the same length whose lone surrogate escapes (`\ud800`) are `\ufffd`: no decoder takes those."""

    def repair(match: re.Match[bytes]) -> bytes:
        escape = match.group()
        is_surrogate = len(escape) == 6 and escape[2:3] in b"dD" and escape[3:4] in b"89abcdefABCDEF"
        return b"\\ufffd" if is_surrogate else escape

    return _ESCAPE.sub(repair, body)


def parse_time(text: str) -> datetime:
    """A time in UTC. Without a zone it is taken as UTC; digits past microseconds are dropped.

    Raises ValueError for what is no ISO 8601 time between the years 1 and 9999 (in UTC).
    """
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
