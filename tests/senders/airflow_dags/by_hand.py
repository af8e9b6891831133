"""DAG runs that end by other means than their tasks: somebody sets their state, or they time out."""

import time
from datetime import timedelta

from either_airflow import Variable, dag, task


@task
def endless():
    # Airflow 2 forgets a state that is set while a task is only about to begin.
    Variable.set("endless", "began")
    while True:
        time.sleep(0.1)


@task
def never():
    pass


@dag(dagrun_timeout=timedelta(seconds=8))
def overdue():
    endless() >> never()


@dag
def marked_failed():
    endless() >> never()


@dag
def task_marked_successful():
    @task
    def broken():
        raise ValueError("Expected 10 rows, found 9")

    broken()


overdue()
marked_failed()
task_marked_successful()
