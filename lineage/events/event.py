"""One decoded OpenLineage event: what digest needs of it, in types that columns hold.

msgspec's Structs, for they are made several times as fast as frozen dataclasses.
"""

from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

EventKind = Literal["RUN", "JOB", "DATASET"]
EventType = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
Direction = Literal["READS", "WRITES"]
# How a run ended, by one event alone; of two at one time the later in this list counts.
Outcome = Literal["COMPLETE", "SKIP", "ABORT", "GENERIC_RESULTS", "SOME_RESULTS", "LONE_NO_RESULT", "NO_RESULT", "FAIL"]
# Outcomes of tests without a result, or with some: other runs decide what became of them (lineage/states/rules.py).
UNRESOLVED: Final = ("GENERIC_RESULTS", "SOME_RESULTS", "LONE_NO_RESULT", "NO_RESULT")


class JobFacts(Struct, frozen=True):
    """What the event says of its job."""

    namespace: str
    name: str
    kind: str
    integration: str
    processing_type: str
    # Whether these three come from the jobType facet, rather than being derived from the producer.
    declared: bool
    # None where the event says nothing of it; empty where it says that there is none.
    description: str | None = None
    owners: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    # What the orchestrator shows, such as a cron expression, and the time zone that it is meant in, where said.
    schedule: tuple[str, str] | None = None
    # Where the source is: http or https only, for pages to link to.
    source_url: str | None = None
    # Namespace and name of the job that contains or starts this one.
    parent: tuple[str, str] | None = None


class ParentReference(Struct, frozen=True):
    """The run (and its job) that started another, as the child names it."""

    run_id: UUID
    job_namespace: str
    job_name: str


class ToldTask(Struct, frozen=True):
    """What a run tells of a task below it, at its own end.

    `state`: COMPLETED, FAILED, SKIPPED or UPSTREAM_FAILED. `duration_ms`: of the task's last try; None where it is not
    known, or nothing ran. `integration`: of the task's job.
    """

    name: str
    state: str
    duration_ms: int | None
    integration: str = ""


class RunFacts(Struct, frozen=True):
    """What the event says of its run. `id` is derived from `external_id` where that is not empty."""

    id: UUID
    external_id: str
    nominal_start_at: datetime | None = None
    nominal_end_at: datetime | None = None
    attempt: int | None = None
    max_attempts: int | None = None
    map_index: int | None = None
    parent: ParentReference | None = None
    root: ParentReference | None = None
    error_message: str | None = None
    external_query_id: str = ""
    # What the orchestrator itself calls it, if that is not its run id.
    orchestrator_run_id: str = ""
    # Tasks below this run, and what it tells of them.
    told: tuple[ToldTask, ...] = ()
    # When it began, where it may send no START.
    started_at: datetime | None = None
    # Of what it was part of, where the sender may send that a second time under other run ids; of a run itself whose
    # run id may change.
    invocation_id: UUID | None = None
    # Of a run of which tasks were cleared, and that got another id: those that it had before, sorted.
    earlier_ids: tuple[UUID, ...] = ()
    # How it ended, where the event's type does not say it; with it the jobs of its namespace that it needs, if other
    # runs decide. Of a model what stands for its table there.
    outcome: Outcome | None = None
    needed_jobs: tuple[str, ...] = ()
    # Of a node that was sent by itself, and ended: what its name is looked for by.
    node: str | None = None
    # Of tests that may be sent again by themselves, all of a node as one run or one that has no result: what those that
    # have a result are looked for by. None: it is no such run.
    tests: tuple[str, ...] | None = None


class DatasetReference(NamedTuple):
    """A dataset that the event names. `direction` is None in a DatasetEvent."""

    namespace: str
    name: str
    direction: Direction | None
    # Whether the event gives it any facet.
    described: bool


class Event(Struct, frozen=True):
    """One event. `id` is a hash of `body`, the document as it came; times are in UTC, to the microsecond."""

    id: UUID
    kind: EventKind
    event_time: datetime
    event_type: EventType | None
    body: str
    job: JobFacts | None
    run: RunFacts | None
    datasets: tuple[DatasetReference, ...]
