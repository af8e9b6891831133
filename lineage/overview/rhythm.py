"""How long a connection is usually silent, so that it is called silent when it is not as usual."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from lineage.overview.activity import active_hours

# What is looked back upon: two whole weekends, from within a third as well.
WATCHED = timedelta(days=21)
# What begins and ends with runs, and lasts as long, holds two of any pause that comes once a week.
_TWO_OF_EACH = timedelta(days=14)
# Who was heard of for less long has no rhythm that is known. A day, since daily schedules are common, and a margin.
_KNOWN_AFTER = timedelta(days=3)
UNKNOWN_RHYTHM = timedelta(hours=26)
# A run may last longer than it did before, and start later.
_TIMES = 1.25
_MARGIN = timedelta(hours=1)
AT_LEAST = timedelta(hours=3)


def usual_pauses(connection_ids: Collection[UUID], *, until: datetime) -> dict[UUID, timedelta]:
    """Connection id → the longest of its usual pauses, for those whose rhythm is known. One query at most."""
    if not connection_ids:
        return {}
    hours = active_hours(connection_ids, since=until - WATCHED, until=until)
    pauses = {connection_id: usual_pause(of_connection) for connection_id, of_connection in hours.items()}
    return {connection_id: pause for connection_id, pause in pauses.items() if pause}


def usual_pause(hours: Sequence[datetime]) -> timedelta | None:
    """Of hours in which something happened, the earliest first. None: they tell too little.

    One pause may have been an outage, so the longest does not count: but where less than two weeks are known, since it
    may have been the only weekend so far.
    """
    if len(hours) < 2 or hours[-1] - hours[0] < _KNOWN_AFTER:
        return None
    pauses = sorted(later - earlier for earlier, later in pairwise(hours))
    return pauses[-2] if len(pauses) > 2 and hours[-1] - hours[0] >= _TWO_OF_EACH else pauses[-1]


def silent_after(pause: timedelta | None) -> timedelta:
    """The silence that is longer than usual."""
    return max(_TIMES * pause + _MARGIN, AT_LEAST) if pause else UNKNOWN_RHYTHM
