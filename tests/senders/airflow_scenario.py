"""Scenario in the tests' Airflow: each DAG of airflow_dags runs, some of them again."""

from tests.senders.airflow import DAGS, Airflow

CLEARED = "cleared_while_it_runs"
DAILY = "daily"
MARKED = "marked_failed"
OVERDUE = "overdue"
SET_LATER = "task_marked_successful"
WARM_UP = "warm_up"
_FILES = len(set(DAGS.glob("*.py")) - {DAGS / "either_airflow.py"})
_START_SECONDS = 120
_RUN_SECONDS = 600


def play(airflow: Airflow) -> None:
    """Run the scenario, until all DAG runs have ended."""
    dags = _dags(airflow)
    airflow.trigger(WARM_UP)
    _await_ends(airflow, runs=1)
    _mark_failed_while_it_runs(airflow)
    airflow.trigger(OVERDUE)
    _await_running_task(airflow, OVERDUE)
    for dag_id in dags:
        airflow.trigger(dag_id)
    days = airflow.run_first_days(DAILY)
    _await_ends(airflow, runs=3 + len(dags) + days)
    _clear_while_it_runs(airflow)
    _clear(airflow)
    airflow.mark_successful(SET_LATER, _run_of(airflow, SET_LATER), "broken")
    # Airflow 2 then lets the DAG run go on, to its end.
    _await_ends(airflow, runs=_count_runs(airflow))


def _dags(airflow: Airflow) -> list[str]:
    """Return the DAGs that only need to be triggered."""
    airflow.await_that(airflow.is_up, "Airflow's API", seconds=_START_SECONDS)
    read = "SELECT count(DISTINCT dag.fileloc) = %s AS all FROM dag JOIN serialized_dag USING (dag_id)"
    airflow.await_that(lambda: airflow.rows(read, _FILES)[0]["all"], "all DAGs", seconds=_START_SECONDS)
    assert airflow.rows("SELECT stacktrace FROM import_error") == []
    dags = [row["dag_id"] for row in airflow.rows("SELECT dag_id FROM dag ORDER BY dag_id")]
    return [dag_id for dag_id in dags if dag_id not in (CLEARED, DAILY, MARKED, OVERDUE, WARM_UP)]


def _count_runs(airflow: Airflow) -> int:
    count: int = airflow.rows("SELECT count(*) AS all FROM dag_run")[0]["all"]
    return count


def _run_of(airflow: Airflow, dag_id: str) -> str:
    run_id: str = airflow.rows("SELECT run_id FROM dag_run WHERE dag_id = %s", dag_id)[0]["run_id"]
    return run_id


def _mark_failed_while_it_runs(airflow: Airflow) -> None:
    airflow.trigger(MARKED)
    began = "SELECT FROM variable WHERE key = 'endless'"
    airflow.await_that(lambda: airflow.rows(began), f"the task of {MARKED} began", seconds=_RUN_SECONDS)
    airflow.call("PATCH", f"dags/{MARKED}/dagRuns/{_run_of(airflow, MARKED)}", state="failed")


def _await_running_task(airflow: Airflow, dag_id: str) -> None:
    running = "SELECT FROM task_instance WHERE dag_id = %s AND state = 'running'"
    airflow.await_that(lambda: airflow.rows(running, dag_id), f"a task of {dag_id} runs", seconds=_RUN_SECONDS)


def _await_ends(airflow: Airflow, *, runs: int) -> None:
    ended = "SELECT count(*) = %s AS all FROM dag_run WHERE state IN ('success', 'failed')"
    airflow.await_that(lambda: airflow.rows(ended, runs)[0]["all"], f"{runs} DAG runs ended", seconds=_RUN_SECONDS)


def _clear_while_it_runs(airflow: Airflow) -> None:
    airflow.trigger(CLEARED)
    failed = "SELECT FROM task_instance WHERE dag_id = %s AND state = 'failed'"
    airflow.await_that(lambda: airflow.rows(failed, CLEARED), "a task that failed", seconds=_RUN_SECONDS)
    _await_running_task(airflow, CLEARED)
    airflow.call("POST", "variables", key="mended", value="yes")
    airflow.call("POST", f"dags/{CLEARED}/clearTaskInstances", dry_run=False, only_failed=True)
    airflow.call("POST", "variables", key="cleared", value="yes")


def _clear(airflow: Airflow) -> None:
    runs = _count_runs(airflow)
    airflow.call(
        "POST", "dags/cleared_after_a_failure/clearTaskInstances", dry_run=False, only_failed=True, reset_dag_runs=True
    )
    airflow.call("POST", f"dags/cleared_whole/dagRuns/{_run_of(airflow, 'cleared_whole')}/clear", dry_run=False)
    _await_ends(airflow, runs=runs)
