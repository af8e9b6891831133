"""Usual silence of a connection, so that pages report only unusual silence."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from lineage.overview.run_times import active_hours

# Period that is examined: it holds two whole weekends, even if it starts within a third one.
WATCHED = timedelta(days=21)
# A period of this length that begins and ends with runs holds two of each weekly pause.
_TWO_OF_EACH = timedelta(days=14)
# Less activity gives no known rhythm. DEFAULT_SILENCE then allows a day, because daily schedules are common, and a
# margin.
_KNOWN_AFTER = timedelta(days=3)
DEFAULT_SILENCE = timedelta(hours=26)
# A run may take longer than before, and start later.
_TIMES = 1.25
_MARGIN = timedelta(hours=1)
LEAST_SILENCE = timedelta(hours=3)


def usual_pauses(connection_ids: Collection[UUID], *, until: datetime) -> dict[UUID, timedelta]:
    """Return connection id → its longest usual pause, for connections with a known rhythm. One query at most."""
    if not connection_ids:
        return {}
    hours = active_hours(connection_ids, since=until - WATCHED, until=until)
    pauses = {connection_id: usual_pause(of_connection) for connection_id, of_connection in hours.items()}
    return {connection_id: pause for connection_id, pause in pauses.items() if pause}


def usual_pause(hours: Sequence[datetime]) -> timedelta | None:
    """Return the longest usual pause between active hours, given the earliest first. None: too little is known.

    The longest pause does not count, because it may have been an outage. It counts if less than two weeks are known,
    because it may have been the only weekend so far.
    """
    if len(hours) < 2 or hours[-1] - hours[0] < _KNOWN_AFTER:
        return None
    pauses = sorted(later - earlier for earlier, later in pairwise(hours))
    return pauses[-2] if len(pauses) > 2 and hours[-1] - hours[0] >= _TWO_OF_EACH else pauses[-1]


def silent_after(pause: timedelta | None) -> timedelta:
    """Return the silence from which on it is longer than usual."""
    return max(_TIMES * pause + _MARGIN, LEAST_SILENCE) if pause else DEFAULT_SILENCE


def unusual_silence(silence: timedelta, pause: timedelta | None) -> str:
    """Describe a silence that is longer than usual; empty if it is not. `pause`: the longest usual one."""
    if silence < silent_after(pause):
        return ""
    usual = f", usually {_rough_duration(pause)} at most" if pause else ""
    return f"Silent for {_rough_duration(silence)}{usual}"


def _rough_duration(silence: timedelta) -> str:
    hours = int(silence.total_seconds() // 3600)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
