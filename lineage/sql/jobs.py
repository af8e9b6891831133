"""lineage_job. Its rows are locked before the runs are read, by a statement of its own: so each reads what those before
it committed, and two transactions that write runs of one job take turns."""

from typing import Final
from uuid import UUID

from lineage import states
from lineage.projection.descriptions import COLUMNS, GROUPS
from lineage.sql.execute import Row, arrays, execute_rows, statement

_JOB: Final = ("uuid", "uuid", "text", "text")
_KEY: Final = ("uuid", "uuid")
_TYPES: Final = {"owners": "text[]", "tags": "text[]", "parent_job_id": "uuid"}


def _type(column: str) -> str:
    return _TYPES.get(column) or ("timestamptz" if column.endswith("_at") else "text")


_DESCRIPTION: Final = (*_KEY, *map(_type, COLUMNS))

# Runs that never end are not counted one by one at every event of their job.
MAX_RUNNING_RUNS: Final = 1000

_INSERT = statement(f"""
INSERT INTO lineage_job (connection_id, id, namespace, name, kind, integration, processing_type)
SELECT said.*, 'JOB', '', '' FROM unnest({arrays(_JOB)}) AS said
ON CONFLICT (connection_id, id) DO NOTHING
""")  # noqa: S608 - made of constants

_LOCK = statement(f"""
SELECT FROM lineage_job
WHERE (connection_id, id) IN (SELECT * FROM unnest({arrays(_KEY)}))
ORDER BY connection_id, id FOR NO KEY UPDATE
""")  # noqa: S608 - made of constants


def _newer(at: str, values: tuple[str, ...]) -> str:
    """Whether what is said of a group was said later, or as late and is greater. What was derived has no time."""
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


# Which groups change, each found once a row: in the UPDATE itself it would be found once for each column.
_CHANGES: Final = f"""
    SELECT said.connection_id, said.id, {", ".join(f"{_said(column)} AS {column}" for column in COLUMNS)},
        {", ".join(f"{_newer(at, values)} AS new_{at}" for at, values in GROUPS.items())}
    FROM unnest({arrays(_DESCRIPTION)}) AS said (connection_id, id, {", ".join(COLUMNS)})
    JOIN lineage_job AS job ON job.connection_id = said.connection_id AND job.id = said.id
    OFFSET 0
"""  # noqa: S608 - made of constants
_ANY_CHANGE: Final = " OR ".join(f"said.new_{at}" for at in GROUPS)
_DESCRIBED: Final = ",\n    ".join(
    f"{column} = CASE WHEN said.new_{at} THEN said.{column} ELSE job.{column} END"
    for at, values in GROUPS.items()
    for column in (at, *values)
)

_COUNTED = """
    latest_run_id = latest.id,
    latest_run_state = latest.state,
    latest_run_at = latest.run_at,
    latest_run_started_at = latest.started_at,
    latest_run_ended_at = latest.ended_at,
    running_runs = running.count
"""
# The newest run that is shown; of the instances of a mapped task, one that failed stands for all.
_NEWEST = f"""
    SELECT run.id FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id AND run.job_id = said.id AND NOT {states.hidden("run")}
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
"""  # noqa: S608 - made of constants
_FAILED_INSTANCE = f"""
    SELECT run.id FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id
        AND run.parent_run_id = newest.parent_run_id AND run.job_id = said.id
        AND run.state = 'FAILED' AND {states.settled_state("run")} = 'FAILED'
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
"""  # noqa: S608 - made of constants
_RUNS_OF_SAID = f"""
LEFT JOIN lineage_run AS newest ON newest.connection_id = said.connection_id AND newest.id = ({_NEWEST})
LEFT JOIN LATERAL (
    SELECT run.id, {states.settled_state("run")} AS state, run.run_at, run.started_at,
        {states.settled_end("run")} AS ended_at
    FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id
        AND run.id = COALESCE(CASE WHEN newest.map_index IS NOT NULL THEN ({_FAILED_INSTANCE}) END, newest.id)
) AS latest ON true
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM lineage_run AS run
        WHERE run.connection_id = said.connection_id AND run.job_id = said.id AND run.state = 'RUNNING'
            AND {states.settled_running("run")} AND NOT {states.sent_before("run")}
        LIMIT {MAX_RUNNING_RUNS}
    ) AS running_run
) AS running
"""  # noqa: S608 - made of constants
_RECOUNTED_DIFFERS = """
    (job.latest_run_id, job.latest_run_state, job.latest_run_at, job.latest_run_started_at,
     job.latest_run_ended_at, job.running_runs)
  IS DISTINCT FROM
    (latest.id, latest.state, latest.run_at, latest.started_at, latest.ended_at, running.count)
"""

_UPDATE = statement(f"""
UPDATE lineage_job AS job SET
    {_DESCRIBED},
    {_COUNTED}
FROM ({_CHANGES}) AS said
{_RUNS_OF_SAID}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND ({_ANY_CHANGE} OR {_RECOUNTED_DIFFERS})
""")  # noqa: S608 - made of constants


def _recount(said: str) -> bytes:
    return statement(f"""
UPDATE lineage_job AS job SET {_COUNTED}
FROM {said} AS said (connection_id, id)
{_RUNS_OF_SAID}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND {_RECOUNTED_DIFFERS}
""")  # noqa: S608 - made of constants


_RECOUNT = _recount(f"unnest({arrays(_KEY)})")

# The jobs of runs that are in doubt, by their parent runs.
_IN_DOUBT = f"""(
    SELECT DISTINCT run.connection_id, run.job_id FROM unnest({arrays(_KEY)}) AS above (connection_id, id)
    JOIN lineage_run AS run ON run.connection_id = above.connection_id AND run.parent_run_id = above.id
    WHERE run.needed_job_ids IS NOT NULL
)"""  # noqa: S608 - made of constants
_LOCK_IN_DOUBT = statement(f"""
SELECT FROM lineage_job WHERE (connection_id, id) IN {_IN_DOUBT} ORDER BY connection_id, id FOR NO KEY UPDATE
""")
_RECOUNT_IN_DOUBT = _recount(_IN_DOUBT)


def insert_jobs(rows: list[Row]) -> None:
    """Adds those that are not there. `rows`: (connection id, id, namespace, name), sorted."""
    execute_rows(_INSERT, _JOB, rows)


def lock_jobs(keys: list[tuple[UUID, UUID]]) -> None:
    """`keys`: (connection id, id)."""
    execute_rows(_LOCK, _KEY, keys)


def update_jobs(rows: list[Row]) -> None:
    """Describes locked jobs, and brings their latest run and running count up to date, from the runs.

    `rows`: (connection id, id, and COLUMNS of lineage/projection/descriptions.py), one for each job. In each group of
    columns what was said later wins; one whose columns are None says nothing.
    """
    execute_rows(_UPDATE, _DESCRIPTION, rows)


def recount_runs(keys: list[tuple[UUID, UUID]]) -> None:
    """The counts alone, for locked jobs (connection id, id)."""
    execute_rows(_RECOUNT, _KEY, keys)


def recount_runs_in_doubt(parent_runs: list[tuple[UUID, UUID]]) -> None:
    """The same for the jobs of runs that are in doubt, below runs (connection id, id) whose own jobs are locked."""
    execute_rows(_LOCK_IN_DOUBT, _KEY, parent_runs)
    execute_rows(_RECOUNT_IN_DOUBT, _KEY, parent_runs)
