"""Observatory compared with Airflow's own record: real DAGs of every outcome, run by Airflow's scheduler and workers.

Each DAG run and each task instance of the metadata database is looked up in the read API, by the id that the provider
gives it, and nothing else may be shown. Times are compared to the second: on a busy machine tasks begin later than
Airflow records, which counts the wait for CPU.
"""

import os

import pytest

from tests.senders.airflow import running_airflow
from tests.senders.airflow_comparison import (
    STATES,
    Shown,
    differences,
    of_dag_run,
    of_earlier_try,
    of_no_worker,
    of_task,
    shown_ids,
)
from tests.senders.airflow_record import Record
from tests.senders.airflow_scenario import CLEARED, play
from tests.senders.airflow_shown import running_observatory

# Airflow keeps the end of the task. The event has the time at which somebody marked the task as successful.
MARKED_LATER = "task_marked_successful.broken"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Shown]:
    directory = tmp_path_factory.mktemp("airflow")
    with running_observatory(directory) as observatory:
        with running_airflow(directory, observatory.transport) as airflow:
            play(airflow)
            record = Record.of(airflow)
        return record, Shown(observatory.runs())


def test_all_happened_that_is_to_be_compared(both: tuple[Record, Shown]) -> None:
    record, _ = both
    assert (len(record.dag_runs), len(record.task_instances), len(record.earlier_tries)) == (25, 62, 14)
    assert {run.state for run in record.dag_runs} == {"success", "failed"}
    assert {task.state for task in record.task_instances} == {*STATES, "removed"}
    assert {task.attempt for task in record.task_instances if task.had_worker} == {1, 2, 3}
    assert {task.map_index for task in record.task_instances} == {-1, 0, 1, 2}


def test_dag_runs(both: tuple[Record, Shown]) -> None:
    record, shown = both
    assert differences((run.dag_id, of_dag_run(run), shown.reported(run.id)) for run in record.dag_runs) == {}


def test_dag_runs_and_they_alone_are_called_as_airflow_calls_them(both: tuple[Record, Shown]) -> None:
    record, shown = both
    called = {id_: run.orchestrator_run_id for id_, run in shown.by_id.items() if run.orchestrator_run_id}
    assert called == {id_: run.run_id for run in record.dag_runs for id_ in shown_ids(run)}


def test_task_instances_that_a_worker_had(both: tuple[Record, Shown]) -> None:
    record, shown = both
    # A removed task instance was a try before: see below.
    tasks = [task for task in record.task_instances if task.had_worker and task.state != "removed"]
    found = differences((t.job, of_task(t), shown.reported(t.id)) for t in tasks)
    assert found.keys() == {MARKED_LATER}, (f"load {os.getloadavg()}", found)


def test_task_instances_that_no_worker_had(both: tuple[Record, Shown]) -> None:
    record, shown = both
    tasks = [task for task in record.task_instances if not task.had_worker]
    pairs = [(t.job, of_no_worker(t), shown.of_no_worker(t, clear_number=t.dag_run.clear_number)) for t in tasks]
    assert differences(pairs) == {}


def test_earlier_tries(both: tuple[Record, Shown]) -> None:
    record, shown = both
    tries = [task for task in record.earlier_tries if task.had_worker]
    assert differences((t.job, of_earlier_try(t), shown.reported(t.id)) for t in tries) == {}


def test_a_dag_run_before_it_was_cleared(both: tuple[Record, Shown]) -> None:
    """Airflow's row has only the last time of a DAG run. For its tasks it recorded how they had ended."""
    record, shown = both
    cleared = {run.dag_id: shown.reported(run.openlineage_id(0)) for run in record.dag_runs if run.clear_number}
    assert {dag_id: run and run.state for dag_id, run in cleared.items()} == {
        "cleared_after_a_failure": "FAILED",
        "cleared_whole": "COMPLETED",
        # It continued, and is one run under two ids.
        CLEARED: None,
    }
    tasks = [task for task in record.earlier_tries if not task.had_worker]
    assert differences((t.job, of_no_worker(t), shown.of_no_worker(t, clear_number=0)) for t in tasks) == {}


def test_nothing_else_is_shown(both: tuple[Record, Shown]) -> None:
    record, shown = both
    tasks = record.task_instances + record.earlier_tries
    runs = {id_ for run in record.dag_runs for id_ in shown_ids(run)}
    assert shown.by_id.keys() == runs | {task.id for task in tasks if task.had_worker}
    reported_ids = {(t.dag_run.id, t.job) for t in record.task_instances if not t.had_worker} | {
        (t.dag_run.openlineage_id(0), t.job) for t in record.earlier_tries if not t.had_worker
    }
    # Tasks that were not cleared are shown where they ran, in the DAG run before.
    assert shown.reported_runs.keys() == reported_ids
