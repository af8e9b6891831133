"""Types of one decoded OpenLineage event, with values that columns can hold.

They are msgspec Structs, which are created several times faster than frozen dataclasses.
"""

from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from msgspec import Raw, Struct

EventKind = Literal["RUN", "JOB", "DATASET"]
EventType = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
Direction = Literal["READS", "WRITES"]
# How a run ended, according to one event. If two events have one time, the outcome later in this list wins.
Outcome = Literal["COMPLETE", "SKIP", "ABORT", "GENERIC_RESULTS", "SOME_RESULTS", "LONE_NO_RESULT", "NO_RESULT", "FAIL"]
# Outcomes of tests of which some or all have no result: other runs decide their state (lineage/states/rules.py).
UNRESOLVED: Final = ("GENERIC_RESULTS", "SOME_RESULTS", "LONE_NO_RESULT", "NO_RESULT")


class JobFacts(Struct, frozen=True):
    """Facts of a job, as one event gives them."""

    namespace: str
    name: str
    kind: str
    integration: str
    processing_type: str
    # True: the three fields above come from the jobType facet. False: they are derived from the producer.
    declared: bool
    # None: not in the event. Empty: the event says that there is none.
    description: str | None = None
    owners: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    # The schedule as the orchestrator shows it, such as a cron expression, and its time zone (may be empty).
    schedule: tuple[str, str] | None = None
    # Link to the source code: http or https only.
    source_url: str | None = None
    # Namespace and name of the job that contains or starts this one.
    parent: tuple[str, str] | None = None


class ParentReference(Struct, frozen=True):
    """Run and job that started another run, as the child names them."""

    run_id: UUID
    job_namespace: str
    job_name: str


class ReportedTask(Struct, frozen=True):
    """State of a task, reported by the last event of its parent run.

    `state`: COMPLETED, FAILED, SKIPPED or UPSTREAM_FAILED. `duration_ms`: of the task's last try; None if unknown or if
    the task never ran. `integration`: of the task's job.
    """

    name: str
    state: str
    duration_ms: int | None
    integration: str = ""


class RunFacts(Struct, frozen=True):
    """Facts of a run, as one event gives them. `id`: the sender's run id, derived from `external_id` unless that is
    empty."""

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
    # The orchestrator's own name of the run, if it differs from the run id.
    orchestrator_run_id: str = ""
    # Tasks of this run, with the states that it reports.
    reported_tasks: tuple[ReportedTask, ...] = ()
    # Start of a run that may send no START event.
    started_at: datetime | None = None
    # Identifies what may be sent again under other run ids: the invocation of a command, or a DAG run whose id changes.
    invocation_id: UUID | None = None
    # Earlier ids of a DAG run that got a new id because tasks of it were cleared, sorted.
    earlier_ids: tuple[UUID, ...] = ()
    # How the run ended, if the event type does not say it. If other runs decide: the jobs of this namespace that it
    # needs. For a model: the name of its table, by which tests refer to it.
    outcome: Outcome | None = None
    # True: the run failed, even if its sender ends it with COMPLETE later.
    failure_stands: bool = False
    needed_jobs: tuple[str, ...] = ()
    # Search name of a node that ended and has a run of its own.
    node: str | None = None
    # Search names of the tests with a result in this run, if these tests may be sent again in runs of their own. The
    # run holds all tests of a node, or one test without a result (then empty). None: any other run.
    tests: tuple[str, ...] | None = None


class DatasetFact(NamedTuple):
    """Fact of a dataset, undecoded. `kind`: see lineage/events/dataset_facets.py."""

    kind: str
    raw: Raw


class Stated(NamedTuple):
    """Explicit lineage of a dataset: the fact, whose text is its content already, and the namespaces and names of the
    datasets that it is made of."""

    fact: DatasetFact
    sources: tuple[tuple[str, str], ...]


class Measure(NamedTuple):
    """Counts of a dataset that a run reads or writes. Sizes are in bytes. None and "": not reported."""

    row_count: int | None
    byte_count: int | None
    file_count: int | None
    version: str


class Check(NamedTuple):
    """Result of an assertion on a dataset. `position`: among equal assertions of one event, from 0."""

    column: str
    assertion: str
    name: str
    position: int
    failed: bool
    has_result: bool
    severity: str
    expected: str
    actual: str


class DatasetSaid(Struct, frozen=True):
    """Facts, other names, changes and results that an event gives of a dataset."""

    facts: tuple[DatasetFact, ...] = ()
    # The facet `columnLineage`, undecoded.
    columns: DatasetFact | None = None
    # Namespaces and names of the datasets that it names as sources.
    sources: tuple[tuple[str, str], ...] = ()
    lineage: Stated | None = None
    # Namespace, name and type of its other names.
    symlinks: tuple[tuple[str, str, str], ...] = ()
    # A change of its life, and the namespace and name that it had before.
    change: str | None = None
    previous: tuple[str, str] | None = None
    measure: Measure | None = None
    checks: tuple[Check, ...] = ()


class Extraction(NamedTuple):
    """Statements of a run of which its sender could not say what they read and write. `total` is 0 if not known."""

    failed: int
    total: int


class Dependency(NamedTuple):
    """Job that runs before or after the job of a run."""

    namespace: str
    name: str
    runs_before: bool


class DatasetReference(NamedTuple):
    """Dataset named by an event. `direction` is None in a DatasetEvent."""

    namespace: str
    name: str
    direction: Direction | None
    # True: the event says more of the dataset than where it is.
    described: bool
    said: DatasetSaid | None = None
    # True: only explicit lineage names it, as what is written or read.
    is_implied: bool = False


class Event(Struct, frozen=True):
    """Decoded event. `id` is a hash of the document as received: of `body`, unless parts of that were dropped. Times
    are in UTC, with microseconds."""

    id: UUID
    kind: EventKind
    event_time: datetime
    event_type: EventType | None
    body: bytes
    job: JobFacts | None
    run: RunFacts | None
    datasets: tuple[DatasetReference, ...]
    extraction: Extraction | None = None
    dependencies: tuple[Dependency, ...] = ()
