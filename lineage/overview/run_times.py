"""Hours and days in which a connection had runs. One index access for each of them, however many runs there are."""

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

_HOURS = """
SELECT wanted.connection_id, hour.at
FROM unnest(%s::uuid[]) AS wanted (connection_id)
CROSS JOIN generate_series(%s::timestamptz, %s::timestamptz, interval '1 hour') AS hour (at)
WHERE EXISTS (
    SELECT FROM lineage_run AS run
    WHERE run.connection_id = wanted.connection_id
        AND run.run_at >= hour.at AND run.run_at < hour.at + interval '1 hour'
    OFFSET 0
)
ORDER BY hour.at
"""

_DAYS = """
SELECT wanted.connection_id, (day.at AT TIME ZONE 'UTC')::date,
    EXISTS (
        SELECT FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id
            AND run.run_at >= day.at AND run.run_at < day.at + interval '24 hours'
        OFFSET 0
    ),
    EXISTS (
        SELECT FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.shown_state = 'FAILED' AND NOT run.is_hidden
            AND run.run_at >= day.at AND run.run_at < day.at + interval '24 hours'
        OFFSET 0
    )
FROM unnest(%s::uuid[]) AS wanted (connection_id)
CROSS JOIN generate_series(%s::timestamptz, %s::timestamptz, interval '24 hours') AS day (at)
ORDER BY day.at
"""


class Day(NamedTuple):
    """Day (UTC) of a connection: whether it had runs, and whether any of them failed."""

    date: date
    ran: bool
    failed: bool


def active_hours(connection_ids: Collection[UUID], *, since: datetime, until: datetime) -> dict[UUID, list[datetime]]:
    """Return connection id → the starts of the hours in which it had runs, the earliest first. One query."""
    found: dict[UUID, list[datetime]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [list(connection_ids), since.replace(minute=0, second=0, microsecond=0), until])
        for connection_id, hour in cursor.fetchall():
            found.setdefault(connection_id, []).append(hour)
    return found


def days(connection_ids: Collection[UUID], *, first: date, last: date) -> dict[UUID, list[Day]]:
    """Return connection id → each day from the first to the last. One query."""
    found: dict[UUID, list[Day]] = {}
    bounds = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last)]
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [list(connection_ids), *bounds])
        for connection_id, *day in cursor.fetchall():
            found.setdefault(connection_id, []).append(Day(*day))
    return found
