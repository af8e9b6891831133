"""Rules for times that cannot be true: a sender's clock may show the year 1 (Go's zero time), 1970 or 2099.

Times are stored as sent, because events are merged by them. These rules say what is believed of them.
"""

from datetime import datetime, timedelta
from typing import Final

# No run lasts longer. Some streaming jobs run for years; clocks that were never set show the years 1, 1970 and 2000.
LONGEST: Final = timedelta(days=3653)
# Clocks that are ahead of ours by no more than this are believed: they keep the order of a sender's own events.
MOST_AHEAD: Final = timedelta(minutes=5)


def known_duration(start: datetime | None, end: datetime | None) -> timedelta | None:
    """Return the time between two moments. None if one is unknown, or if the duration is negative or beyond LONGEST."""
    if start is None or end is None:
        return None
    return end - start if timedelta(0) <= end - start <= LONGEST else None


def is_impossible(at: datetime, received_at: datetime | None) -> bool:
    """Tell whether a moment is later than its event was received, or too long before. None: its receipt is unknown."""
    return received_at is not None and not -LONGEST <= at - received_at <= MOST_AHEAD


def plausible(at: datetime, received_at: datetime | None) -> datetime:
    """Return the moment, or the receipt of its event in place of an impossible one."""
    return received_at if received_at is not None and is_impossible(at, received_at) else at
