"""What a run's state is shown as, where that depends on other runs. Everything that shows a state asks here, or in
lineage/models/shown_state_sql.py, where it depends on the time, too.

A row of lineage_run says what its own events say, and is never written for the sake of another: so any order of events
gives the same rows. What several rows say together is put together when it is read, for the rows that are read. See
docs/run-states.md for the states, and docs/decisions/0015-runs-that-never-reported.md for stand-ins.

Each function gives an SQL expression on a row of lineage_run, named by its alias; those of jobs, on one of lineage_job.
"""

from typing import Final

from lineage.events.dbt import IN_DOUBT

# What is shown as FAILED, RETRIED, RUNNING, LOST or UNKNOWN is in one of these by its own events; there is an index.
NOT_WELL: Final = ("FAILED", "RUNNING", "UNKNOWN")
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


def job_is_shown(job: str) -> str:
    """Whether lists show it: all but the jobs of tests of dbt's that have runs, and none to show, for those of other
    jobs stand for theirs."""
    return f"""({job}.latest_run_id IS NOT NULL OR {job}.kind <> 'TEST' OR {job}.integration <> 'DBT' OR NOT EXISTS (
        SELECT FROM lineage_run AS any_run
        WHERE any_run.connection_id = {job}.connection_id AND any_run.job_id = {job}.id
        {_ROW_BY_ROW}
    ))"""


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
