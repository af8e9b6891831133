"""Times as texts, by the clock of the current time zone: on pages that of the reader, everywhere else UTC."""

from datetime import UTC, datetime

from django.utils import timezone


def local(at: datetime) -> datetime:
    """Return the time in the current time zone. In UTC if it lies in the year 0 or 10000 there."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at.astimezone(UTC)


def exact_time(at: datetime) -> str:
    """Format as `2026-03-02 13:03:11 +01:00`; without an offset as `2026-03-02 12:03:11 UTC`."""
    text = local(at).isoformat(sep=" ", timespec="seconds")
    return f"{text[:19]} {'UTC' if text.endswith('+00:00') else text[19:]}"


def utc_time(at: datetime) -> str:
    """Format as `2026-03-02 12:03:11 UTC`."""
    return f"{at.astimezone(UTC).isoformat(sep=' ')[:19]} UTC"
