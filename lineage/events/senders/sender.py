"""What a room of a sender provides: a `Sender`, made of functions, and for each of its integrations words for readers.

A sender is chosen in two ways. Facets and codes of its own are read by the sender that they belong to, whoever sent
them. All else is asked of the sender that the job's integration names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeVar

from msgspec import Raw, Struct

from lineage.events.assertions import Assertion, TestState
from lineage.events.event import JobFacts, RunFacts, ToldTask
from lineage.events.facets import RunFacets
from lineage.events.job_facets import JobFacets
from lineage.events.senders.task_graph import TaskGraph

# Namespace and name of a job.
JobName = tuple[str, str]
Facet = TypeVar("Facet", bound=Struct)


class Advice(NamedTuple):
    """What a reader can do: a sentence that ends with a command."""

    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Words:
    """Words in which pages speak of one integration. The defaults fit any sender.

    `name` stands in sentences (`Airflow skipped it`), `title` beside a job's name; empty: the integration itself.
    """

    name: str = "Its sender"
    title: str = ""
    # What the sender calls a run of its own: above it on pages, in the API's description, and as search explains it.
    run_id_title: str = "Orchestrator run id"
    run_id: str = ""
    run_id_in_search: str = ""
    run_id_examples: tuple[str, ...] = ()
    # Why a task completed without an event, in a sentence of its own.
    silent: str = ""
    # Why a parent run skipped a task of its own accord.
    skipped: str = "it was not to run this time"
    # Whether it skips what needs something that failed, and no parent run tells of it.
    skips_by_need: bool = False
    # Why tests may have no result.
    tests_without_result: str = ""
    # How to have error messages sent, if they are not by default.
    on_missing_errors: Advice | None = None


NEUTRAL: Final = Words()


# Which try, of how many, and of which instance of a mapped task a run is.
Tries = tuple[int | None, int | None, int | None]
# Parent, tags and schedule of a job, as facets of a sender's own have them. None: they say nothing of it.
Described = tuple[JobName | None, tuple[str, ...] | None, tuple[str, str] | None]


class Input(Protocol):
    """An input of an event."""

    name: str
    facets: Raw


class SentJob(Struct, frozen=True, gc=False):
    """A job as an event names it, with the parent that the event tells of."""

    namespace: str
    name: str
    kind: str
    parent: JobName | None
    facets: JobFacets
    inputs: Sequence[Input]


class RunEvent(Struct, frozen=True, gc=False):
    """A run's event as it came: nothing of it is renamed or shortened."""

    job_namespace: str
    job_name: str
    event_type: str | None
    run_facets: RunFacets
    job_facets: JobFacets
    inputs: Sequence[Input]
    body: bytes


class RunOfTests(NamedTuple):
    """What the state of a test in it depends on. `shown_state`: of the run. `job_name`: as it came."""

    event_type: str
    job_name: str
    shown_state: str


class TaskStates(Protocol):
    """What a run tells of its tasks at its end: their states, and which were skipped before they had one."""

    @property
    def task_states(self) -> Mapping[str, str]: ...
    @property
    def tasks_without_state(self) -> frozenset[str]: ...


class ToldStates(NamedTuple):
    """TaskStates as a sender reads them."""

    task_states: dict[str, str]
    tasks_without_state: frozenset[str]
    # Of the sender.
    integration: str


class ReadFacet(Protocol):
    """Reads a facet of a run by its name and shape, and tells pages if it is broken. None: it is not there."""

    def __call__(self, name: str, shape: type[Facet], /) -> Facet | None: ...


NO_TRIES: Final[Tries] = (None, None, None)
# Of a task without events.
SILENT: Final = "sent no events; its state is what the DAG run's end says"


def _described(_namespace: str, _name: str, _facets: RunFacets, parent: JobName | None, _: bool) -> Described:
    return parent, None, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What one sender says in its own way. The defaults are those of one that keeps to the specification.

    A record of functions, not a class with methods: an event asks half a dozen of them, and a method that calls a
    function of its room made decoding a tenth slower.
    """

    # Integration → words. Those of a job decide which sender is asked of it.
    integrations: Mapping[str, Words]
    # A word of the producer's URL → the integration that it stands for.
    producers: Mapping[str, str] = field(default_factory=dict)
    # Names of facets of its own, and shapes of those whose mistakes pages tell.
    run_facets: tuple[str, ...] = ()
    job_facets: tuple[str, ...] = ()
    shapes: Mapping[str, type[Struct]] = field(default_factory=dict)
    # A code that it sends as error message → what it means.
    error_codes: Mapping[str, str] = field(default_factory=dict)
    # Such a code of a parent run → why tasks below it were skipped, in a sentence.
    skip_codes: Mapping[str, str] = field(default_factory=dict)

    # --- Of an event's own facets -------------------------------------------------------------------------------
    tries: Callable[[RunFacets], Tries] = lambda _: NO_TRIES
    # What a run tells of tasks below it that came to an end. (Facets, error message)
    told_tasks: Callable[[RunFacets, str | None], tuple[ToldTask, ...]] = lambda *_: ()
    # (Namespace, name, facets, the parent that the run names, whether the specification's facet of tags is there)
    described: Callable[[str, str, RunFacets, JobName | None, bool], Described] = _described
    # The name that a job has in whatever way it is run, and the job that it is part of. (The job as it was sent)
    named: Callable[[SentJob], tuple[str, JobName | None]] = lambda job: (job.name, job.parent)

    # --- Of a job, by its integration ---------------------------------------------------------------------------
    # Kind and processing type of a job whose events name none. (Integration, name, whether it has a parent)
    derived_type: Callable[[str, str, bool], tuple[str, str]] = lambda *_: ("JOB", "")
    # The facts of a run, with what only this sender's ways tell.
    run_facts: Callable[[RunFacts, JobFacts, RunEvent], RunFacts] = lambda run, *_: run

    # --- Of what a run's events say together, for pages ---------------------------------------------------------
    # Whether it says what became of tests in its own way. (Producer, as JSON text)
    reports_tests: Callable[[bytes], bool] = lambda _: False
    # The state of a test that did not succeed; None: as the specification has it. (Test, its run, whether any test of
    # the same dataset has a result)
    test_state: Callable[[Assertion, RunOfTests, bool], TestState | None] = lambda *_: None
    # What a run tells of its tasks; None: nothing. (Reader of facets, error message)
    told_states: Callable[[ReadFacet, str | None], ToldStates | None] = lambda *_: None
    # Which task comes after which in a run; empty where that is not told. (Job facets)
    task_graph: Callable[[Mapping[str, object]], TaskGraph] = lambda _: {}
    # Why a task sent no event, and why one was skipped that had no state when its run told of it: in words.
    why_silent: Callable[[str, TaskStates, TaskGraph], str] = lambda *_: SILENT
    why_without_state: Callable[[str, TaskStates, TaskGraph], str] = lambda *_: NEUTRAL.skipped
