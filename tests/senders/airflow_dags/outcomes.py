"""Runs that succeed, fail or skip: with a failed upstream, branches, tasks that skip themselves, groups, a teardown."""

import time
from datetime import timedelta

from either_airflow import AirflowSkipException, BashOperator, EmptyOperator, dag, task, task_group


@task
def succeed():
    pass


@task
def fail():
    raise ValueError("No such table: orders")


@dag
def success():
    extract = BashOperator(task_id="extract", bash_command="true")
    extract >> succeed.override(task_id="transform")() >> EmptyOperator(task_id="done")


@dag
def failure():
    broken = fail.override(task_id="broken")()
    broken >> succeed.override(task_id="never")() >> EmptyOperator(task_id="neither")
    broken >> succeed.override(task_id="anyway", trigger_rule="all_done")()


@dag
def failure_that_is_tidied_up():
    """DAG whose last task succeeds, and so the DAG run, although a task failed."""
    fail.override(task_id="broken")() >> succeed.override(task_id="tidy", trigger_rule="all_done")()


@dag
def times_out():
    @task(execution_timeout=timedelta(seconds=1))
    def slow():
        time.sleep(60)

    slow()


@dag
def branches():
    @task.branch
    def choose():
        return "left"

    @task.short_circuit
    def stop():
        return False

    join = EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    left, right = succeed.override(task_id="left")(), succeed.override(task_id="right")()
    choose() >> [left, right] >> join
    left >> stop() >> succeed.override(task_id="after_stop")() >> EmptyOperator(task_id="last")


@dag
def skips_itself():
    @task
    def nothing_to_do():
        raise AirflowSkipException("No new files")

    nothing_to_do() >> succeed.override(task_id="follows")()


@dag
def groups():
    @task_group
    def load():
        @task_group
        def orders():
            succeed.override(task_id="stage")() >> fail.override(task_id="merge")()

        orders() >> succeed.override(task_id="publish")()

    load() >> EmptyOperator(task_id="done")


@dag
def teardown():
    begin = succeed.override(task_id="begin")().as_setup()
    begin >> fail.override(task_id="work")() >> succeed.override(task_id="end")().as_teardown(setups=begin)


for make in (success, failure, failure_that_is_tidied_up, times_out, branches, skips_itself, groups, teardown):
    make()
