"""lineage_event and lineage_activity."""

from datetime import datetime
from uuid import UUID

from lineage.sql.execute import Result, Row, by_column, execute

_INSERT = """
INSERT INTO lineage_event (connection_id, event_time, id, received_at, kind, event_type, subject_id, body)
SELECT * FROM unnest(
    %b::uuid[], %b::timestamptz[], %b::uuid[], %b::timestamptz[], %b::text[], %b::text[], %b::uuid[], %b::text[]
)
ON CONFLICT (connection_id, event_time, id) DO NOTHING
RETURNING connection_id, id
"""

_TOUCH_ACTIVITY = """
INSERT INTO lineage_activity AS activity (connection_id, first_event_at, last_event_at, first_job_name)
SELECT heard.connection_id, heard.at, heard.at, heard.job_name
FROM unnest(%b::uuid[], %b::timestamptz[], %b::text[]) AS heard (connection_id, at, job_name)
WHERE NOT EXISTS (
    SELECT FROM lineage_activity AS recent
    WHERE recent.connection_id = heard.connection_id AND recent.last_event_at > heard.at - interval '1 second'
)
ON CONFLICT (connection_id) DO UPDATE SET last_event_at = GREATEST(activity.last_event_at, excluded.last_event_at)
"""


def insert_events(rows: list[Row]) -> Result:
    """Stores those that are not stored yet: rows of (connection id, event id).

    `rows`: (connection id, event time, id, received at, kind, event type, subject id, body).
    """
    return execute(_INSERT.encode(), by_column(sorted(rows, key=lambda row: row[:3]), 8))


def touch_activity(heard: dict[UUID, str], *, now: datetime) -> None:
    """Notes that each connection was heard from now; `heard` gives a job's name for those that are new.

    The row of a connection is hot, so one that is less than a second old is left alone.
    """
    rows = sorted((connection_id, now, job_name) for connection_id, job_name in heard.items())
    execute(_TOUCH_ACTIVITY.encode(), by_column(rows, 3))
