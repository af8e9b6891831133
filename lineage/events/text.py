"""Text and times as columns can hold them."""

import re
from datetime import UTC, datetime

# In JSON text: escaped backslashes (so that what follows them is no escape), a surrogate pair, or half of one.
_SURROGATE = re.compile(
    rb"(?:\\\\)+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
# The longest time that a sender may mean, with nanoseconds, offset and the name of a zone.
_MAX_TIME_CHARACTERS = 80
_ZONE_NAME = re.compile(r"\[[^\]]*\]$")


def storable(text: str) -> str:
    """The text with NUL, which PostgreSQL cannot store, replaced by U+FFFD."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def without_lone_surrogates(body: bytes) -> bytes:
    r"""JSON text of the same length whose lone surrogate escapes (`\ud800`) are `\ufffd`: no decoder takes those."""

    def repair(match: re.Match[bytes]) -> bytes:
        found = match.group()
        return b"\\ufffd" if len(found) == 6 and found[1:2] == b"u" else found

    return _SURROGATE.sub(repair, body)


def parse_time(text: str) -> datetime:
    """A time in UTC. Without a zone it is taken as UTC; digits past microseconds are dropped.

    Raises ValueError for what is no ISO 8601 time between the years 1 and 9999 (in UTC).
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
