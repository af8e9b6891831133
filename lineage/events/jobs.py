"""What an event says of its job: from the job's facets, else from the run's, else from the producer."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Raw

from lineage.events import dbt
from lineage.events.event import JobFacts, ParentReference
from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, RunFacets, read_facet
from lineage.events.job_facets import (
    AirflowDag,
    JobFacets,
    JobTypeFacet,
    airflow_dag,
    airflow_schedule,
    airflow_tags,
    description,
    owners,
    source_url,
    tags,
)
from lineage.events.text import storable

_KINDS = {
    "DAG": "DAG",
    "TASK": "TASK",
    "MODEL": "MODEL",
    "TEST": "TEST",
    "SNAPSHOT": "SNAPSHOT",
    "SEED": "SEED",
    "SQL": "SQL",
    "SQL_JOB": "SQL",
    "QUERY": "SQL",
    "APPLICATION": "APPLICATION",
}
_KIND_OF_INTEGRATION: Final = {"TRINO": "SQL", "HIVE": "SQL", "GREAT_EXPECTATIONS": "TEST"}
# What the producer's URL contains as a word, and the integration that it then is.
_PRODUCERS: Final = {
    "airflow": "AIRFLOW",
    "dbt": "DBT",
    "spark": "SPARK",
    "flink": "FLINK",
    "trino": "TRINO",
    "hive": "HIVE",
    "great_expectations": "GREAT_EXPECTATIONS",
    "dagster": "DAGSTER",
    "debezium": "DEBEZIUM",
}
_WORD: Final = re.compile(r"(?<![a-z0-9])(?:" + "|".join(_PRODUCERS) + r")(?![a-z0-9])")
_NO_FACETS: Final = JobFacets()
_MAX_PRODUCER_BYTES: Final = 2048
_text_decoder = msgspec.json.Decoder(str)


def job_facts(
    namespace: str,
    name: str,
    facets: Raw,
    producer: Raw,
    *,
    run_facets: RunFacets,
    parent: ParentReference | None,
    inputs: Sequence[dbt.Dataset],
) -> JobFacts:
    """`parent` is the one that the run names."""
    said = read_facet(facets, JobFacets) or _NO_FACETS
    of_run, of_task = airflow_dag(run_facets.airflowDagRun), None
    of_parent = (parent.job_namespace, parent.job_name) if parent else None
    if run_facets.airflow is not NOTHING and (of_parent is None or said.tags is NOTHING):
        # Providers that send the facets of the specification spare us this.
        of_task = airflow_dag(run_facets.airflow)
        of_parent = of_parent or _dag_of_task(namespace, name, of_task)
    dag = of_run or of_task
    kind, integration, processing_type, declared = _job_type(said, producer, name, has_parent=of_parent is not None)
    if node := dbt.node_of(said.dbt_node):
        name, of_parent = dbt.job_of_node(namespace, node, kind, of_parent, inputs)
    return JobFacts(
        namespace,
        name,
        kind,
        integration,
        processing_type,
        declared=declared,
        description=description(said.documentation),
        owners=owners(said.ownership),
        tags=airflow_tags(dag) if dag and said.tags is NOTHING else tags(said.tags),
        schedule=airflow_schedule(dag) if dag and dag.dag_id == name else None,
        source_url=source_url(said.sourceCodeLocation),
        parent=of_parent if of_parent != (namespace, name) else None,
    )


def _dag_of_task(namespace: str, name: str, dag: AirflowDag | None) -> tuple[str, str] | None:
    if dag is None or not dag.dag_id or not name.startswith(f"{dag.dag_id}."):
        return None
    return namespace, storable(dag.dag_id)[:MAX_TEXT_CHARACTERS]


def _job_type(said: JobFacets, producer: Raw, name: str, *, has_parent: bool) -> tuple[str, str, str, bool]:
    """Kind, integration, processing type; and whether the facet is there, be it to say that it was deleted."""
    facet = read_facet(said.jobType, JobTypeFacet)
    if facet is None or facet.deleted:
        short = memoryview(producer).nbytes <= _MAX_PRODUCER_BYTES
        integration = _integration_of_producer(bytes(producer)) if short else ""
        return *_derived(integration, name, has_parent=has_parent), facet is not None
    return (
        _KINDS.get((facet.jobType or "").upper(), "JOB"),
        storable(facet.integration or "")[:MAX_TEXT_CHARACTERS].upper(),
        storable(facet.processingType or "")[:MAX_TEXT_CHARACTERS].upper(),
        True,
    )


def _derived(integration: str, name: str, *, has_parent: bool) -> tuple[str, str, str]:
    """Of senders that name no type."""
    if integration == "AIRFLOW":
        kind = "TASK" if has_parent else "DAG"
    elif integration == "DBT":
        kind = _kind_of_dbt_job(name)
    elif integration == "SPARK":
        # An action's job is called `application.action_of_what`.
        kind = "JOB" if "." in name else "APPLICATION"
    else:
        kind = _KIND_OF_INTEGRATION.get(integration, "JOB")
    # Flink's jobs stream unless they are told otherwise: one that does must not be taken for lost.
    return kind, integration, "STREAMING" if integration == "FLINK" else ""


def _kind_of_dbt_job(name: str) -> str:
    """By the names that dbt-ol gives: `model.project.name` and its queries below, or `….build.test`."""
    words = name.split(".")
    if len(words) > 2 and words[-2] == "sql" and words[-1].isdigit():
        return "SQL"
    for word, kind in (("test", "TEST"), ("snapshot", "SNAPSHOT"), ("seed", "SEED"), ("model", "MODEL")):
        if len(words) > 2 and word in (words[0], words[-1]):
            return kind
    # `database.schema.project.model`, where the command's own job is `dbt-run-project`.
    return "MODEL" if len(words) > 3 else "JOB"


@lru_cache(1024)
def _integration_of_producer(producer: bytes) -> str:
    try:
        found = _WORD.search(_text_decoder.decode(producer).lower())
    except msgspec.ValidationError:
        return ""
    return _PRODUCERS[found.group()] if found else ""
