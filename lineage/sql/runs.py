"""lineage_run: the order-independent merge of what is stored with what comes. Its twin in Python is
lineage/projection/runs.py, which merges the events of one digest first: change both together."""

from dataclasses import fields
from operator import attrgetter

from lineage.projection.runs import RunRow
from lineage.sql.execute import Result, by_column, execute

_TYPES = {
    "connection_id": "uuid",
    "id": "uuid",
    "job_id": "uuid",
    "active": "boolean",
    "event_count": "integer",
    "attempt": "integer",
    "max_attempts": "integer",
    "map_index": "integer",
    "parent_run_id": "uuid",
    "root_run_id": "uuid",
}
_COLUMNS = [field.name for field in fields(RunRow)]
_values = attrgetter(*_COLUMNS)


def _type(column: str) -> str:
    return _TYPES.get(column) or ("timestamptz" if column.endswith("_at") else "text")


def _when(condition: str, *columns: str) -> str:
    """Assignments that take the new values of a group of columns where the condition holds."""
    return ",\n    ".join(
        f"{column} = CASE WHEN {condition} THEN excluded.{column} ELSE run.{column} END" for column in columns
    )


def _merged(function: str, *columns: str) -> str:
    """Assignments by LEAST or GREATEST, which pass over NULL."""
    return ",\n    ".join(f"{column} = {function}(run.{column}, excluded.{column})" for column in columns)


_MOVES = "(excluded.first_event_at, excluded.job_id) < (run.first_event_at, run.job_id)"
_RANK = "array_position(ARRAY['COMPLETE', 'ABORT', 'FAIL'], {row}.terminal_type)"
_ENDS = (
    "excluded.ended_at IS NOT NULL AND (run.ended_at IS NULL OR "
    f"(excluded.ended_at, {_RANK.format(row='excluded')}) > (run.ended_at, {_RANK.format(row='run')}))"
)
_PARENT = (
    *("parent_at", "parent_run_id", "parent_job_namespace", "parent_job_name"),
    *("root_run_id", "root_job_namespace", "root_job_name"),
)
_NO_RUN = "'00000000-0000-0000-0000-000000000000'"


def _newer(group: tuple[str, ...]) -> str:
    """Whether the new values of a group are later, or as late and greater. The first column is their time."""
    ours, theirs = (
        ", ".join(
            f"COALESCE({row}.{column}, {_NO_RUN})" if column == "root_run_id" else f"{row}.{column}" for column in group
        )
        for row in ("excluded", "run")
    )
    return f"excluded.{group[0]} IS NOT NULL AND (run.{group[0]} IS NULL OR ({ours}) > ({theirs}))"


UPSERT = f"""
INSERT INTO lineage_run AS run ({", ".join(_COLUMNS)})
SELECT * FROM unnest({", ".join(f"%b::{_type(column)}[]" for column in _COLUMNS)})
ON CONFLICT (connection_id, id) DO UPDATE SET
    previous_job_id = CASE WHEN {_MOVES} AND excluded.job_id <> run.job_id THEN run.job_id ELSE run.previous_job_id END,
    {_when(_MOVES, "job_id")},
    {_when(_ENDS, "terminal_type", "ended_at")},
    {_when(_newer(_PARENT), *_PARENT)},
    {_when(_newer(("error_at", "error_message")), "error_at", "error_message")},
    active = run.active OR excluded.active,
    event_count = run.event_count + excluded.event_count,
    {_merged("LEAST", "started_at", "first_event_at", "nominal_start_at")},
    {_merged("GREATEST", "last_event_at", "nominal_end_at", "attempt", "max_attempts", "map_index")},
    {_merged("GREATEST", "external_id", "external_query_id")}
RETURNING connection_id, job_id, previous_job_id
"""  # noqa: S608 - made of constants


def upsert_runs(rows: list[RunRow]) -> Result:
    """Merges the rows into the stored ones: (connection id, job id, previous job id) of each run, as it is now."""
    ordered = sorted(rows, key=lambda row: (row.connection_id.int, row.id.int))
    return execute(UPSERT.encode(), by_column(map(_values, ordered), len(_COLUMNS)))
