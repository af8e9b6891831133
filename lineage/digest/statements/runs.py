"""lineage_run: the order-independent merge of what is stored with what comes. Its twin in Python is
lineage/digest/run_rows.py, which merges the events of one digest first: change both together."""

from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Final

from lineage.database.arrays import Column
from lineage.database.execute import Result, arrays, execute_rows, pack, statement
from lineage.digest.run_rows import OUTCOMES, RunRow

_TYPES = {
    "connection_id": "uuid",
    "id": "uuid",
    "job_id": "uuid",
    "active": "boolean",
    "event_count": "integer",
    "told_duration_ms": "integer",
    "attempt": "integer",
    "max_attempts": "integer",
    "map_index": "integer",
    "parent_run_id": "uuid",
    "root_run_id": "uuid",
    "edge_ids": "uuid[]",
    "needed_job_ids": "uuid[]",
    "invocation_id": "uuid",
    "node_id": "uuid",
    "test_ids": "uuid[]",
    "earlier_parent_run_ids": "uuid[]",
}
_ALL_COLUMNS: Final = [field.name for field in fields(RunRow)]
# Of dbt's nodes and tests, and of stand-ins below a DAG run that was cleared: a statement for other rows leaves them as
# they are.
RARE: Final = ("node_id", "test_ids", "earlier_parent_run_ids")
_COLUMNS: Final = {
    have_rare: [column for column in _ALL_COLUMNS if have_rare or column not in RARE] for have_rare in (False, True)
}
_values = {have_rare: attrgetter(*columns) for have_rare, columns in _COLUMNS.items()}


def _type(column: str) -> str:
    return _TYPES.get(column) or ("timestamptz" if column.endswith("_at") else "text")


ROW: Final = {have_rare: [_type(column) for column in columns] for have_rare, columns in _COLUMNS.items()}


def _when(condition: str, *columns: str) -> str:
    """Assignments that take the new values of a group of columns where the condition holds."""
    return ",\n    ".join(
        f"{column} = CASE WHEN {condition} THEN excluded.{column} ELSE run.{column} END" for column in columns
    )


def _merged(function: str, *columns: str) -> str:
    """Assignments by LEAST or GREATEST, which pass over NULL."""
    return ",\n    ".join(f"{column} = {function}(run.{column}, excluded.{column})" for column in columns)


_MOVES = "(excluded.first_event_at, excluded.job_id) < (run.first_event_at, run.job_id)"
_END = (
    f"{{row}}.ended_at, array_position(ARRAY{list(OUTCOMES)}, {{row}}.terminal_type), "
    "COALESCE({row}.needed_job_ids, '{{}}')"
)
_ENDS = (
    "excluded.ended_at IS NOT NULL AND (run.ended_at IS NULL OR "
    f"({_END.format(row='excluded')}) > ({_END.format(row='run')}))"
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


# Almost always one of the two holds all that the other does.
_EDGES = """
    CASE WHEN excluded.edge_ids IN ('{}', run.edge_ids) THEN run.edge_ids
         WHEN run.edge_ids = '{}' THEN excluded.edge_ids
         ELSE ARRAY(SELECT DISTINCT id FROM unnest(run.edge_ids || excluded.edge_ids) AS id ORDER BY id) END
"""

_TOLD = (
    "excluded.told_state IS NOT NULL AND (run.told_state IS NULL OR "
    "(excluded.last_event_at, excluded.told_state, COALESCE(excluded.told_duration_ms, 0)) > "
    "(run.last_event_at, run.told_state, COALESCE(run.told_duration_ms, 0)))"
)

SAID: Final = {
    have_rare: f"SELECT * FROM unnest({arrays(ROW[have_rare])}) AS said ({', '.join(columns)})"  # noqa: S608
    for have_rare, columns in _COLUMNS.items()
}


_ARRAYS: Final = ("edge_ids", "needed_job_ids", "test_ids", "earlier_parent_run_ids")


def merge(source: str, event_count: str, *, have_rare: bool) -> str:
    """Statement that merges the rows of `source`, of which `said` is one, into the stored ones. `have_rare`: whether
    any of them has one of the RARE columns; else it has no such columns."""
    columns = _COLUMNS[have_rare]
    expressions = {column: f"said.{column}::uuid[]" for column in _ARRAYS}
    expressions["event_count"] = event_count
    values = ", ".join(expressions.get(column, f"said.{column}") for column in columns)
    return f"""
INSERT INTO lineage_run AS run ({", ".join(columns)})
SELECT {values} FROM {source} ORDER BY said.connection_id, said.id
ON CONFLICT (connection_id, id) DO UPDATE SET
    previous_job_id = CASE WHEN {_MOVES} AND excluded.job_id <> run.job_id THEN run.job_id ELSE run.previous_job_id END,
    {_when(_MOVES, "job_id")},
    {_when(_ENDS, "terminal_type", "ended_at", "needed_job_ids")},
    {_when(_newer(_PARENT), *_PARENT)},
    {_when(_newer(("error_at", "error_message")), "error_at", "error_message")},
    {_when(_TOLD, "told_state", "told_duration_ms")},
    active = run.active OR excluded.active,
    event_count = run.event_count + excluded.event_count,
    {_merged("LEAST", "started_at", "first_event_at", "nominal_start_at")},
    {_merged("GREATEST", "last_event_at", "nominal_end_at", "attempt", "max_attempts", "map_index")},
    {_merged("GREATEST", "external_id", "external_query_id", "invocation_id", "orchestrator_run_id")},
    {_merged("GREATEST", *RARE) + "," if have_rare else ""}
    edge_ids = {_EDGES}
RETURNING connection_id, id, job_id, previous_job_id
"""  # noqa: S608 - made of constants


_UPSERT = statement(merge(f"({SAID[True]}) AS said", "said.event_count", have_rare=True))


def packed(rows: Iterable[RunRow], *, have_rare: bool) -> list[Column]:
    """The columns that SAID unnests; none without a row."""
    return pack(ROW[have_rare], map(_values[have_rare], rows))


def upsert_runs(rows: Iterable[RunRow]) -> Result:
    """Merges the rows into the stored ones: (connection id, id, job id, previous job id) of each run, as it is now."""
    return execute_rows(_UPSERT, ROW[True], map(_values[True], rows))
