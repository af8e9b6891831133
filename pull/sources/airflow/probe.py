"""Test of an Airflow, step by step."""

from collections.abc import Iterator

from pull.http.faults import Fault
from pull.sources.airflow.api import AirflowApi
from pull.sources.airflow.fields import HINTS
from pull.sources.fetcher import Step

_NO_LOGS = "The log of a failed task could not be read: failures come without their reasons."


def probe(api: AirflowApi) -> Iterator[Step]:
    """Try what fetching needs: to reach Airflow, to sign in, to list DAGs, to read runs and tasks."""
    title = "Reaches Airflow"
    try:
        yield Step(title, True, f"Airflow {api.version()} answers.")
        title = "Signs in"
        api.sign_in()
        title = "Lists DAGs"
        dags = next(api.dags(), [])
        yield Step("Signs in", True, "The user or token is accepted.")
        yield Step(title, True, f"For example {dags[0].dag_id}." if dags else "There are none yet.")
        title = "Reads runs"
        runs, tasks = next(api.dag_runs(), []), next(api.task_instances(), [])
        yield Step(title, True, "DAG runs and task instances." if runs or tasks else "There are none yet.")
        title = "Reads logs"
        failed = next(api.task_instances(state="failed"), [])
        if failed and failed[0].pid is not None:
            has_log = api.log(failed[0]) is not None
            # Fetching works without.
            yield Step(title, True, "For the reasons of failures." if has_log else _NO_LOGS)
    except Fault as fault:
        yield Step(title, False, f"{fault.words} {HINTS.get(fault.code, '')}".strip())
