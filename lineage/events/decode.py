"""Decoder from bytes to events.

An event is refused only if its run, job, dataset, type or time cannot be used. Any other part that breaks the
OpenLineage specification (version 2-0-2) is left out.
"""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple, cast, get_args

import msgspec
from msgspec import Raw

from lineage.events.datasets import said_of
from lineage.events.dependencies import dependencies_of
from lineage.events.document import (
    MAX_DATASETS,
    Dataset,
    Document,
    InvalidEvent,
    Job,
    Run,
    check_text,
    decode_dataset,
    decode_document,
    decode_json,
)
from lineage.events.event import (
    DatasetReference,
    DatasetSaid,
    Direction,
    Event,
    EventKind,
    EventType,
    JobFacts,
    RunFacts,
    Stated,
)
from lineage.events.explicit_lineage import NOT_MADE_OF_ANY, Name, StatedByJob, stated_of_job
from lineage.events.extraction import extraction_of
from lineage.events.facets import (
    NOTHING,
    RunFacets,
    error_message,
    external_query_id,
    nominal_times,
    parents,
    read_facet,
)
from lineage.events.identity import dataset_id, event_id, job_id, run_id, run_row_id
from lineage.events.job_facets import JobFacets
from lineage.events.jobs import job_facts
from lineage.events.parts import kind_of
from lineage.events.senders import (
    ERROR_FACETS,
    GENERIC,
    JOB_FACETS,
    RUN_FACETS,
    attribute,
    sender_of,
    sender_of_run_facets,
)
from lineage.events.senders.sender import RunEvent, Sender
from lineage.events.text import parse_time, storable, without_lone_surrogates

# Each element costs time, and a bad one also adds text to the response. The body's size limit bounds neither.
MAX_BATCH_EVENTS = 10_000
# Nested calls: more than a command has open, plus the 1,000 that Python allows a server's decoder.
_CALLS = 10_000

_EVENT_TYPES: tuple[str, ...] = get_args(EventType)
_NO_RUN_FACETS = RUN_FACETS()
_NO_JOB_FACETS = JOB_FACETS()

_array_decoder = msgspec.json.Decoder(list[Raw])


def decode_event(body: bytes) -> Event:
    """Decode one event. Raises NotJson or InvalidEvent."""
    check_text(body)
    document = decode_document(body)
    event_type = _event_type(document.eventType)
    kind, job, run, facets = _subject(document, event_type, body)
    return Event(
        id=event_id(body),
        kind=kind,
        event_time=_event_time(document.eventTime),
        event_type=event_type if kind == "RUN" else None,
        body=body,
        job=job,
        run=run,
        datasets=_datasets(document, kind, body, stated_of_job(*facets.lineage)),
        extraction=extraction_of(*facets.extraction_error),
        dependencies=dependencies_of(facets.job_dependencies),
    )


def decode_batch(body: bytes) -> list[Event | InvalidEvent]:
    """Decode a JSON array of events. An invalid element becomes an InvalidEvent in the list.

    Raises NotJson or InvalidEvent if the body as a whole is wrong.
    """
    check_text(body)
    return [_event_or_error(element) for element in _elements(body)]


def _event_or_error(body: bytes) -> Event | InvalidEvent:
    try:
        return decode_event(body)
    except InvalidEvent as error:
        return error


def _elements(body: bytes) -> list[bytes]:
    """Split a JSON array into its elements, with their bytes unchanged."""
    try:
        return [bytes(element) for element in _bounded(_array_decoder.decode(body))]
    except (msgspec.DecodeError, RecursionError):
        repaired = without_lone_surrogates(body)
        elements = _bounded(decode_json(repaired, _array_decoder))
    # The repair keeps lengths, so each element has one position in both texts.
    found, position = [], 0
    for element in elements:
        start = repaired.index(bytes(element), position)
        position = start + len(bytes(element))
        found.append(body[start:position])
    return found


def _bounded(elements: list[Raw]) -> list[Raw]:
    if len(elements) > MAX_BATCH_EVENTS:
        raise InvalidEvent(f"Expected `array` of at most {MAX_BATCH_EVENTS} events, got {len(elements)}")
    return elements


@contextmanager
def deep_nesting_allowed() -> Iterator[None]:
    """Raise Python's recursion limit, so that any stored document can be decoded again.

    In Python 3.11 the accepted nesting depends on the depth of the caller's stack: a command may reject a document that
    the server accepted. The limit holds for the whole process, so only commands use this, never the server.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class _OtherFacets(NamedTuple):
    """Facets of jobs and runs that say something of datasets or of other jobs. Of the first two: of the job and of the
    run, or of the run and of the job."""

    lineage: tuple[Raw, ...] = ()
    extraction_error: tuple[Raw, ...] = ()
    job_dependencies: Raw = NOTHING


_NO_OTHER_FACETS = _OtherFacets()


def _other_facets(of_job: JobFacets, of_run: RunFacets) -> _OtherFacets:
    errors = (of_run.extractionError, of_job.extractionError)
    return _OtherFacets((of_job.lineage, of_run.lineage), errors, of_run.jobDependencies)


def _subject(
    document: Document, event_type: EventType | None, body: bytes
) -> tuple[EventKind, JobFacts | None, RunFacts | None, _OtherFacets]:
    """Find out what the event is about, and facets that are not about that alone. The specification tells the three
    kinds apart by their required fields."""
    if document.run is not None:
        if document.job is None:
            raise InvalidEvent("Object missing required field `job`")
        return "RUN", *_run_event(document, document.run, document.job, body)
    if event_type not in (None, "OTHER"):
        raise InvalidEvent(f"Object missing required field `run`, which an event of type {event_type} needs")
    if document.job is not None:
        facets = read_facet(document.job.facets, JOB_FACETS) or _NO_JOB_FACETS
        return "JOB", _job_facts(document, document.job, facets), None, _other_facets(facets, _NO_RUN_FACETS)
    if document.dataset is not NOTHING and kind_of(document.dataset) != "null":
        return "DATASET", None, None, _NO_OTHER_FACETS
    raise InvalidEvent("Object missing required field `run` and `job` (a run's event), `job` or `dataset`")


def _run_event(document: Document, run: Run, job: Job, body: bytes) -> tuple[JobFacts, RunFacts, _OtherFacets]:
    run_facets = read_facet(run.facets, RUN_FACETS) or _NO_RUN_FACETS
    sender = sender_of_run_facets(run_facets)
    run_facts = _run_facts(run.runId, run_facets, sender, has_failed=document.eventType == "FAIL")
    job_facets = read_facet(job.facets, JOB_FACETS) or _NO_JOB_FACETS
    job_facts = _job_facts(document, job, job_facets, run_facets=run_facets, sender=sender, run=run_facts)
    inputs, producer = document.inputs or (), document.producer
    event = RunEvent(job.namespace, job.name, document.eventType, run_facets, job_facets, inputs, producer, body)
    facts = sender_of(job_facts.integration).run_facts(run_facts, job_facts, event)
    return job_facts, facts, _other_facets(job_facets, run_facets)


def _run_facts(text: str, facets: RunFacets, sender: Sender, *, has_failed: bool) -> RunFacts:
    """Collect the facts of a run. `sender`: the owner of the sender-specific facets in `facets`."""
    id_, external_id = run_id(storable(text))
    if facets is _NO_RUN_FACETS:
        return RunFacts(id_, external_id)
    parent, root = parents(facets)
    nominal_start_at, nominal_end_at = nominal_times(facets.nominalTime)
    attempt, max_attempts, map_index = sender.tries(facets)
    message = error_message(facets.errorMessage) or (_error_of_sender(facets) if has_failed else None)
    return RunFacts(
        id=id_,
        external_id=external_id,
        nominal_start_at=nominal_start_at,
        nominal_end_at=nominal_end_at,
        attempt=attempt,
        max_attempts=max_attempts,
        map_index=map_index,
        parent=parent,
        root=root,
        error_message=message,
        external_query_id=external_query_id(facets.externalQuery),
        reported_tasks=sender.reported_tasks(facets, message),
    )


def _error_of_sender(facets: RunFacets) -> str | None:
    """Return the error from a sender's own facet."""
    return next(filter(None, (error_message(getattr(facets, attribute(name))) for name in ERROR_FACETS)), None)


def _job_facts(
    document: Document,
    job: Job,
    facets: JobFacets,
    *,
    run_facets: RunFacets = _NO_RUN_FACETS,
    sender: Sender = GENERIC,
    run: RunFacts | None = None,
) -> JobFacts:
    """Collect the facts of a job. `run`, `sender`: its run, and the owner of that run's sender-specific facets."""
    return job_facts(
        storable(job.namespace),
        storable(job.name),
        facets,
        document.producer,
        run_facets=run_facets,
        sender=sender,
        parent=run.parent if run else None,
        root=run.root if run else None,
        inputs=document.inputs or (),
    )


def _datasets(
    document: Document, kind: EventKind, body: bytes, stated: StatedByJob | None
) -> tuple[DatasetReference, ...]:
    if kind == "DATASET":
        return (_reference(decode_dataset(body), None),)
    reads = [_reference(dataset, "READS") for dataset in document.inputs or ()]
    writes = [_reference(dataset, "WRITES") for dataset in document.outputs or ()]
    return (*reads, *writes) if stated is None else _with_stated(reads, writes, stated)


def _with_stated(
    reads: list[DatasetReference], writes: list[DatasetReference], stated: StatedByJob
) -> tuple[DatasetReference, ...]:
    """Add explicit lineage to the outputs, and the datasets that only it names. MAX_DATASETS in all."""
    written, read = _names(writes), _names(reads)
    lone = [_implied(name, "WRITES", of) for name, of in stated.targets.items() if name not in written]
    lone += [_implied(name, "READS", None) for name in stated.read if name not in read]
    outputs = [_made_of(one, stated.targets.get((one.namespace, one.name), NOT_MADE_OF_ANY)) for one in writes]
    return (*reads, *outputs, *lone)[:MAX_DATASETS]


def _names(references: list[DatasetReference]) -> set[Name]:
    return {(one.namespace, one.name) for one in references}


def _made_of(output: DatasetReference, stated: Stated) -> DatasetReference:
    return output._replace(said=msgspec.structs.replace(output.said or DatasetSaid(), lineage=stated))


def _implied(name: Name, direction: Direction, stated: Stated | None) -> DatasetReference:
    said = DatasetSaid(lineage=stated) if stated else None
    return DatasetReference(*name, direction, False, said, is_implied=True)


def _reference(dataset: Dataset, direction: Direction | None) -> DatasetReference:
    described, said = said_of(dataset.facets, dataset.inputFacets, dataset.outputFacets)
    return DatasetReference(storable(dataset.namespace), storable(dataset.name), direction, described, said)


def _event_time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise InvalidEvent("Expected an ISO 8601 time such as `2026-01-31T12:00:00Z` - at `$.eventTime`") from error


def _event_type(text: str | None) -> EventType | None:
    if text is None:
        return None
    if text not in _EVENT_TYPES:
        raise InvalidEvent(f"Expected one of {', '.join(_EVENT_TYPES)} - at `$.eventType`")
    return cast(EventType, text)


def subject_id(event: Event, connection_id: uuid.UUID) -> uuid.UUID:
    """Return the id of the row of the run, job or dataset that the event is about."""
    if event.job is not None:
        job = job_id(connection_id, event.job.namespace, event.job.name)
        return job if event.run is None else run_row_id(event.run.id, job, event.run.map_index)
    dataset = event.datasets[0]
    return dataset_id(dataset.namespace, dataset.name)
