"""Contents of one run, merged from its event documents: facets, error, row counts, test results. Pure.

Facets accumulate over the events: a later facet replaces an earlier one of its name, and `_deleted` removes it; null is
no facet. Parts that break the specification are listed in `problems`; everything else is still read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from lineage.events import dataset_facets, job_facets
from lineage.events.assertions import Assertion, Assertions, TestRun, TestState
from lineage.events.dependencies import JOB_DEPENDENCIES, JobDependenciesFacet
from lineage.events.document import Name, first_datasets, read_body
from lineage.events.errors import ErrorFacet, RunError, clean, run_error
from lineage.events.event import Direction
from lineage.events.explicit_lineage import LINEAGE, JobLineageFacet
from lineage.events.extraction import EXTRACTION_ERROR, ExtractionErrorFacet, extraction_of, in_words
from lineage.events.facets import (
    NOTHING,
    ExternalQueryFacet,
    NominalTimeFacet,
    ParentFacet,
    RootFacet,
    read_facet,
    time_or_none,
)
from lineage.events.links import MAX_LINKS, Link
from lineage.events.parts import Problem, kind_of
from lineage.events.privacy import DROPPED, HIDDEN
from lineage.events.results_of_tests import TestResult, each_once, in_order
from lineage.events.senders import ERROR_FACETS, GENERIC, SENDERS
from lineage.events.senders.sender import RunOfTests
from lineage.events.subset import SUBSET, SubsetFacet
from lineage.events.subset import in_words as subset_in_words
from lineage.events.text import storable

# Most problems that are kept: a reader needs the first ones.
MAX_PROBLEMS: Final = 1000
_MAX_BIGINT: Final = 2**63 - 1


class _WithFacets(Struct):
    facets: Raw = NOTHING


class _Job(_WithFacets):
    name: str = ""


class _Dataset(Struct):
    namespace: Name
    name: Name
    facets: Raw = NOTHING
    inputFacets: Raw = NOTHING
    outputFacets: Raw = NOTHING


class _Document(Struct):
    eventType: str | None = None
    producer: Raw = NOTHING
    run: _WithFacets = msgspec.field(default_factory=_WithFacets)
    job: _Job = msgspec.field(default_factory=_Job)
    hidden: list[str] = msgspec.field(name=HIDDEN, default_factory=list)
    dropped: list[str] = msgspec.field(name=DROPPED, default_factory=list)
    inputs: list[_Dataset] | None = None
    outputs: list[_Dataset] | None = None


class _Deletable(Struct):
    deleted: bool | None = msgspec.field(name="_deleted", default=None)


_document_decoder: Final = msgspec.json.Decoder(_Document)
_Count = Annotated[int, Meta(ge=0, le=_MAX_BIGINT)]


class _Statistics(Struct):
    rowCount: _Count | None = None
    size: _Count | None = None
    fileCount: _Count | None = None


# Facet → the shapes in which it is read. What does not fit one of them is a problem.
_Shapes = Mapping[str, tuple[type[Struct], ...]]
_OF_RUNS: Final[_Shapes] = {
    "parent": (ParentFacet, RootFacet),
    "parentRun": (ParentFacet, RootFacet),
    "nominalTime": (NominalTimeFacet,),
    "errorMessage": (ErrorFacet,),
    "externalQuery": (ExternalQueryFacet,),
    "test": (TestRun,),
    LINEAGE: (JobLineageFacet,),
    EXTRACTION_ERROR: (ExtractionErrorFacet,),
    JOB_DEPENDENCIES: (JobDependenciesFacet,),
    **{name: shapes for sender in SENDERS for name, shapes in sender.shapes.items()},
}
_OF_JOBS: Final[_Shapes] = {
    **{name: (shape,) for name, shape in job_facets.SHAPES.items()},
    LINEAGE: (JobLineageFacet,),
    **{name: shapes for sender in SENDERS for name, shapes in sender.job_shapes.items()},
}
_OF_DATASETS: Final[_Shapes] = {
    **{name: (shape,) for name, shape in dataset_facets.SHAPES.items()},
    SUBSET: (SubsetFacet,),
}
_LISTS: Final = {"READS": "inputs", "WRITES": "outputs"}
_STATISTICS: Final = {"READS": "inputStatistics", "WRITES": "outputStatistics"}


@dataclass(frozen=True, slots=True)
class Statistics:
    """Row count, size in bytes and file count of a dataset, as the run read or wrote it. None: not reported."""

    row_count: int | None
    size: int | None
    file_count: int | None


@dataclass(slots=True)
class RunContents:
    """Merged contents of one run's events.

    `run_facets` and `job_facets`: facet name → value. `statistics`: (direction, namespace, name) → statistics.
    """

    run_facets: dict[str, Any] = field(default_factory=dict)
    job_facets: dict[str, Any] = field(default_factory=dict)
    error: RunError | None = None
    statistics: dict[tuple[Direction, str, str], Statistics] = field(default_factory=dict)
    # The same key → the part of the dataset that was touched, in words.
    subsets: dict[tuple[Direction, str, str], str] = field(default_factory=dict)
    # `incomplete: 2 of 5 statements`; empty: the sender found out what all of them read and write.
    extraction: str = ""
    tests: list[TestResult] = field(default_factory=list)
    # What tests that are shown as failed may be in truth; empty: they failed.
    note_on_failed_tests: str = ""
    # Task id → the sender's own state of a task of this run. Some tasks send no events.
    task_states: dict[str, str] = field(default_factory=dict)
    # Tasks that were skipped when the run ended, before they had a state.
    tasks_without_state: frozenset[str] = frozenset()
    # The integration whose sender reported tasks; empty if none did.
    tasks_reported_by: str = ""
    # Ways to the sender's pages of this run.
    links: list[Link] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # Parts that this reader may not see, and parts that were removed before the events were stored: `job.facets.sql`.
    hidden: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    # True: not all events of the run were read.
    is_cut: bool = False


class _Facet(NamedTuple):
    """Facet as an event gave it, and its path in that event."""

    raw: Raw
    path: str


_Facets = dict[str, _Facet]
_DatasetKey = tuple[Direction, str, str]
Value = TypeVar("Value")


def contents_of(bodies: Iterable[str], *, state: str = "") -> RunContents:
    """Merge the documents of one run.

    `bodies`: JSON documents, sorted by event time. `state`: the shown state of the run, which may come from other runs.
    """
    return _Fold(bodies, state).contents()


class _Fold:
    """Keeps the last value of each facet as undecoded text, so that each facet is decoded once."""

    def __init__(self, bodies: Iterable[str], state: str) -> None:
        self.state = state
        self.event_type, self.job_name = "", ""
        self.problems: dict[Problem, None] = {}
        self.hidden: dict[str, None] = {}
        self.dropped: dict[str, None] = {}
        self.run: _Facets = {}
        self.job: _Facets = {}
        # Of FAIL events.
        self.errors: _Facets = {}
        self.datasets: dict[_DatasetKey, _Facets] = {}
        # The sender that reports test results, and the producer of its events.
        self.tester, self.producer = GENERIC, b""
        for body in bodies:
            document = read_body(body.encode(), _document_decoder, self._report)
            if document is not None:
                self._add(document)

    def _add(self, document: _Document) -> None:
        self.event_type, self.job_name = document.eventType or self.event_type, document.job.name
        producer = bytes(document.producer)
        if (tester := next((sender for sender in SENDERS if sender.reports_tests(producer)), None)) is not None:
            self.tester, self.producer = tester, producer
        self.hidden |= dict.fromkeys(document.hidden)
        self.dropped |= dict.fromkeys(document.dropped)
        self._merge(self.run, document.run.facets, "run.facets")
        self._merge(self.job, document.job.facets, "job.facets")
        if document.eventType == "FAIL":
            self.errors |= {name: self.run[name] for name in ERROR_FACETS if name in self.run}
        inputs, outputs = first_datasets(document.inputs, document.outputs, self._report)
        for dataset in inputs:
            self._add_dataset("READS", dataset)
        for dataset in outputs:
            self._add_dataset("WRITES", dataset)

    def _add_dataset(self, direction: Direction, dataset: _Dataset) -> None:
        key = direction, storable(dataset.namespace), storable(dataset.name)
        known, path = self.datasets.setdefault(key, {}), f"{_LISTS[direction]}[{key[2]}]"
        self._merge(known, dataset.facets, f"{path}.facets")
        self._merge(known, dataset.inputFacets, f"{path}.inputFacets")
        self._merge(known, dataset.outputFacets, f"{path}.outputFacets")

    def _merge(self, known: _Facets, raw: Raw, path: str) -> None:
        """Add the facets of one event. A broken one does not replace one that can be read."""
        if raw is NOTHING:
            return
        for name, facet in (self._decoded(raw, dict[str, Raw], path) or {}).items():
            sent, kind = _Facet(facet, f"{path}.{name}"), kind_of(facet)
            if kind == "an object":
                known[name] = sent
            elif kind != "null":
                self._report(Problem(sent.path, f"Expected an object, got {kind}"))
                known.setdefault(name, sent)

    def contents(self) -> RunContents:
        made = RunContents(run_facets=self._values(self.run), job_facets=self._values(self.job))
        made.error = self._error()
        made.extraction = self._extraction()
        for sender in SENDERS:
            states = sender.reported_states(self._read_run_facet, made.error.message if made.error else None)
            if states is not None:
                made.task_states, made.tasks_without_state, made.tasks_reported_by = states
        made.links = self._links()
        self._check(self.run, _OF_RUNS)
        self._check(self.job, _OF_JOBS)
        self._check_times()
        results = []
        for key, facets in self.datasets.items():
            statistics = self._known(facets, _STATISTICS[key[0]], _Statistics)
            if statistics is not None:
                made.statistics[key] = Statistics(statistics.rowCount, statistics.size, statistics.fileCount)
            if subset := subset_in_words(self._known(facets, SUBSET, SubsetFacet)):
                made.subsets[key] = subset
            results.append(self._results(key, facets))
            self._check(facets, _OF_DATASETS)
        # Some senders report tests in both facets; the assertions of datasets win.
        made.tests = in_order(each_once(results) or self._executed())
        if any(test.state == "failed" for test in made.tests):
            made.note_on_failed_tests = self.tester.note_on_failed_tests(self._run_of_tests())
        made.problems = list(self.problems)
        made.hidden, made.dropped = sorted(self.hidden), sorted(self.dropped)
        return made

    def _links(self) -> list[Link]:
        """Collect the links that any sender finds, each URL once."""
        found = (link for sender in SENDERS for link in sender.links(self._read_run_facet))
        by_url: dict[str, Link] = {}
        for one in filter(None, found):
            by_url.setdefault(one.url, one)
        return list(by_url.values())[:MAX_LINKS]

    def _error(self) -> RunError | None:
        error = run_error(self._known(self.run, "errorMessage", ErrorFacet))
        others = (run_error(self._known(self.errors, name, ErrorFacet)) for name in ERROR_FACETS)
        return error or next(filter(None, others), None)

    def _extraction(self) -> str:
        facets = (one[EXTRACTION_ERROR].raw for one in (self.run, self.job) if EXTRACTION_ERROR in one)
        found = extraction_of(*facets)
        return in_words(found) if found else ""

    def _check(self, facets: _Facets, shapes: _Shapes) -> None:
        """Report what does not fit the shapes in which facets are read."""
        for name, shapes_of_facet in shapes.items():
            for shape in shapes_of_facet:
                self._known(facets, name, shape)

    def _check_times(self) -> None:
        times = self._known(self.run, "nominalTime", NominalTimeFacet) or NominalTimeFacet()
        for name in ("nominalStartTime", "nominalEndTime"):
            if (text := getattr(times, name)) and time_or_none(text) is None:
                self._report(Problem(f"run.facets.nominalTime.{name}", "Expected an ISO 8601 time"))

    def _results(self, key: _DatasetKey, facets: _Facets) -> Iterator[TestResult]:
        _, namespace, dataset = key
        facet = self._known(facets, "dataQualityAssertions", Assertions)
        assertions = facet.assertions if facet else []
        has_results = not all(assertion.has_no_result for assertion in assertions)
        for assertion in assertions:
            yield TestResult(
                namespace=namespace,
                dataset=dataset,
                assertion=assertion.assertion,
                name=assertion.name or "",
                column=assertion.column or "",
                state=self._state(assertion, has_results=has_results),
                actual=_words(assertion.actual),
                expected=_words(assertion.expected),
            )

    def _executed(self) -> Iterator[TestResult]:
        """Read results from the facet `test` of a run that is a test."""
        facet = self._known(self.run, "test", TestRun)
        [(_, namespace, dataset)] = self.datasets if len(self.datasets) == 1 else [("", "", "")]
        for test in facet.tests if facet else ():
            assertion = Assertion(
                test.type or "", test.status == "pass", test.name, None, test.severity, test.actual, test.expected
            )
            yield TestResult(
                namespace=namespace,
                dataset=dataset,
                assertion=assertion.assertion,
                name=test.name,
                column="",
                state="skipped" if test.status == "skip" else self._state(assertion, has_results=False),
                actual=_words(test.actual),
                expected=_words(test.expected),
            )

    def _state(self, assertion: Assertion, *, has_results: bool) -> TestState:
        if assertion.success:
            return "passed"
        state = self.tester.test_state(assertion, self._run_of_tests(), has_results)
        return state or ("warned" if assertion.only_warns else "failed")

    def _run_of_tests(self) -> RunOfTests:
        return RunOfTests(self.event_type, self.job_name, self.state, self.producer)

    def _read_run_facet(self, name: str, shape: type[Value]) -> Value | None:
        return self._known(self.run, name, shape)

    def _values(self, facets: _Facets) -> dict[str, Any]:
        """Decode facets, sorted by name, without deleted ones."""
        return {
            name: self._decoded(facet.raw, Any, facet.path)
            for name, facet in sorted(facets.items())
            if not _is_deleted(facet)
        }

    def _known(self, facets: _Facets, name: str, shape: type[Value]) -> Value | None:
        facet = facets.get(name)
        if facet is None or kind_of(facet.raw) != "an object" or _is_deleted(facet):
            return None
        return self._decoded(facet.raw, shape, facet.path)

    def _decoded(self, raw: Raw, shape: type[Value], path: str) -> Value | None:
        return read_facet(raw, shape, self._report, path)

    def _report(self, problem: Problem) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.setdefault(problem)


def _is_deleted(facet: _Facet) -> bool:
    read = read_facet(facet.raw, _Deletable)
    return read is not None and read.deleted is True


def _words(value: Any) -> str:
    if value is None or isinstance(value, str):
        return clean(value or "")
    return msgspec.json.encode(value).decode()
