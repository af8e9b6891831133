"""Airflow, with its provider apache-airflow-providers-openlineage (seen with 2.20)."""

from typing import Final

from lineage.events.senders.airflow import dag_run, jobs, task_graph, tasks
from lineage.events.senders.airflow.words import ERROR_CODES, INTEGRATION, SKIP_CODES, WORDS
from lineage.events.senders.sender import Sender

AIRFLOW: Final = Sender(
    integrations={INTEGRATION: WORDS},
    producers={"airflow": INTEGRATION},
    run_facets=("airflow", "airflowDagRun", "airflowState"),
    shapes={"airflow": jobs.TaskFacet, "airflowState": tasks.ShownState},
    error_codes=ERROR_CODES,
    skip_codes=SKIP_CODES,
    tries=jobs.tries,
    told_tasks=tasks.told_tasks,
    described=jobs.described,
    derived_type=jobs.derived_type,
    run_facts=dag_run.run_facts,
    told_states=tasks.told_states,
    task_graph=task_graph.task_graph,
    why_silent=task_graph.why_silent,
    why_without_state=task_graph.why_without_state,
)
