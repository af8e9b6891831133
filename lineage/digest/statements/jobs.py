"""lineage_job: adds jobs, and stores what events say of them. states/job_counts.py locks jobs and counts their runs."""

from typing import Final
from uuid import UUID

from lineage.database.execute import Row, arrays, execute_rows, statement
from lineage.digest.descriptions import COLUMNS, GROUPS

Key = tuple[UUID, UUID]  # connection id, id

_JOB: Final = ("uuid", "uuid", "text", "text")
_KEY: Final = ("uuid", "uuid")
_TYPES: Final = {"owners": "text[]", "tags": "text[]", "parent_job_id": "uuid"}


def _type(column: str) -> str:
    return _TYPES.get(column) or ("timestamptz" if column.endswith("_at") else "text")


_DESCRIPTION: Final = (*_KEY, *map(_type, COLUMNS))

_INSERT = statement(f"""
INSERT INTO lineage_job (connection_id, id, namespace, name, kind, integration, processing_type)
SELECT said.*, 'JOB', '', '' FROM unnest({arrays(_JOB)}) AS said
ON CONFLICT (connection_id, id) DO NOTHING
""")  # noqa: S608 - made of constants


def _newer(at: str, values: tuple[str, ...]) -> str:
    """Condition: new values of a group have a later time, or an equal one and are greater. Derived values have none."""
    compared = [column for column in values if _type(column) != "uuid"]
    ours = ", ".join(_said(column, collation='COLLATE "C"') for column in compared)
    theirs = ", ".join(f"job.{column}" for column in compared)
    return (
        f"said.{values[0]} IS NOT NULL AND "
        f"(COALESCE(said.{at}, '-infinity'), {ours}) > (COALESCE(job.{at}, '-infinity'), {theirs})"
    )


def _said(column: str, collation: str = "") -> str:
    cast = f"::{_type(column)}" if _type(column).endswith("[]") else ""
    return f"said.{column}{cast} {collation if _type(column).startswith('text') else ''}".rstrip()


# Finds the groups that change, once a row: the UPDATE itself would find it once for each column.
_CHANGES: Final = f"""
    SELECT said.connection_id, said.id, {", ".join(f"{_said(column)} AS {column}" for column in COLUMNS)},
        {", ".join(f"{_newer(at, values)} AS new_{at}" for at, values in GROUPS.items())}
    FROM unnest({arrays(_DESCRIPTION)}) AS said (connection_id, id, {", ".join(COLUMNS)})
    JOIN lineage_job AS job ON job.connection_id = said.connection_id AND job.id = said.id
    OFFSET 0
"""  # noqa: S608 - made of constants
_DESCRIBED: Final = ",\n    ".join(
    f"{column} = CASE WHEN said.new_{at} THEN said.{column} ELSE job.{column} END"
    for at, values in GROUPS.items()
    for column in (at, *values)
)
_DESCRIBE = statement(f"""
UPDATE lineage_job AS job SET
    {_DESCRIBED}
FROM ({_CHANGES}) AS said
WHERE job.connection_id = said.connection_id AND job.id = said.id
    AND ({" OR ".join(f"said.new_{at}" for at in GROUPS)})
""")  # noqa: S608 - made of constants


def insert_jobs(rows: list[Row]) -> None:
    """Adds jobs that are not there. `rows`: (connection id, id, namespace, name), sorted."""
    execute_rows(_INSERT, _JOB, rows)


def describe_jobs(rows: list[Row]) -> None:
    """Describes locked jobs. `rows`: (connection id, id, COLUMNS of lineage/digest/descriptions.py), one for each job.

    In each group of columns the later time wins; a group whose columns are None is left alone.
    """
    execute_rows(_DESCRIBE, _DESCRIPTION, rows)
