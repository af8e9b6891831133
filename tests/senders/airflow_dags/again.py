"""DAG runs that are repeated: cleared in part or completely, and a backfill."""

import time
from datetime import UTC, datetime

from either_airflow import EmptyOperator, dag, task, variable


def is_mended():
    return variable("mended") == "yes"


@dag
def cleared_after_a_failure():
    @task
    def extract():
        pass

    @task
    def load():
        if not is_mended():
            raise PermissionError("Not allowed to write to warehouse.orders")

    @task
    def publish():
        pass

    extract() >> load() >> publish() >> EmptyOperator(task_id="done")


@dag
def cleared_while_it_runs():
    @task
    def broken():
        if not is_mended():
            raise TimeoutError("No answer from the warehouse")

    @task
    def slow():
        while variable("cleared") == "no":
            time.sleep(0.2)

    broken()
    slow()


@dag
def cleared_whole():
    """DAG in which a task that had succeeded fails this time, and a mapped task has one instance less."""

    @task
    def list_files():
        return ["a"] if is_mended() else ["a", "b"]

    @task
    def load(name):
        pass

    @task
    def check():
        if is_mended():
            raise ValueError("Expected 2 files, found 1")

    load.expand(name=list_files()) >> check()


@dag(schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=UTC), end_date=datetime(2026, 1, 4, tzinfo=UTC))
def daily():
    @task
    def load(data_interval_start=None):
        if data_interval_start is not None and data_interval_start.day == 2:
            raise ValueError("No partition for this day")

    load()


cleared_after_a_failure()
cleared_while_it_runs()
cleared_whole()
daily()
