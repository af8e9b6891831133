"""Hours in which a connection had runs. One index access for each of them, however many runs there are."""

from collections.abc import Collection
from datetime import datetime
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


def active_hours(connection_ids: Collection[UUID], *, since: datetime, until: datetime) -> dict[UUID, list[datetime]]:
    """Return connection id → the starts of the hours in which it had runs, the earliest first. One query."""
    found: dict[UUID, list[datetime]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [list(connection_ids), since.replace(minute=0, second=0, microsecond=0), until])
        for connection_id, hour in cursor.fetchall():
            found.setdefault(connection_id, []).append(hour)
    return found
