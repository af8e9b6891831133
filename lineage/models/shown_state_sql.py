"""What a run's state is shown as at a moment: whether it runs, or was lost.

As in lineage/models/state_sql.py, which says what the runs settle in, each function gives an SQL expression on a row of
lineage_run, named by its alias; those of jobs, on one of lineage_job.
"""

from typing import Final

from lineage.models.state_sql import sent_before, settled_running, settled_state

# What a run that was not heard of for so long is waited for; and at most this many times as long as its job takes.
_PATIENCE: Final = "interval '24 hours'"
_TIMES_P95: Final = 4
_RECENT_RUNS: Final = 200
# A job that takes less is waited for no longer than others; there is an index of the runs that took more.
_LONG: Final = "interval '6 hours'"
# Of the runs of a job that seem to be running, the newest are looked at: so many to tell whether any is, and how many.
_ANY_OF, _COUNT_OF = 3, 100
# Events of a child may arrive after its parent's last one: they come from different processes.
_GRACE: Final = "interval '10 minutes'"
# As in lineage/models/state_sql.py.
_ROW_BY_ROW: Final = "OFFSET 0"


def shown_state(run: str, now: str = "now()") -> str:
    """The settled state at a moment, or LOST where a run that seems to be running will hardly be heard of again."""
    # What has not ended is not in doubt.
    settled_open = settled_state(run, of_dbt=False)
    return f"""(CASE
        WHEN {run}.state <> 'RUNNING' THEN {settled_state(run)}
        WHEN {settled_open} = 'RUNNING' AND {_lost(run, now)} THEN 'LOST'
        ELSE {settled_open}
    END)"""


def is_running(run: str, now: str = "now()") -> str:
    """Whether one whose state is RUNNING is shown in it."""
    return f"({settled_running(run)} AND NOT {_lost(run, now)})"


def job_state(job: str, now: str = "now()") -> str:
    """The shown state of its latest run; NULL before the first."""
    return f"(CASE WHEN {job_is_lost(job, now)} THEN 'LOST' ELSE {job}.latest_run_state END)"


def job_is_lost(job: str, now: str = "now()") -> str:
    """Whether its latest run is shown as LOST."""
    return f"""({job}.latest_run_state = 'RUNNING' AND EXISTS (
        SELECT FROM lineage_run AS latest_run
        WHERE latest_run.connection_id = {job}.connection_id AND latest_run.id = {job}.latest_run_id
            AND {_lost("latest_run", now, job=job)}
        {_ROW_BY_ROW}
    ))"""


def job_is_running(job: str, now: str = "now()", *, is_lost: str = "") -> str:
    """Whether any of its runs is shown as RUNNING. Of a job whose latest run alone seems to be running `job_is_lost`
    tells all, in fewer look-ups. `is_lost`: its answer, where the query has that at hand."""
    return f"""({job}.running_runs > 0 AND CASE
        WHEN {job}.running_runs = 1 AND {job}.latest_run_state = 'RUNNING' THEN NOT {is_lost or job_is_lost(job, now)}
        ELSE EXISTS (SELECT {_running(job, _ANY_OF, now)} OFFSET 0)
    END)"""


def job_running_runs(job: str, now: str = "now()") -> str:
    """How many of its runs are shown as RUNNING. Of those that are no longer heard of the oldest may count, where there
    are more than a hundred."""
    return f"""(CASE WHEN {job}.running_runs > 0
        THEN greatest({job}.running_runs - {_COUNT_OF}, 0) + (
            SELECT count(*) {_running(job, _COUNT_OF, now)}
        ) ELSE 0
    END)"""


def _running(job: str, most: int, now: str) -> str:
    return f"""FROM (
            SELECT * FROM lineage_run AS any_run
            WHERE any_run.connection_id = {job}.connection_id AND any_run.job_id = {job}.id
                AND any_run.state = 'RUNNING' AND {settled_running("any_run")} AND NOT {sent_before("any_run")}
            ORDER BY any_run.run_at DESC, any_run.id DESC LIMIT {most}
        ) AS running_run
        WHERE NOT {_lost("running_run", now, job=job)}"""  # noqa: S608 - made of constants


def _lost(run: str, now: str, *, job: str = "") -> str:
    """`job`: the alias of its job's row, where the query has that at hand."""
    # What is cheap stands first: most of what runs was heard of lately, and has a parent that runs, or none; what was
    # not heard of for days needs no look at its parent.
    return f"""(
        (
            CASE
                WHEN {run}.last_event_at >= {now} - {_PATIENCE} THEN false
                WHEN {_may_take_long(run)}
                    THEN {run}.last_event_at < {now} - {_TIMES_P95} * COALESCE({_p95(run)}, interval '0')
                ELSE true
            END
            OR {run}.last_event_at < {now} - {_GRACE} AND {_is_left_behind(run, now)}
        )
        AND NOT {_is_endless(job) if job else _is_of_endless_job(run)}
    )"""


def _is_left_behind(run: str, now: str) -> str:
    """Whether what started it ended without it."""
    # Of a parent in its own connection that sent its end, or that has no parent and so nobody who says more of it, one
    # look tells all; and where no connection has its parent, a second one. That is nearly always so.
    return f"""COALESCE(
        (
            SELECT CASE
                WHEN parent.ended_at IS NOT NULL
                    THEN parent.ended_at >= {run}.last_event_at AND parent.ended_at < {now} - {_GRACE}
                WHEN parent.parent_run_id IS NULL THEN false
            END
            FROM lineage_run AS parent
            WHERE parent.connection_id = {run}.connection_id AND parent.id = {run}.parent_run_id
        ),
        {run}.parent_run_id IS NOT NULL AND EXISTS (
            SELECT FROM lineage_run AS anywhere
            WHERE anywhere.id = {run}.parent_run_id AND anywhere.connection_id = ANY (ARRAY(
                SELECT visible.id FROM connections_connection AS visible WHERE visible.removed_at IS NULL
            ))
            {_ROW_BY_ROW}
        ) AND ({ended_above(run)}).over_at < {now} - {_GRACE},
        false
    )"""  # noqa: S608 - made of constants


def ended_above(run: str) -> str:
    """What ended without it, as (connection_id, id, over_at): its parent, or the nearest above that of which an end is
    known, where nothing was heard after that of it and of those between. `over_at`: when that ended, or was tried
    again. All are NULL where there is none. See lineage/migrations/0002_ended_above.py."""
    return f"""lineage_ended_above(
        {run}.connection_id, {run}.id, {run}.parent_run_id, {run}.parent_job_name, {run}.last_event_at
    )"""


def _is_endless(job: str) -> str:
    """Whether the runs of a job are not meant to end."""
    return f"({job}.processing_type IN ('STREAMING', 'SERVICE'))"


def _is_of_endless_job(run: str) -> str:
    return f"""EXISTS (
        SELECT FROM lineage_job AS its_job
        WHERE its_job.connection_id = {run}.connection_id AND its_job.id = {run}.job_id
            AND {_is_endless("its_job")}
        {_ROW_BY_ROW}
    )"""


def _may_take_long(run: str) -> str:
    """Whether any run of its job took long: else its 95th percentile need not be found."""
    return f"""EXISTS (
        SELECT FROM lineage_run AS long
        WHERE long.connection_id = {run}.connection_id AND long.job_id = {run}.job_id
            AND long.ended_at - long.started_at > {_LONG}
        {_ROW_BY_ROW}
    )"""


def _p95(run: str) -> str:
    return f"""(
        SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY known.ended_at - known.started_at)
        FROM (
            SELECT latest.started_at, latest.ended_at FROM lineage_run AS latest
            WHERE latest.connection_id = {run}.connection_id AND latest.job_id = {run}.job_id
            ORDER BY latest.run_at DESC, latest.id DESC LIMIT {_RECENT_RUNS}
        ) AS known
        WHERE known.ended_at >= known.started_at
    )"""  # noqa: S608 - made of constants
