"""Tasks with several tries: tasks that recover, fail or are killed, and instances of mapped tasks."""

import os
import signal
from datetime import timedelta

from either_airflow import dag, task

DELAY = timedelta(seconds=1)


def fail_until(attempt, *, try_number):
    if try_number < attempt:
        raise ConnectionError(f"Connection refused on try {try_number}")


@dag
def recovers():
    @task(retries=2, retry_delay=DELAY)
    def flaky(ti):
        fail_until(3, try_number=ti.try_number)

    @task
    def follows():
        pass

    flaky() >> follows()


@dag
def gives_up():
    @task(retries=1, retry_delay=DELAY)
    def broken(ti):
        fail_until(9, try_number=ti.try_number)

    @task
    def never():
        pass

    broken() >> never()


@dag
def killed():
    """DAG with killed tasks, as by the kernel when memory is short: the worker sends nothing, Airflow notices it."""

    @task
    def for_good():
        os.kill(os.getpid(), signal.SIGKILL)

    @task(retries=1, retry_delay=DELAY)
    def once(ti):
        if ti.try_number == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    for_good()
    once()


@dag
def mapped():
    @task
    def list_files():
        return ["a", "b", "c"]

    @task(retries=1, retry_delay=DELAY)
    def load(name, ti):
        fail_until({"a": 1, "b": 2, "c": 9}[name], try_number=ti.try_number)

    @task(trigger_rule="all_done")
    def summarize():
        pass

    @task
    def after_all():
        pass

    loaded = load.expand(name=list_files())
    loaded >> [summarize(), after_all()]


@dag
def mapped_over_nothing():
    @task
    def list_files():
        return []

    @task
    def load(name):
        pass

    load.expand(name=list_files())


@dag
def mapped_over_a_failure():
    @task
    def list_files():
        raise FileNotFoundError("s3://landing")

    @task
    def load(name):
        pass

    load.expand(name=list_files())


for make in (recovers, gives_up, killed, mapped, mapped_over_nothing, mapped_over_a_failure):
    make()
