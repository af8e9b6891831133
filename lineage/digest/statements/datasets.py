"""lineage_dataset, and the tables that say more of datasets. Rows are written sorted by key: writers that lock in one
order cannot deadlock."""

from typing import Final
from uuid import UUID

from lineage.database.bodies import compress
from lineage.database.execute import arrays, execute_rows, statement
from lineage.rows.tables import CONTENT, DATASET, MERGED, Row, Table

_KEY: Final = ("uuid", "uuid")
_DECLARED: Final = (*_KEY, "timestamptz")


def _types(table: Table) -> tuple[str, ...]:
    return tuple(table.columns.values())


def _upsert(table: Table) -> bytes:
    return statement(table.upsert(f"SELECT * FROM unnest({arrays(_types(table))})"))  # noqa: S608 - constants


_UPSERTS: Final = {table.name: _upsert(table) for table in (DATASET, *MERGED)}
_MARK_DESCRIBED = statement(f"""
UPDATE lineage_dataset AS dataset SET described = true
FROM unnest({arrays(_KEY)}) AS said (connection_id, id)
WHERE dataset.connection_id = said.connection_id AND dataset.id = said.id AND NOT dataset.described
""")  # noqa: S608 - made of constants
_DECLARE = statement(f"""
UPDATE lineage_job AS job SET declared_at = said.at
FROM unnest({arrays(_DECLARED)}) AS said (connection_id, id, at)
WHERE job.connection_id = said.connection_id AND job.id = said.id
    AND (job.declared_at IS NULL OR job.declared_at < said.at)
""")  # noqa: S608 - made of constants


def merge_rows(table: Table, rows: list[Row]) -> None:
    """Merges rows into the stored ones. `rows`: sorted, one for each key."""
    execute_rows(_UPSERTS[table.name], _types(table), rows)


def insert_contents(rows: list[Row]) -> None:
    """`rows`: (connection id, id, content, names of columns), sorted."""
    merge_rows(CONTENT, [(*key, compress(content), names) for *key, content, names in rows])


def mark_described(keys: list[tuple[UUID, UUID]]) -> None:
    """`keys`: (connection id, id) of datasets that an event described."""
    execute_rows(_MARK_DESCRIBED, _KEY, keys)


def declare_jobs(rows: list[Row]) -> None:
    """`rows`: (connection id, id, time of a JobEvent that names datasets) of locked jobs."""
    execute_rows(_DECLARE, _DECLARED, rows)
