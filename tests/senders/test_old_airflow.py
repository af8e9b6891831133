"""Observatory compared with the record of Airflow 2.9, with the provider 1.11: the scenario of test_airflow.py.

This provider sends less. All instances of a mapped task share a run id, a DAG run keeps its id when it is cleared, and
a try that is skipped, or ended by hand, has no end.
"""

import pytest

from tests.senders.airflow import running_airflow
from tests.senders.airflow_comparison import (
    STATES,
    TOLERANCE,
    RunOutcome,
    differences,
    of_dag_run,
    of_no_worker,
    of_task,
    shown_outcome,
)
from tests.senders.airflow_record import DagRun, TaskInstance
from tests.senders.airflow_scenario import play
from tests.senders.airflow_shown import ShownRun, running_observatory
from tests.senders.old_airflow import OldAirflow
from tests.senders.old_airflow_record import OldRecord

# Somebody sets its state after its DAG run has ended: no event says that.
SET_LATER = "task_marked_successful.broken"
# Airflow skips it in the step that ends the DAG run. Until then it has no state, and the provider leaves out a task
# without a state. If the scheduler needs one step more, the task is reported.
SKIPPED_LAST = "mapped_over_nothing.load"
Key = tuple[str, int | None]


class Shown:
    """Runs that the API shows, by id and map index, and tasks that a DAG run reported, by DAG run and job."""

    def __init__(self, runs: list[ShownRun]) -> None:
        self.by_key = {(run.id, run.map_index): run for run in runs if run.events}
        self.reported_runs = {(run.parent_id, run.job): run for run in runs if not run.events}
        assert len(self.by_key) + len(self.reported_runs) == len(runs)

    def of(self, task: TaskInstance) -> RunOutcome | None:
        return shown_outcome(self.by_key.get(key_of(task)))

    def of_no_worker(self, task: TaskInstance) -> RunOutcome | None:
        return shown_outcome(self.reported_runs.get((task.dag_run.id, task.job)))


def key_of(task: TaskInstance) -> Key:
    return task.id, None if task.map_index == -1 else task.map_index


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[OldRecord, Shown]:
    directory = tmp_path_factory.mktemp("airflow")
    with running_observatory(directory) as observatory:
        with running_airflow(directory, observatory.transport, OldAirflow) as airflow:
            play(airflow)
            record = OldRecord.of(airflow)
        return record, Shown(observatory.runs())


def test_all_happened_that_is_to_be_compared(both: tuple[OldRecord, Shown]) -> None:
    record, _ = both
    assert len(record.dag_runs) == 26
    assert {run.state for run in record.dag_runs} == {"success", "failed"}
    assert {task.state for task in record.last_tries} == STATES.keys()
    assert {task.attempt for task in record.last_tries if task.had_worker} == {1, 2, 3}
    assert {task.map_index for task in record.last_tries} == {-1, 0, 1, 2}
    assert {task.state for task in record.earlier_tries} == {"failed", "success"}


def test_dag_runs(both: tuple[OldRecord, Shown]) -> None:
    record, shown = both

    def said_of(run: DagRun) -> RunOutcome:
        """Airflow records the last start of a cleared DAG run. It is one run here, from its first start on."""
        its = shown.by_key[run.id, None]
        return of_dag_run(run)._replace(start=its.start if run.clear_number else run.start)

    pairs = ((run.dag_id, said_of(run), shown_outcome(shown.by_key.get((run.id, None)))) for run in record.dag_runs)
    assert differences(pairs) == {}
    cleared = [run for run in record.dag_runs if run.clear_number]
    assert {run.dag_id for run in cleared} == {"cleared_after_a_failure", "cleared_whole"}
    for run in cleared:
        start = shown.by_key[run.id, None].start
        assert start is not None
        assert start < run.start - TOLERANCE


def test_dag_runs_and_they_alone_are_called_as_airflow_calls_them(both: tuple[OldRecord, Shown]) -> None:
    record, shown = both
    called = {key: run.orchestrator_run_id for key, run in shown.by_key.items() if run.orchestrator_run_id}
    assert called == {(run.id, None): run.run_id for run in record.dag_runs}


def test_last_tries_that_a_worker_had(both: tuple[OldRecord, Shown]) -> None:
    record, shown = both
    again = {(*key_of(task)[1:], task.job) for task in record.failed_again}
    tasks = [task for task in record.last_tries if task.had_worker]

    def said_of(task: TaskInstance) -> RunOutcome:
        # Airflow 2.9 may record two failures of a killed try: the provider sends the second one as the next try.
        said = of_task(task)
        return said._replace(state="RETRIED") if (said.map_index, task.job) in again else said

    assert differences((task.job, said_of(task), shown.of(task)) for task in tasks if task.job != SET_LATER) == {}
    [set_later] = [task for task in tasks if task.job == SET_LATER]
    assert set_later.state == "success"
    assert differences([(SET_LATER, of_task(set_later)._replace(state="FAILED"), shown.of(set_later))]) == {}


def test_failures_that_airflow_recorded_twice(both: tuple[OldRecord, Shown]) -> None:
    record, shown = both
    assert {task.dag_run.dag_id for task in record.failed_again} <= {"killed"}
    assert differences((str(task), of_task(task), shown.of(task)) for task in record.failed_again) == {}


def test_last_tries_that_no_worker_had(both: tuple[OldRecord, Shown]) -> None:
    record, shown = both
    tasks = [task for task in record.last_tries if not task.had_worker]
    found = differences((task.job, of_no_worker(task), shown.of_no_worker(task)) for task in tasks)
    assert found.keys() <= {SKIPPED_LAST}, found


def test_earlier_tries(both: tuple[OldRecord, Shown]) -> None:
    record, shown = both

    def said_of(task: TaskInstance) -> RunOutcome:
        state = "RETRIED" if task.state == "failed" else STATES[task.state]
        return of_task(task)._replace(state=state)

    assert differences((str(task), said_of(task), shown.of(task)) for task in record.earlier_tries) == {}


def test_nothing_else_is_shown(both: tuple[OldRecord, Shown]) -> None:
    record, shown = both
    with_events = [task for task in record.last_tries if task.had_worker] + record.earlier_tries + record.failed_again
    assert shown.by_key.keys() == {(run.id, None) for run in record.dag_runs} | set(map(key_of, with_events))
    reported_ids = {(task.dag_run.id, task.job) for task in record.last_tries if not task.had_worker}
    assert shown.reported_runs.keys() <= reported_ids
    assert {job for _, job in reported_ids - shown.reported_runs.keys()} <= {SKIPPED_LAST}
