"""Pace of a run: its duration beside the usual one of its job. Pure."""

from datetime import timedelta
from typing import Final

# A run is slow from this multiple of its job's median on, and only if it takes this much longer.
SLOW_TIMES: Final = 5
SLOW_MARGIN: Final = timedelta(seconds=10)


def is_slow(duration: timedelta | None, median: timedelta | None) -> bool:
    """Tell whether a run took, or has been running, far longer than the runs of its job usually do."""
    if duration is None or not median:
        return False
    return duration >= SLOW_TIMES * median and duration - median >= SLOW_MARGIN
