"""Protocol of a sender's room: one `Sender`, made of functions, and the words for each of its integrations.

A sender is chosen in two ways. Sender-specific facets and codes are read by the sender that owns them, in any event.
For everything else the integration of the job names the sender.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeVar

from msgspec import Raw, Struct

from connections.privacy import PrivacyClass
from lineage.events.assertions import Assertion, TestState
from lineage.events.event import JobFacts, ReportedTask, RunFacts
from lineage.events.facets import RunFacets
from lineage.events.job_facets import JobFacets
from lineage.events.links import Link
from lineage.events.senders.task_graph import TaskGraph

# Namespace and name of a job.
JobName = tuple[str, str]
Facet = TypeVar("Facet", bound=Struct)


# Step of a path: each element of an array.
EACH: Final = "*"


@dataclass(frozen=True, slots=True)
class AllBut:
    """Step of a path: every field of an object but these."""

    names: frozenset[str]

    def has(self, name: str) -> bool:
        return name not in self.names


# Way to a part of an event, from the event itself: names of fields, EACH and AllBut.
Path = tuple[str | AllBut, ...]


class Advice(NamedTuple):
    """Advice to a reader: a sentence that ends with a command."""

    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Words:
    """Words with which pages describe one integration. The defaults fit any sender.

    `name` is used in sentences (`Airflow skipped it`), `title` beside a job's name; empty: the integration itself.
    """

    name: str = "Its sender"
    title: str = ""
    # The sender's own term for its run ids: as a heading on pages, in the API's description, and in search results.
    run_id_title: str = "Orchestrator run id"
    run_id: str = ""
    run_id_in_search: str = ""
    run_id_examples: tuple[str, ...] = ()
    # Sentence: why a task completed without an event.
    silent: str = ""
    # Why a parent run skipped a task that could have run.
    skipped: str = "it was not to run this time"
    # True: it skips jobs that need a failed job, and no parent run reports that.
    skips_by_need: bool = False
    # Why tests may have no result.
    tests_without_result: str = ""
    # How to switch on error messages, if the sender sends none by default.
    on_missing_errors: Advice | None = None


DEFAULT_WORDS: Final = Words()


# Try number, allowed number of tries, and map index of a run.
Tries = tuple[int | None, int | None, int | None]
# Parent, tags and schedule of a job, from sender-specific facets. None: not given.
JobDescription = tuple[JobName | None, tuple[str, ...] | None, tuple[str, str] | None]


class Input(Protocol):
    """Input dataset of an event."""

    name: str
    facets: Raw


class SentJob(Struct, frozen=True, gc=False):
    """Job as an event names it, with the parent and the root that the event names."""

    namespace: str
    name: str
    kind: str
    parent: JobName | None
    root: JobName | None
    facets: JobFacets
    inputs: Sequence[Input]


class RunEvent(Struct, frozen=True, gc=False):
    """Run event as received: no name in it is changed or shortened."""

    job_namespace: str
    job_name: str
    event_type: str | None
    run_facets: RunFacets
    job_facets: JobFacets
    inputs: Sequence[Input]
    producer: Raw
    body: bytes


class RunOfTests(NamedTuple):
    """Run that a test's state depends on. `shown_state`: of the run. `job_name`: as received. `producer`: JSON text."""

    event_type: str
    job_name: str
    shown_state: str
    producer: bytes


class TaskStates(Protocol):
    """Task states that a run reports at its end, and the tasks that were skipped before they had a state."""

    @property
    def task_states(self) -> Mapping[str, str]: ...
    @property
    def tasks_without_state(self) -> frozenset[str]: ...


class ReportedStates(NamedTuple):
    """TaskStates, with the integration of the sender that read them."""

    task_states: dict[str, str]
    tasks_without_state: frozenset[str]
    integration: str


class ReadFacet(Protocol):
    """Reads a run facet by name and shape. None if it is absent or broken; pages then show the problem."""

    def __call__(self, name: str, shape: type[Facet], /) -> Facet | None: ...


NO_TRIES: Final[Tries] = (None, None, None)
# Explanation for a task without events.
SILENT: Final = "sent no events; its state is what the DAG run's end says"


def _describe_job(_namespace: str, _name: str, _facets: RunFacets, parent: JobName | None, _: bool) -> JobDescription:
    return parent, None, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Conventions of one sender. The defaults are those of a sender that follows the specification.

    It is a record of functions, not a class with methods: one event calls half a dozen of them, and methods that call
    functions of the room made decoding a tenth slower.
    """

    # Integration → words. The integration of a job decides which sender is used for it.
    integrations: Mapping[str, Words]
    # Word of the producer's URL → integration.
    producers: Mapping[str, str] = field(default_factory=dict)
    # Names of sender-specific facets. `shapes`, `job_shapes`: how each is read; pages show what does not fit.
    run_facets: tuple[str, ...] = ()
    job_facets: tuple[str, ...] = ()
    # Those of `run_facets` that hold the error of a FAIL event, in the shape of the facet `errorMessage`.
    error_facets: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[type[Struct], ...]] = field(default_factory=dict)
    job_shapes: Mapping[str, tuple[type[Struct], ...]] = field(default_factory=dict)
    # Parts of its events that may give something away, beside those of the specification.
    private: Mapping[PrivacyClass, tuple[Path, ...]] = field(default_factory=dict)
    # Code sent as an error message → its meaning.
    error_codes: Mapping[str, str] = field(default_factory=dict)
    # Such a code of a parent run → sentence: why its tasks were skipped.
    skip_codes: Mapping[str, str] = field(default_factory=dict)

    # --- From the sender's own facets in one event ------------------------------------------------------------
    tries: Callable[[RunFacets], Tries] = lambda _: NO_TRIES
    # Tasks that ended, as their parent run reports them. (Facets, error message)
    reported_tasks: Callable[[RunFacets, str | None], tuple[ReportedTask, ...]] = lambda *_: ()
    # Parent, tags and schedule. (Namespace, name, facets, the parent that the run names, whether `tags` was sent)
    describe_job: Callable[[str, str, RunFacets, JobName | None, bool], JobDescription] = _describe_job

    # --- From the sender's own job facets, else by the job's integration ----------------------------------------
    # One name for a job, whatever way it was run, and its parent job. (The job as received) None: as the event says.
    name_and_parent: Callable[[SentJob], tuple[str, JobName | None]] | None = None

    # --- By the job's integration ------------------------------------------------------------------------------
    # True: it may name the job of one run differently on the way (lineage/states/names_of_run.py).
    renames_jobs: bool = False
    # Kind and processing type of a job whose events name none. (Integration, name, whether it has a parent)
    derived_type: Callable[[str, str, bool], tuple[str, str]] = lambda *_: ("JOB", "")
    # Facts of a run, completed from this sender's conventions.
    run_facts: Callable[[RunFacts, JobFacts, RunEvent], RunFacts] = lambda run, *_: run

    # --- From all events of a run, for pages ---------------------------------------------------------------------
    # True: the producer reports test results in this sender's way. (Producer, as JSON text)
    reports_tests: Callable[[bytes], bool] = lambda _: False
    # State of a test that did not succeed; None: the specification's rule applies. (Test, its run, whether any test of
    # that dataset has a result)
    test_state: Callable[[Assertion, RunOfTests, bool], TestState | None] = lambda *_: None
    # Sentence: what failed tests of this run may be in truth; empty: they failed. (The run)
    note_on_failed_tests: Callable[[RunOfTests], str] = lambda _: ""
    # Task states that a run reports; None: none. (Reader of facets, error message)
    reported_states: Callable[[ReadFacet, str | None], ReportedStates | None] = lambda *_: None
    # Links to the sender's pages of the run, the most useful first; None: that facet has none. (Reader of facets)
    links: Callable[[ReadFacet], Iterable[Link | None]] = lambda _: ()
    # Task order of a run; empty if unknown. (Job facets)
    task_graph: Callable[[Mapping[str, object]], TaskGraph] = lambda _: {}
    # Explanations: why a task sent no event, and why a task without a state was skipped. (Task, states, graph)
    why_silent: Callable[[str, TaskStates, TaskGraph], str] = lambda *_: SILENT
    why_without_state: Callable[[str, TaskStates, TaskGraph], str] = lambda *_: DEFAULT_WORDS.skipped
