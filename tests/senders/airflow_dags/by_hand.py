"""DAG runs that end by other means than their tasks: somebody says how they ended, or their time is up."""

import time
from datetime import timedelta

from airflow.sdk import dag, task


@task
def endless():
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
