"""What happens in the Airflow of the tests: each DAG of airflow_dags runs, and some of them again."""

from tests.senders.airflow import DAGS, Airflow

BACKFILLED = "daily"
CLEARED = "cleared_while_it_runs"
MARKED = "marked_failed"
OVERDUE = "overdue"
WARM_UP = "warm_up"
_FILES = len(list(DAGS.glob("*.py")))
_START_SECONDS = 120
_RUN_SECONDS = 180


def play(airflow: Airflow) -> None:
    """Returns when all DAG runs came to an end."""
    dags = _dags(airflow)
    _trigger(airflow, WARM_UP)
    _await_ends(airflow, runs=1)
    _mark_failed_while_it_runs(airflow)
    _trigger(airflow, OVERDUE)
    _await_running_task(airflow, OVERDUE)
    for dag_id in dags:
        _trigger(airflow, dag_id)
    airflow.call(
        "POST",
        "backfills",
        dag_id=BACKFILLED,
        from_date="2026-01-01T00:00:00Z",
        to_date="2026-01-03T00:00:00Z",
        max_active_runs=2,
    )
    _await_ends(airflow, runs=3 + len(dags) + 3)
    _clear_while_it_runs(airflow)
    _clear(airflow)
    run = _run_of(airflow, "task_marked_successful")
    airflow.call("PATCH", f"dags/task_marked_successful/dagRuns/{run}/taskInstances/broken", new_state="success")


def _dags(airflow: Airflow) -> list[str]:
    """Those that are to be triggered, and no more than that."""
    airflow.await_that(airflow.is_up, "Airflow's API", seconds=_START_SECONDS)
    read = "SELECT count(DISTINCT relative_fileloc) = %s AS all FROM dag JOIN serialized_dag USING (dag_id)"
    airflow.await_that(lambda: airflow.rows(read, _FILES)[0]["all"], "all DAGs", seconds=_START_SECONDS)
    assert airflow.rows("SELECT stacktrace FROM import_error") == []
    dags = [row["dag_id"] for row in airflow.rows("SELECT dag_id FROM dag ORDER BY dag_id")]
    return [dag_id for dag_id in dags if dag_id not in (BACKFILLED, CLEARED, MARKED, OVERDUE, WARM_UP)]


def _trigger(airflow: Airflow, dag_id: str) -> None:
    airflow.call("POST", f"dags/{dag_id}/dagRuns", logical_date=None)


def _run_of(airflow: Airflow, dag_id: str) -> str:
    run_id: str = airflow.rows("SELECT run_id FROM dag_run WHERE dag_id = %s", dag_id)[0]["run_id"]
    return run_id


def _mark_failed_while_it_runs(airflow: Airflow) -> None:
    _trigger(airflow, MARKED)
    _await_running_task(airflow, MARKED)
    airflow.call("PATCH", f"dags/{MARKED}/dagRuns/{_run_of(airflow, MARKED)}", state="failed")


def _await_running_task(airflow: Airflow, dag_id: str) -> None:
    running = "SELECT FROM task_instance WHERE dag_id = %s AND state = 'running'"
    airflow.await_that(lambda: airflow.rows(running, dag_id), f"a task of {dag_id} runs", seconds=_RUN_SECONDS)


def _await_ends(airflow: Airflow, *, runs: int) -> None:
    ended = "SELECT count(*) = %s AS all FROM dag_run WHERE state IN ('success', 'failed')"
    airflow.await_that(lambda: airflow.rows(ended, runs)[0]["all"], f"{runs} DAG runs ended", seconds=_RUN_SECONDS)


def _clear_while_it_runs(airflow: Airflow) -> None:
    _trigger(airflow, CLEARED)
    failed = "SELECT FROM task_instance WHERE dag_id = %s AND state = 'failed'"
    airflow.await_that(lambda: airflow.rows(failed, CLEARED), "a task that failed", seconds=_RUN_SECONDS)
    _await_running_task(airflow, CLEARED)
    airflow.call("POST", "variables", key="mended", value="yes")
    airflow.call("POST", f"dags/{CLEARED}/clearTaskInstances", dry_run=False, only_failed=True)
    airflow.call("POST", "variables", key="cleared", value="yes")


def _clear(airflow: Airflow) -> None:
    runs = airflow.rows("SELECT count(*) AS all FROM dag_run")[0]["all"]
    airflow.call(
        "POST", "dags/cleared_after_a_failure/clearTaskInstances", dry_run=False, only_failed=True, reset_dag_runs=True
    )
    airflow.call("POST", f"dags/cleared_whole/dagRuns/{_run_of(airflow, 'cleared_whole')}/clear", dry_run=False)
    _await_ends(airflow, runs=runs)
