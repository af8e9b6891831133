"""Names that the DAGs of this folder use, from whichever release of Airflow runs them: 3, or 2.9."""

from datetime import UTC, datetime

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.sensors.python import PythonSensor
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk import BaseOperator, Variable, dag, task, task_group
    from airflow.sdk.exceptions import AirflowSkipException

    def variable(key):
        """Return a variable; "no" if it is not set."""
        return Variable.get(key, default="no")

except ImportError:
    from airflow import decorators
    from airflow.decorators import task, task_group
    from airflow.exceptions import AirflowSkipException
    from airflow.models import BaseOperator, Variable
    from airflow.operators.bash import BashOperator
    from airflow.operators.empty import EmptyOperator
    from airflow.sensors.python import PythonSensor
    from airflow.triggers.temporal import TimeDeltaTrigger

    def variable(key):
        """Return a variable; "no" if it is not set."""
        return Variable.get(key, default_var="no")

    def dag(function=None, **arguments):
        """Make a DAG as Airflow 3 does: without a schedule. Airflow 2 would start the runs of a schedule at once, so a
        DAG that has one begins paused."""
        given = {"schedule": None, "start_date": datetime(2026, 1, 1, tzinfo=UTC)} | arguments
        decorated = decorators.dag(**given, is_paused_upon_creation=bool(given["schedule"]))
        return decorated(function) if function else decorated


__all__ = [
    "AirflowSkipException",
    "BaseOperator",
    "BashOperator",
    "EmptyOperator",
    "PythonSensor",
    "TimeDeltaTrigger",
    "Variable",
    "dag",
    "task",
    "task_group",
    "variable",
]
