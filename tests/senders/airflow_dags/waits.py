"""Tasks that give up their worker while they wait: for a trigger, and between two looks."""

from datetime import timedelta

from airflow.providers.standard.sensors.python import PythonSensor
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, dag


class Wait(BaseOperator):
    def execute(self, context):  # noqa: ARG002 - Airflow gives it
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=2)), method_name="resume")

    def resume(self, context, event=None):
        pass


@dag
def deferred():
    Wait(task_id="wait")


@dag
def rescheduled():
    def looked_twice(task_reschedule_count):
        return task_reschedule_count > 0

    PythonSensor(task_id="look", python_callable=looked_twice, mode="reschedule", poke_interval=2)


deferred()
rescheduled()
