"""What an event says of its job: from the job's facets, else from the run's, else from the producer."""

from collections.abc import Sequence

from msgspec import Raw

from lineage.events.event import JobFacts, ParentReference
from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, RunFacets, read_facet
from lineage.events.job_facets import JobFacets, JobTypeFacet, description, owners, source_url, tags
from lineage.events.senders import GENERIC, integration_of, sender_of, sender_of_job_facets
from lineage.events.senders.sender import Input, Sender, SentJob
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


def job_facts(
    namespace: str,
    name: str,
    facets: JobFacets,
    producer: Raw,
    *,
    run_facets: RunFacets,
    sender: Sender,
    parent: ParentReference | None,
    inputs: Sequence[Input],
) -> JobFacts:
    """`sender`: whose own facets the run has. `parent`: the one that the run names."""
    named = (parent.job_namespace, parent.job_name) if parent else None
    its_parent, own_tags, schedule = sender.described(namespace, name, run_facets, named, facets.tags is not NOTHING)
    kind, integration, processing_type, declared = _job_type(facets, producer, name, has_parent=its_parent is not None)
    known_as, of_parent = name, its_parent
    if (renaming := sender_of_job_facets(facets)) is not GENERIC:
        known_as, of_parent = renaming.named(SentJob(namespace, name, kind, its_parent, facets, inputs))
    return JobFacts(
        namespace,
        known_as,
        kind,
        integration,
        processing_type,
        declared=declared,
        description=description(facets.documentation),
        owners=owners(facets.ownership),
        tags=tags(facets.tags) if own_tags is None else own_tags,
        schedule=schedule if known_as == name else None,
        source_url=source_url(facets.sourceCodeLocation),
        parent=of_parent if of_parent != (namespace, known_as) else None,
    )


def _job_type(facets: JobFacets, producer: Raw, name: str, *, has_parent: bool) -> tuple[str, str, str, bool]:
    """Kind, integration, processing type; and whether the facet is there, be it to say that it was deleted."""
    facet = read_facet(facets.jobType, JobTypeFacet)
    if facet is None or facet.deleted:
        integration = integration_of(producer)
        kind, processing_type = sender_of(integration).derived_type(integration, name, has_parent)
        return kind, integration, processing_type, facet is not None
    return (
        _KINDS.get((facet.jobType or "").upper(), "JOB"),
        storable(facet.integration or "")[:MAX_TEXT_CHARACTERS].upper(),
        storable(facet.processingType or "")[:MAX_TEXT_CHARACTERS].upper(),
        True,
    )
