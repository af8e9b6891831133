"""Facts of a job from one event: from the job's facets, else from the run's, else from the producer."""

from collections.abc import Sequence

from msgspec import Raw

from lineage.events.event import JobFacts, ParentReference
from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, RunFacets, read_facet
from lineage.events.job_facets import JobFacets, JobTypeFacet, description, owners, source_url, tags
from lineage.events.job_facets import schedule as fetched_schedule
from lineage.events.senders import GENERIC, integration_of, sender_of, sender_of_job_facets
from lineage.events.senders.sender import Input, JobName, Sender, SentJob
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

_NO_JOB_TYPE = JobTypeFacet()


def job_facts(
    namespace: str,
    name: str,
    facets: JobFacets,
    producer: Raw,
    *,
    run_facets: RunFacets,
    sender: Sender,
    parent: ParentReference | None,
    root: ParentReference | None,
    inputs: Sequence[Input],
) -> JobFacts:
    """Collect the facts of a job.

    `sender`: the owner of the run's sender-specific facets. `parent`, `root`: the runs that the run names.
    """
    named = _job_of(parent)
    its_parent, own_tags, schedule = sender.describe_job(namespace, name, run_facets, named, facets.tags is not NOTHING)
    kind, integration, processing_type, declared = _job_type(facets, producer, name, has_parent=its_parent is not None)
    known_as, of_parent = name, its_parent
    # A task of one sender may carry what another one says of it: the task keeps its name.
    owner = sender_of(integration)
    renaming = (sender_of_job_facets(facets) if owner is GENERIC else owner).name_and_parent
    if renaming is not None:
        known_as, of_parent = renaming(SentJob(namespace, name, kind, its_parent, _job_of(root), facets, inputs))
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
        schedule=(schedule or fetched_schedule(facets.observatory_job)) if known_as == name else None,
        source_url=source_url(facets.sourceCodeLocation),
        parent=of_parent if of_parent != (namespace, known_as) else None,
    )


def _job_of(run: ParentReference | None) -> JobName | None:
    return (run.job_namespace, run.job_name) if run else None


def _job_type(facets: JobFacets, producer: Raw, name: str, *, has_parent: bool) -> tuple[str, str, str, bool]:
    """Return kind, integration and processing type, and whether the facet `jobType` says any of them (or
    `_deleted`). Each field that the facet does not give is derived by itself."""
    facet = read_facet(facets.jobType, JobTypeFacet) or _NO_JOB_TYPE
    is_declared = bool(facet.deleted or facet.jobType or facet.integration or facet.processingType)
    if facet.deleted:
        facet = _NO_JOB_TYPE
    integration = storable(facet.integration or "")[:MAX_TEXT_CHARACTERS].upper() or integration_of(producer)
    kind = _KINDS.get(facet.jobType.upper(), "JOB") if facet.jobType else ""
    processing_type = storable(facet.processingType or "")[:MAX_TEXT_CHARACTERS].upper()
    if not (kind and processing_type):
        derived_kind, derived_type = sender_of(integration).derived_type(integration, name, has_parent)
        kind, processing_type = kind or derived_kind, processing_type or derived_type
    return kind, integration, processing_type, is_declared
