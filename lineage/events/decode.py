"""Bytes → events. Checks what the specification requires (version 2-0-2), and lets pass what real senders do."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar, cast, get_args

import msgspec
from msgspec import Raw, Struct

from lineage.events.event import (
    DatasetReference,
    Direction,
    Event,
    EventKind,
    EventType,
    JobFacts,
    ParentReference,
    RunFacts,
)
from lineage.events.facets import (
    NOTHING,
    RunFacets,
    error_message,
    external_query_id,
    nominal_times,
    parents,
    read_facet,
)
from lineage.events.identity import dataset_id, event_id, job_id, run_id
from lineage.events.job_facets import JobFacets
from lineage.events.jobs import job_facts
from lineage.events.senders import GENERIC, JOB_FACETS, RUN_FACETS, sender_of, sender_of_run_facets
from lineage.events.senders.sender import RunEvent, Sender
from lineage.events.text import parse_time, storable, without_lone_surrogates

# Longer than any name that a system gives out; ids hash the names, so no index depends on it.
MAX_NAME_CHARACTERS = 2048
# Each element costs time and, where it is bad, words in the answer: the size of a body is no bound for either.
MAX_BATCH_EVENTS = 10_000
# Of one event, inputs and outputs together: its transaction is everybody's.
MAX_DATASETS = 10_000
# Of calls within one another: more than any that are under way, and the 1,000 that Python leaves to a server's decoder.
_CALLS = 10_000

_EVENT_TYPES: tuple[str, ...] = get_args(EventType)


class NotJson(Exception):
    """The body is not JSON text in UTF-8. The message says where."""


class InvalidEvent(Exception):
    """The body is JSON, but no OpenLineage event. The message gives the field's path and what was expected."""


class _Job(Struct):
    namespace: str
    name: str
    facets: Raw = NOTHING


class _Run(Struct):
    runId: str
    facets: Raw = NOTHING


class _Dataset(Struct):
    namespace: str
    name: str
    facets: Raw = NOTHING


class _Document(Struct):
    eventTime: str
    eventType: str | None = None
    producer: Raw = NOTHING
    run: _Run | None = None
    job: _Job | None = None
    dataset: _Dataset | None = None
    inputs: list[_Dataset] | None = None
    outputs: list[_Dataset] | None = None


_NO_RUN_FACETS = RUN_FACETS()
_NO_JOB_FACETS = JOB_FACETS()

T = TypeVar("T")

_document_decoder = msgspec.json.Decoder(_Document)
_array_decoder = msgspec.json.Decoder(list[Raw])
_syntax_decoder = msgspec.json.Decoder(Raw)


def decode_event(body: bytes) -> Event:
    """One event. Raises NotJson or InvalidEvent."""
    text = _text(body)
    document = _decode(body, _document_decoder)
    kind, job, run = _subject(document, body)
    return Event(
        id=event_id(body),
        kind=kind,
        event_time=_event_time(document.eventTime),
        event_type=_event_type(document.eventType) if kind == "RUN" else None,
        body=text,
        job=job,
        run=run,
        datasets=_datasets(document),
    )


def decode_batch(body: bytes) -> list[Event | InvalidEvent]:
    """The events of an array; in the place of each that is none, why. Raises NotJson or InvalidEvent for the whole."""
    _text(body)
    return [_event_or_error(element) for element in _elements(body)]


def _event_or_error(body: bytes) -> Event | InvalidEvent:
    try:
        return decode_event(body)
    except InvalidEvent as error:
        return error


def _elements(body: bytes) -> list[bytes]:
    """The elements of an array, each as it came."""
    try:
        return [bytes(element) for element in _bounded(_array_decoder.decode(body))]
    except (msgspec.DecodeError, RecursionError):
        repaired = without_lone_surrogates(body)
        elements = _bounded(_decode(repaired, _array_decoder))
    # The repair keeps lengths, so an element stands in the body where it stands in the repaired one.
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
def however_deep() -> Iterator[None]:
    """Within it, what was decoded elsewhere can be decoded: in Python 3.11 how deep a document may be nested depends on
    how deep its reader is in calls, up to a limit of the whole process. So for commands, not for a server."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotJson(f"the body is not UTF-8: byte {error.start} {error.reason}") from error


def _decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return decoder.decode(without_lone_surrogates(body))
    except msgspec.ValidationError as error:
        _check_syntax(body)
        raise InvalidEvent(str(error)) from error
    except msgspec.DecodeError as error:
        raise NotJson(str(error)) from error
    except RecursionError as error:
        raise InvalidEvent("the document is nested too deeply") from error


def _check_syntax(body: bytes) -> None:
    """A wrong type may be met before the text breaks off: what is not JSON is told first."""
    try:
        _syntax_decoder.decode(without_lone_surrogates(body))
    except msgspec.DecodeError as error:
        raise NotJson(str(error)) from error
    except RecursionError:
        return


def _subject(document: _Document, body: bytes) -> tuple[EventKind, JobFacts | None, RunFacts | None]:
    """What the event is about, as the specification tells the three kinds apart: by the fields they require."""
    if document.run is not None:
        if document.job is None:
            raise InvalidEvent("Object missing required field `job`")
        return "RUN", *_run_event(document, document.run, document.job, body)
    if document.job is not None:
        facets = read_facet(document.job.facets, JOB_FACETS) or _NO_JOB_FACETS
        return "JOB", _job_facts(document, document.job, facets), None
    if document.dataset is not None:
        return "DATASET", None, None
    raise InvalidEvent("Object missing required field `run` and `job` (a run's event), `job` or `dataset`")


def _run_event(document: _Document, run: _Run, job: _Job, body: bytes) -> tuple[JobFacts, RunFacts]:
    run_facets = read_facet(run.facets, RUN_FACETS) or _NO_RUN_FACETS
    sender = sender_of_run_facets(run_facets)
    run_facts = _run_facts(run.runId, run_facets, sender)
    job_facets = read_facet(job.facets, JOB_FACETS) or _NO_JOB_FACETS
    job_facts = _job_facts(document, job, job_facets, run_facets=run_facets, sender=sender, parent=run_facts.parent)
    event = RunEvent(job.namespace, job.name, document.eventType, run_facets, job_facets, document.inputs or (), body)
    return job_facts, sender_of(job_facts.integration).run_facts(run_facts, job_facts, event)


def _run_facts(text: str, facets: RunFacets, sender: Sender) -> RunFacts:
    """`sender`: whose own facets the run has."""
    _check_name(text, "$.run.runId")
    id_, external_id = run_id(storable(text))
    if facets is _NO_RUN_FACETS:
        return RunFacts(id_, external_id)
    parent, root = parents(facets.parent)
    nominal_start_at, nominal_end_at = nominal_times(facets.nominalTime)
    attempt, max_attempts, map_index = sender.tries(facets)
    message = error_message(facets.errorMessage)
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
        told=sender.told_tasks(facets, message),
    )


def _job_facts(
    document: _Document,
    job: _Job,
    facets: JobFacets,
    *,
    run_facets: RunFacets = _NO_RUN_FACETS,
    sender: Sender = GENERIC,
    parent: ParentReference | None = None,
) -> JobFacts:
    """`sender`: whose own facets the run has, if it is a run's event."""
    _check_name(job.namespace, "$.job.namespace")
    _check_name(job.name, "$.job.name")
    return job_facts(
        storable(job.namespace),
        storable(job.name),
        facets,
        document.producer,
        run_facets=run_facets,
        sender=sender,
        parent=parent,
        inputs=document.inputs or (),
    )


def _datasets(document: _Document) -> tuple[DatasetReference, ...]:
    if document.run is None and document.job is None and document.dataset is not None:
        return (_dataset(document.dataset, "$.dataset", 0, None),)
    count = len(document.inputs or ()) + len(document.outputs or ())
    if count > MAX_DATASETS:
        raise InvalidEvent(f"Expected at most {MAX_DATASETS} datasets, got {count} - at `$.inputs` and `$.outputs`")
    inputs = [_dataset(d, "$.inputs[%d]", i, "READS") for i, d in enumerate(document.inputs or ())]
    outputs = [_dataset(d, "$.outputs[%d]", i, "WRITES") for i, d in enumerate(document.outputs or ())]
    return (*inputs, *outputs)


def _dataset(dataset: _Dataset, path: str, position: int, direction: Direction | None) -> DatasetReference:
    namespace, name = dataset.namespace, dataset.name
    if not (0 < len(namespace) <= MAX_NAME_CHARACTERS and 0 < len(name) <= MAX_NAME_CHARACTERS):
        path = path % position if "%" in path else path
        _check_name(namespace, f"{path}.namespace")
        _check_name(name, f"{path}.name")
    return DatasetReference(storable(namespace), storable(name), direction, _says_something(dataset.facets))


def _says_something(facets: Raw) -> bool:
    """Whether there is any facet."""
    return facets is not NOTHING and (memoryview(facets).nbytes > 4 or bytes(facets) not in (b"{}", b"null"))


def _check_name(name: str, path: str) -> None:
    if not 0 < len(name) <= MAX_NAME_CHARACTERS:
        raise InvalidEvent(f"Expected `str` of 1 to {MAX_NAME_CHARACTERS} characters, got {len(name)} - at `{path}`")


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
    """The id of the run, job or dataset that the event is about."""
    if event.run is not None:
        return event.run.id
    if event.job is not None:
        return job_id(connection_id, event.job.namespace, event.job.name)
    dataset = event.datasets[0]
    return dataset_id(dataset.namespace, dataset.name)
