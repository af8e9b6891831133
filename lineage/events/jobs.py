"""What kind of job an event is about: from its jobType facet, else from its producer."""

import msgspec
from msgspec import Raw

from lineage.events.event import JobFacts
from lineage.events.facets import MAX_TEXT_CHARACTERS, JobTypeFacet, read_facet
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
# What the producer's URL contains, and the integration that it then is.
_PRODUCERS = {
    "airflow": "AIRFLOW",
    "integration/dbt": "DBT",
    "spark": "SPARK",
    "flink": "FLINK",
    "trino": "TRINO",
}


_text_decoder = msgspec.json.Decoder(str)


def job_facts(namespace: str, name: str, job_type: Raw, producer: Raw, *, has_parent: bool) -> JobFacts:
    facet = read_facet(job_type, JobTypeFacet)
    if facet is None:
        integration = _integration_of_producer(producer)
        kind = ("TASK" if has_parent else "DAG") if integration == "AIRFLOW" else "JOB"
        return JobFacts(storable(namespace), storable(name), kind, integration, "", declared=False)
    return JobFacts(
        storable(namespace),
        storable(name),
        _KINDS.get((facet.jobType or "").upper(), "JOB"),
        storable(facet.integration or "")[:MAX_TEXT_CHARACTERS].upper(),
        storable(facet.processingType or "")[:MAX_TEXT_CHARACTERS].upper(),
        declared=True,
    )


def _integration_of_producer(producer: Raw) -> str:
    try:
        lowered = _text_decoder.decode(producer).lower()
    except msgspec.ValidationError:
        return ""
    return next((name for part, name in _PRODUCERS.items() if part in lowered), "")
