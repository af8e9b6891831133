"""What a run's state is shown as, where that depends on other runs. Everything that shows a state asks here.

A row of lineage_run says what its own events say, and is never written for the sake of another: so any order of events
gives the same rows. What several rows say together is put together when it is read, for the rows that are read. See
docs/run-states.md for the states, and docs/decisions/0015-runs-that-never-reported.md for stand-ins.

Each function gives an SQL expression on a row of lineage_run, named by its alias; those of jobs, on one of lineage_job.
"""

from typing import Final

from lineage.events.dbt import IN_DOUBT

# What a run that was not heard of for so long is waited for; and at most this many times as long as its job takes.
_PATIENCE: Final = "interval '24 hours'"
_TIMES_P95: Final = 4
_RECENT_RUNS: Final = 200
# A job that takes less is waited for no longer than others; there is an index of the runs that took more.
_LONG: Final = "interval '6 hours'"
# Of the runs of a job that seem to be running, the newest are looked at: so many to tell whether any is, and how many.
_ANY_OF, _COUNT_OF = 3, 100
# What is shown as FAILED, RETRIED, RUNNING, LOST or UNKNOWN is in one of these by its own events; there is an index.
NOT_WELL: Final = ("FAILED", "RUNNING", "UNKNOWN")
# Events of a child may arrive after its parent's last one: they come from different processes.
_GRACE: Final = "interval '10 minutes'"
# Has each EXISTS look in an index, for the row at hand. PostgreSQL might else hash the whole table for a few rows.
_ROW_BY_ROW: Final = "OFFSET 0"


def hidden(run: str, *, of_dbt: bool = True) -> str:
    """Whether the row is not shown: a stand-in for a task that reported after all, or a run that was sent in another
    one's place.

    `of_dbt`: whether the row may be of a run of dbt's; so in all functions here.
    """
    return f"""({run}.told_state IS NOT NULL AND EXISTS (
        SELECT FROM lineage_run AS reported
        WHERE reported.connection_id = {run}.connection_id AND reported.parent_run_id = {run}.parent_run_id
            AND reported.job_id = {run}.job_id AND reported.told_state IS NULL
        {_ROW_BY_ROW}
    ) OR {_reported_earlier(run)} {f"OR {sent_before(run)}" if of_dbt else ""})"""


def _reported_earlier(run: str) -> str:
    """Of a stand-in below a DAG run that was cleared: whether the task had completed before, and was not cleared. One
    that failed stays: it is why this DAG run failed, too."""
    return f"""({run}.earlier_parent_run_ids IS NOT NULL AND {run}.told_state IN ('COMPLETED', 'SKIPPED') AND EXISTS (
        SELECT FROM lineage_run AS before
        WHERE before.connection_id = {run}.connection_id AND before.parent_run_id = ANY ({run}.earlier_parent_run_ids)
            AND before.job_id = {run}.job_id AND before.state = 'COMPLETED' AND before.told_state IS NULL
        {_ROW_BY_ROW}
    ))"""


def sent_before(run: str) -> str:
    """Whether other runs stand for this one, which a sender sent several times under ids of their own: of those of one
    job that which ended the earliest. See docs/decisions/0017-runs-that-are-sent-again.md."""
    return f"""({run}.invocation_id IS NOT NULL AND (EXISTS (
        SELECT FROM lineage_run AS sent
        WHERE sent.connection_id = {run}.connection_id AND sent.invocation_id = {run}.invocation_id
            AND sent.job_id = {run}.job_id
            AND (sent.ended_at IS NULL, sent.run_at, sent.id) < ({run}.ended_at IS NULL, {run}.run_at, {run}.id)
        {_ROW_BY_ROW}
    ) OR {sent_one_by_one(run)}))"""


def sent_one_by_one(run: str) -> str:
    """Of tests as dbt-ol's default mode sends them, all of a node as one run or one without a result: whether the same
    command sent its nodes one by one, and with them each of these tests that has a result. Of one test without
    a result, where nothing else came of it: then it never began."""
    single = f"""
        SELECT FROM lineage_run AS single
        WHERE single.connection_id = {run}.connection_id AND single.invocation_id = {run}.invocation_id
            AND single.node_id"""
    return f"""({run}.test_ids IS NOT NULL AND {run}.node_id IS NULL AND EXISTS ({single} IS NOT NULL {_ROW_BY_ROW})
        AND NOT EXISTS (
            SELECT FROM unnest({run}.test_ids) AS test (id)
            WHERE NOT EXISTS ({single} = test.id {_ROW_BY_ROW})
            {_ROW_BY_ROW}
        ) AND NOT EXISTS (
            SELECT FROM lineage_run AS begun
            WHERE begun.connection_id = {run}.connection_id AND begun.invocation_id = {run}.invocation_id
                AND begun.job_id = {run}.job_id AND begun.test_ids IS NULL
            {_ROW_BY_ROW}
        ))"""  # noqa: S608 - made of constants


def settled_state(run: str, *, of_dbt: bool = True) -> str:
    """The state with what other runs of the same job in the same parent run say of it. It does not change with time.

    Of several tries the last one counts, and what the parent told is the outcome of that one. Of a mapped task it told
    one state for all instances, which says nothing of any one of them.
    """
    return f"""(CASE
        {f"WHEN {in_doubt(run)} THEN {_without_doubt(run)}" if of_dbt else ""}
        WHEN {run}.parent_run_id IS NULL OR {run}.told_state IS NOT NULL THEN {run}.state
        WHEN {run}.state NOT IN {NOT_WELL} THEN CASE
            WHEN {run}.map_index IS NULL AND {_told(run)} IS NOT NULL AND NOT {_tried_again(run)} THEN 'SKIPPED'
            ELSE {run}.state
        END
        WHEN {_tried_again(run)} THEN 'RETRIED'
        WHEN {run}.map_index IS NOT NULL THEN {run}.state
        ELSE COALESCE({_told(run)}, {run}.state)
    END)"""


def settled_running(run: str) -> str:
    """Whether a run whose state is RUNNING settles in it: `settled_state` in one look at its siblings, for the runs of
    a job are counted at each of its events. An instance of a mapped task may have thousands."""
    return f"""(CASE
        WHEN {run}.parent_run_id IS NULL THEN true
        WHEN {run}.map_index IS NOT NULL THEN NOT {_tried_again(run)}
        ELSE NOT EXISTS (
            SELECT FROM lineage_run AS sibling
            WHERE sibling.connection_id = {run}.connection_id AND sibling.parent_run_id = {run}.parent_run_id
                AND sibling.job_id = {run}.job_id
                AND (sibling.map_index IS NULL AND sibling.attempt > {run}.attempt OR sibling.told_state IS NOT NULL)
            {_ROW_BY_ROW}
        )
    END)"""


def shown_state(run: str, now: str = "now()") -> str:
    """The settled state at a moment, or LOST where a run that seems to be running will hardly be heard of again."""
    # What has not ended is not in doubt.
    settled_open = settled_state(run, of_dbt=False)
    return f"""(CASE
        WHEN {run}.state <> 'RUNNING' THEN {settled_state(run)}
        WHEN {settled_open} = 'RUNNING' AND {_lost(run, now)} THEN 'LOST'
        ELSE {settled_open}
    END)"""


def job_is_shown(job: str) -> str:
    """Whether lists show it: all but the jobs of tests of dbt's that have runs, and none to show, for those of other
    jobs stand for theirs."""
    return f"""({job}.latest_run_id IS NOT NULL OR {job}.kind <> 'TEST' OR {job}.integration <> 'DBT' OR NOT EXISTS (
        SELECT FROM lineage_run AS any_run
        WHERE any_run.connection_id = {job}.connection_id AND any_run.job_id = {job}.id
        {_ROW_BY_ROW}
    ))"""


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


def settled_end(run: str) -> str:
    """When it ended: by its own event. Of one whose worker was killed, and sent none, by how long it took in all, which
    its parent told. It does not change with time."""
    return f"""(CASE
        WHEN {run}.ended_at IS NOT NULL OR {run}.started_at IS NULL OR {run}.parent_run_id IS NULL
            OR {run}.map_index IS NOT NULL OR {_tried_again(run)} THEN {run}.ended_at
        ELSE {run}.started_at + (
            SELECT told.told_duration_ms * interval '1 millisecond' FROM lineage_run AS told
            WHERE told.connection_id = {run}.connection_id AND told.parent_run_id = {run}.parent_run_id
                AND told.job_id = {run}.job_id AND told.told_state IS NOT NULL
            LIMIT 1
        )
    END)"""  # noqa: S608 - made of constants


def in_doubt(run: str) -> str:
    """Whether other runs tell what became of it. Of nodes that are sent by themselves their own events do."""
    return f"({run}.needed_job_ids IS NOT NULL AND {run}.terminal_type IN {IN_DOUBT} AND {run}.node_id IS NULL)"


def _without_doubt(run: str) -> str:
    """Of a test of dbt's that has no result: it was skipped where something that it needs failed or was skipped, and
    else it could not be run. See docs/decisions/0016-tests-without-a-result.md."""
    return f"""(CASE
        WHEN {run}.terminal_type = 'NO_RESULT' THEN CASE WHEN {_completed(run)} THEN 'FAILED' ELSE 'SKIPPED' END
        WHEN {run}.terminal_type = 'LONE_NO_RESULT'
            THEN CASE WHEN {_missed_a_model(run)} THEN 'SKIPPED' ELSE 'FAILED' END
        WHEN EXISTS (
            SELECT FROM lineage_run AS lone
            WHERE lone.connection_id = {run}.connection_id AND lone.invocation_id = {run}.invocation_id
                AND lone.job_id = ANY ({run}.needed_job_ids)
                AND lone.terminal_type = 'LONE_NO_RESULT' AND NOT {_missed_a_model("lone")}
            {_ROW_BY_ROW}
        ) THEN 'FAILED'
        WHEN {run}.terminal_type = 'GENERIC_RESULTS' OR EXISTS (
            SELECT FROM lineage_run AS beside
            WHERE beside.connection_id = {run}.connection_id AND beside.invocation_id = {run}.invocation_id
                AND beside.state = 'FAILED' AND beside.id <> {run}.id
            {_ROW_BY_ROW}
        ) THEN 'COMPLETED'
        ELSE 'FAILED'
    END)"""  # noqa: S608 - made of constants


def _missed_a_model(run: str) -> str:
    """Of a test that is a query: whether a model that it reads failed, or was skipped, as that one's tests tell."""
    return f"""EXISTS (
        SELECT FROM lineage_run AS beside
        WHERE beside.connection_id = {run}.connection_id AND beside.invocation_id = {run}.invocation_id
            AND (beside.terminal_type = 'FAIL' AND (
                    beside.job_id = ANY ({run}.needed_job_ids) OR beside.needed_job_ids && {run}.needed_job_ids
                )
                OR beside.terminal_type = 'NO_RESULT' AND beside.needed_job_ids && {run}.needed_job_ids
                    AND NOT {_completed("beside")})
        {_ROW_BY_ROW}
    )"""


def _completed(run: str) -> str:
    """Whether what it needs did, in the same invocation."""
    return f"""EXISTS (
        SELECT FROM lineage_run AS needed
        WHERE needed.connection_id = {run}.connection_id AND needed.invocation_id = {run}.invocation_id
            AND needed.job_id = ANY ({run}.needed_job_ids) AND needed.state = 'COMPLETED'
        {_ROW_BY_ROW}
    )"""


def _tried_again(run: str) -> str:
    return f"""({run}.attempt IS NOT NULL AND EXISTS (
        SELECT FROM lineage_run AS try
        WHERE try.connection_id = {run}.connection_id AND try.parent_run_id = {run}.parent_run_id
            AND try.job_id = {run}.job_id AND COALESCE(try.map_index, -1) = COALESCE({run}.map_index, -1)
            AND try.attempt > {run}.attempt
        {_ROW_BY_ROW}
    ))"""


def _told(run: str) -> str:
    """What the parent told of an open run, or of one that ended before: NULL where it told nothing.

    A task that skips itself reports that it completed, and the parent alone calls it skipped. Else what a run reports
    of its own success stands.
    """
    return f"""(
        SELECT told.told_state FROM lineage_run AS told
        WHERE told.connection_id = {run}.connection_id AND told.parent_run_id = {run}.parent_run_id
            AND told.job_id = {run}.job_id AND told.told_state IS NOT NULL
            AND ({run}.state IN {NOT_WELL} OR told.told_state = 'SKIPPED')
            AND ({run}.ended_at IS NULL OR {run}.ended_at <= told.last_event_at)
        LIMIT 1
    )"""  # noqa: S608 - made of constants


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
            OR EXISTS (
                SELECT FROM lineage_run AS parent
                WHERE parent.connection_id = {run}.connection_id AND parent.id = {run}.parent_run_id
                    AND parent.ended_at >= {run}.last_event_at AND parent.ended_at < {now} - {_GRACE}
                {_ROW_BY_ROW}
            )
        )
        AND NOT {_is_endless(job) if job else _is_of_endless_job(run)}
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
