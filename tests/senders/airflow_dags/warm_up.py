"""Each worker's first task waits seconds for its imports, which is no run's own doing."""

import time

from airflow.sdk import dag, task


@dag
def warm_up():
    @task
    def take_a_worker(number):
        time.sleep(1)

    take_a_worker.expand(number=[1, 2])


warm_up()
