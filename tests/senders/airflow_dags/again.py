"""DAG runs that somebody repeats: cleared in part or in whole, and a backfill."""

import time
from datetime import UTC, datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Variable, dag, task


def is_mended():
    return Variable.get("mended", default="no") == "yes"


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
        while Variable.get("cleared", default="no") == "no":
            time.sleep(0.2)

    broken()
    slow()


@dag
def cleared_whole():
    """A task that had succeeded fails this time; of a mapped one an instance is no more."""

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
