"""Tasks that give up their worker while they wait: for a trigger, and between two checks."""

from datetime import timedelta

from either_airflow import BaseOperator, PythonSensor, TimeDeltaTrigger, Variable, dag, variable


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
    def looked_twice():
        looked = variable("looked")
        Variable.set("looked", "yes")
        return looked == "yes"

    PythonSensor(task_id="look", python_callable=looked_twice, mode="reschedule", poke_interval=2)


deferred()
rescheduled()
