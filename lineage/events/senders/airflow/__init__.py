"""Airflow with its provider apache-airflow-providers-openlineage (seen with 2.20)."""

from typing import Final

from lineage.events.senders.airflow import dag_run, jobs, links, task_graph, tasks
from lineage.events.senders.airflow.arguments import PRIVATE
from lineage.events.senders.airflow.words import ERROR_CODES, INTEGRATION, SKIP_CODES, WORDS
from lineage.events.senders.sender import Sender

AIRFLOW: Final = Sender(
    integrations={INTEGRATION: WORDS},
    producers={"airflow": INTEGRATION},
    run_facets=("airflow", "airflowDagRun", "airflowState", "airflow_mappedTask"),
    shapes={
        "airflow": (jobs.TaskFacet, jobs.FacetWithDag, links.LogUrls),
        "airflowDagRun": (dag_run.DagRunFacet, jobs.FacetWithDag, links.LogUrls),
        "airflowState": (tasks.ShownState, tasks.DurationsFacet),
        "airflow_mappedTask": (jobs.MappedTask,),
    },
    private=PRIVATE,
    error_codes=ERROR_CODES,
    skip_codes=SKIP_CODES,
    tries=jobs.tries,
    reported_tasks=tasks.reported_tasks,
    describe_job=jobs.describe_job,
    derived_type=jobs.derived_type,
    run_facts=dag_run.run_facts,
    reported_states=tasks.reported_states,
    task_graph=task_graph.task_graph,
    links=links.links,
    why_silent=task_graph.why_silent,
    why_without_state=task_graph.why_without_state,
)
