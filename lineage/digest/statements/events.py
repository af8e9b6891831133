"""lineage_event, with the runs that its events are about; and lineage_activity."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from lineage.database.arrays import column
from lineage.database.execute import Result, Row, arrays, execute, execute_rows, pack, statement
from lineage.digest.statements import runs
from lineage.rows.run_row import RunRow

_EVENT: Final = ("uuid", "timestamptz", "uuid", "timestamptz", "text", "text", "uuid", "integer", "bytea")
_ACTIVITY: Final = ("uuid", "timestamptz", "text")


# Runs are merged only if one of their events is new, and count the new ones alone. Reported tasks have no events.
_STORE = statement(f"""
WITH stored AS (
    INSERT INTO lineage_event (
        connection_id, event_time, id, received_at, kind, event_type, subject_id, body_bytes, body
    )
    SELECT * FROM unnest({arrays(_EVENT)})
    ON CONFLICT (connection_id, event_time, id) DO NOTHING
    RETURNING connection_id, id, kind, subject_id
), counted AS (
    SELECT connection_id, subject_id, count(*)::integer AS events
    FROM stored WHERE kind = 'RUN' GROUP BY connection_id, subject_id
), said AS (
    {runs.SAID}
), merged AS (
    {
    runs.merge(
        "said LEFT JOIN counted ON counted.connection_id = said.connection_id AND counted.subject_id = said.id "
        "WHERE counted.events > 0 OR said.event_count = 0",
        "COALESCE(counted.events, 0)",
    )
}
)
SELECT connection_id, id FROM stored
""")  # noqa: S608 - made of constants

_TOUCH_ACTIVITY = statement(f"""
INSERT INTO lineage_activity AS activity (connection_id, first_event_at, last_event_at, first_job_name)
SELECT active.connection_id, active.at, active.at, active.job_name
FROM unnest({arrays(_ACTIVITY)}) AS active (connection_id, at, job_name)
WHERE NOT EXISTS (
    SELECT FROM lineage_activity AS recent
    WHERE recent.connection_id = active.connection_id AND recent.last_event_at >= date_trunc('second', active.at)
)
ON CONFLICT (connection_id) DO UPDATE SET last_event_at = GREATEST(activity.last_event_at, excluded.last_event_at)
""")  # noqa: S608 - made of constants


def store_events(events: Iterable[Row], run_rows: Iterable[RunRow]) -> Result:
    """Stores the events that are not stored yet, and merges what is said of their runs.

    `events`: (connection id, event time, id, received at, kind, event type, subject id, size of the body, compressed
    body), sorted. Rows: (connection id, event id) for each event that was new.
    """
    columns = pack(_EVENT, events)
    if not columns:
        return Result(None)
    said = runs.packed(run_rows) or [column(type_, ()) for type_ in runs.ROW]
    return execute(_STORE, [*columns, *said])


def touch_activity(job_names: dict[UUID, str], *, now: datetime) -> None:
    """Notes that connections sent something now. `job_names`: each of them, with a job's name, for those that are new.

    The row of a connection is hot, so it is written once in each second of the clock, by the process that comes first.
    Each process asks no more often than that, so `last_event_at` is less than a second behind.
    """
    rows = sorted((connection_id, now, job_name) for connection_id, job_name in job_names.items())
    execute_rows(_TOUCH_ACTIVITY, _ACTIVITY, rows)
