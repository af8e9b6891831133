"""lineage_job. Its rows are locked before the runs are read, by a statement of its own: so each reads what those before
it committed, and two transactions that write runs of one job take turns.

All rows are locked by one statement, sorted by key: writers that lock in one order cannot deadlock."""

from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID

from lineage.database.arrays import column
from lineage.database.execute import Row, arrays, execute, execute_rows, pack, statement
from lineage.digest.descriptions import COLUMNS, GROUPS
from lineage.digest.run_rows import ANY_NODE
from lineage.models import state_sql as states

Key = tuple[UUID, UUID]  # connection id, id
Ended = tuple[UUID, UUID, UUID]  # connection id, invocation id, job id

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


def _lock(said: str) -> bytes:
    return statement(f"""
SELECT FROM lineage_job WHERE (connection_id, id) IN ({said}) ORDER BY connection_id, id FOR NO KEY UPDATE
""")


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


def _instance(state: str, settles: str) -> str:
    """The newest of a mapped task's instances in one DAG run that are in this state, and settle in it."""
    return f"""
    SELECT run.id FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id
        AND run.parent_run_id = newest.parent_run_id AND run.job_id = said.id
        AND run.state = '{state}' AND {settles}
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
"""  # noqa: S608 - made of constants


# That which stands for all of them: one that failed, else one that still runs. NULL: all ended well.
_STANDS_FOR_ALL = f"""COALESCE(
    ({_instance("FAILED", f"{states.settled_state('run', of_dbt=False)} = 'FAILED'")}),
    ({_instance("RUNNING", states.settled_running("run"))})
)"""


def _runs_of_said(*, of_dbt: bool) -> str:
    """The newest run that is shown, and the running ones, with whether any of those is one of dbt's."""
    return f"""
LEFT JOIN lineage_run AS newest ON newest.connection_id = said.connection_id AND newest.id = (
    SELECT run.id FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id AND run.job_id = said.id
        AND NOT {states.hidden("run", of_dbt=of_dbt)}
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
)
LEFT JOIN LATERAL (
    SELECT run.id, {states.settled_state("run", of_dbt=of_dbt)} AS state, run.run_at, run.started_at,
        {states.settled_end("run")} AS ended_at
    FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id
        AND run.id = COALESCE(CASE WHEN newest.map_index IS NOT NULL THEN {_STANDS_FOR_ALL} END, newest.id)
) AS latest ON true
CROSS JOIN LATERAL (
    SELECT count(*), bool_or(of_dbt) AS of_dbt FROM (
        SELECT run.invocation_id IS NOT NULL AS of_dbt FROM lineage_run AS run
        WHERE run.connection_id = said.connection_id AND run.job_id = said.id AND run.state = 'RUNNING'
            AND {states.settled_running("run")} {f"AND NOT {states.sent_before('run')}" if of_dbt else ""}
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
# Of a statement that knows nothing of runs with an invocation, dbt's and DAG runs: fails where there are some.
_NONE_OF_DBT = "((newest.invocation_id IS NULL AND running.of_dbt IS NOT TRUE) OR insist(false))"


def _update(*, of_dbt: bool) -> bytes:
    return statement(f"""
UPDATE lineage_job AS job SET
    {_DESCRIBED},
    {_COUNTED}
FROM ({_CHANGES}) AS said
{_runs_of_said(of_dbt=of_dbt)}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND ({_ANY_CHANGE} OR {_RECOUNTED_DIFFERS})
    {"" if of_dbt else f"AND {_NONE_OF_DBT}"}
""")  # noqa: S608 - made of constants


def _recount(said: str, *, of_dbt: bool) -> bytes:
    return statement(f"""
UPDATE lineage_job AS job SET {_COUNTED}
FROM {said} AS said (connection_id, id)
{_runs_of_said(of_dbt=of_dbt)}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND {_RECOUNTED_DIFFERS}
    {"" if of_dbt else f"AND {_NONE_OF_DBT}"}
""")  # noqa: S608 - made of constants


# By whether they are dbt's, which are told apart before the statement is sent: what dbt asks for doubles its cost.
_UPDATE = {of_dbt: _update(of_dbt=of_dbt) for of_dbt in (False, True)}
_RECOUNT = {of_dbt: _recount(f"unnest({arrays(_KEY)})", of_dbt=of_dbt) for of_dbt in (False, True)}

# Jobs of runs that are in doubt and may no longer be, for runs of these jobs ended in the same invocation; and of those
# that look at the former. And jobs of tests as dbt's default mode sends them, where the command sends its nodes one by
# one: the runs of those that have a result, or of any node where none has, may now stand for theirs.
_ENDED: Final = ("uuid", "uuid", "uuid")
_IN_DOUBT = f"""(
    WITH ended AS (
        SELECT * FROM unnest({arrays(_ENDED)}) AS ended (connection_id, invocation_id, job_id)
    ), doubt AS (
        SELECT run.connection_id, run.invocation_id, run.job_id, run.needed_job_ids, run.terminal_type
        FROM (SELECT DISTINCT connection_id, invocation_id FROM ended) AS invocation
        JOIN lineage_run AS run USING (connection_id, invocation_id)
        WHERE {states.in_doubt("run")}
    ), touched AS (
        SELECT * FROM doubt WHERE terminal_type = 'SOME_RESULTS' OR EXISTS (
            SELECT FROM ended
            WHERE ended.connection_id = doubt.connection_id AND ended.invocation_id = doubt.invocation_id
                AND ended.job_id = ANY (doubt.needed_job_ids)
        )
    )
    SELECT connection_id, job_id FROM touched
    UNION
    SELECT doubt.connection_id, doubt.job_id FROM touched JOIN doubt USING (connection_id, invocation_id)
    WHERE touched.job_id = ANY (doubt.needed_job_ids)
    UNION
    SELECT run.connection_id, run.job_id
    FROM (SELECT connection_id, invocation_id FROM ended WHERE job_id = '{ANY_NODE}') AS invocation
    JOIN lineage_run AS run USING (connection_id, invocation_id)
    WHERE run.test_ids IS NOT NULL AND run.node_id IS NULL AND (run.test_ids = '{{}}' OR EXISTS (
        SELECT FROM ended
        WHERE ended.connection_id = run.connection_id AND ended.invocation_id = run.invocation_id
            AND ended.job_id = ANY (run.test_ids)
    ))
)"""  # noqa: S608 - made of constants
_RECOUNT_IN_DOUBT = _recount(_IN_DOUBT, of_dbt=True)

_SAID = f"SELECT * FROM unnest({arrays(_KEY)})"  # noqa: S608 - made of constants
_LOCK = _lock(_SAID)
_LOCK_WITH_THOSE_IN_DOUBT = _lock(f"{_SAID} UNION {_IN_DOUBT}")

# Advisory locks with this number are about invocations; lineage/upkeep/maintenance.py has the other.
_TAKE_TURNS = statement("SELECT pg_advisory_xact_lock(5230418, invocation) FROM unnest(%b::integer[]) AS invocation")


def insert_jobs(rows: list[Row]) -> None:
    """Adds those that are not there. `rows`: (connection id, id, namespace, name), sorted."""
    execute_rows(_INSERT, _JOB, rows)


def lock_jobs(keys: list[Key], *, ended: list[Ended] | None = None) -> None:
    """`keys`: (connection id, id). `ended`: runs (connection id, invocation id, job id); the jobs with runs that may be
    in doubt no longer, since these ended, are locked as well.

    Whoever may settle a doubt of one invocation takes turns, for the others' runs tell which jobs those are.
    """
    if not ended:
        execute_rows(_LOCK, _KEY, keys)
        return
    invocations = {int.from_bytes(invocation_id.bytes[-4:], signed=True) for _, invocation_id, _ in ended}
    execute(_TAKE_TURNS, [column("integer", sorted(invocations))])
    execute(_LOCK_WITH_THOSE_IN_DOUBT, [*pack(_KEY, keys), *pack(_ENDED, ended)])


def update_jobs(rows: list[Row], *, of_dbt: Collection[Key] | None = None) -> None:
    """Describes locked jobs, and brings their latest run and running count up to date, from the runs.

    `rows`: (connection id, id, and COLUMNS of lineage/digest/descriptions.py), one for each job. In each group of
    columns what was said later wins; one whose columns are None says nothing. `of_dbt`: the keys of those that may have
    runs of dbt's; None: all. Where another has some, the statement fails with the SQLSTATE INSISTED.
    """
    for theirs, some in _told_apart(rows, of_dbt):
        execute_rows(_UPDATE[theirs], _DESCRIPTION, some)


def recount_runs(keys: list[Key], *, of_dbt: Collection[Key] | None = None) -> None:
    """The counts alone, for locked jobs (connection id, id). `of_dbt`: as `update_jobs` takes it."""
    for theirs, some in _told_apart(keys, of_dbt):
        execute_rows(_RECOUNT[theirs], _KEY, some)


def _told_apart(rows: list[Row], of_dbt: Collection[Key] | None) -> Iterator[tuple[bool, list[Row]]]:
    if of_dbt is None:
        yield True, rows
    elif not of_dbt:
        yield False, rows
    else:
        yield False, [row for row in rows if row[:2] not in of_dbt]
        yield True, [row for row in rows if row[:2] in of_dbt]


def recount_runs_in_doubt(ended: list[Ended]) -> None:
    """The counts of the jobs that `lock_jobs` locks because of what ended."""
    execute_rows(_RECOUNT_IN_DOUBT, _ENDED, ended)
