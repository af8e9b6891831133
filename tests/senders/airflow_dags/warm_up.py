"""DAG that starts the workers: each worker's first task waits seconds for imports, which belong to no run."""

import time

from either_airflow import dag, task


@dag
def warm_up():
    @task
    def take_a_worker(number):
        time.sleep(1)

    take_a_worker.expand(number=[1, 2])


warm_up()
