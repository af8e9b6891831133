"""What the documents of one run say together: facets, error, row counts, test results. Pure.

Facets accumulate: the union over the events, a later one beats an earlier one of the same name, and one that says
`_deleted` removes it. What is not as the specification has it is told in `problems`, beside what could be read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from lineage.events.assertions import TEST_STATES, Assertion, Assertions, TestRun, TestState
from lineage.events.event import Direction
from lineage.events.facets import (
    NOTHING,
    ErrorMessageFacet,
    ExternalQueryFacet,
    NominalTimeFacet,
    ParentFacet,
)
from lineage.events.job_facets import JobTypeFacet
from lineage.events.senders import GENERIC, SENDERS
from lineage.events.senders.sender import RunOfTests
from lineage.events.text import without_lone_surrogates


class _Whole(Struct):
    facets: Raw = NOTHING


class _Job(_Whole):
    name: str = ""


class _Dataset(Struct):
    namespace: str
    name: str
    facets: Raw = NOTHING
    inputFacets: Raw = NOTHING
    outputFacets: Raw = NOTHING


class _Document(Struct):
    eventType: str | None = None
    producer: Raw = NOTHING
    run: _Whole = msgspec.field(default_factory=_Whole)
    job: _Job = msgspec.field(default_factory=_Job)
    inputs: list[_Dataset] | None = None
    outputs: list[_Dataset] | None = None


class ErrorFacet(ErrorMessageFacet):
    programmingLanguage: str | None = None
    stackTrace: str | None = None


class _Statistics(Struct):
    rowCount: int | None = None
    size: int | None = None
    fileCount: int | None = None


_SHAPES: dict[str, dict[str, type[Struct]]] = {
    "run": {
        "parent": ParentFacet,
        "nominalTime": NominalTimeFacet,
        "errorMessage": ErrorFacet,
        "externalQuery": ExternalQueryFacet,
        **{name: shape for sender in SENDERS for name, shape in sender.shapes.items()},
    },
    "job": {"jobType": JobTypeFacet},
    "dataset": {
        "inputStatistics": _Statistics,
        "outputStatistics": _Statistics,
        "dataQualityAssertions": Assertions,
    },
}
_STATISTICS = {"READS": "inputStatistics", "WRITES": "outputStatistics"}


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a dataset, as the run read or wrote it. `size` is in bytes. None: not said."""

    row_count: int | None
    size: int | None
    file_count: int | None


@dataclass(frozen=True, slots=True)
class TestResult:
    """One assertion on a dataset, as the run found it."""

    __test__ = False  # it is no test of pytest's

    namespace: str
    dataset: str
    # What was asserted, such as `not_null`, and what the test is called, if anything.
    assertion: str
    name: str
    column: str
    state: TestState
    actual: str
    expected: str


@dataclass(frozen=True, slots=True)
class RunError:
    message: str
    programming_language: str
    stack_trace: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of an event that is not as the specification has it."""

    path: str
    message: str


@dataclass(slots=True)
class RunContents:
    """`run_facets` and `job_facets`: name → value, by name. `statistics`: by direction, namespace and name."""

    run_facets: dict[str, Any] = field(default_factory=dict)
    job_facets: dict[str, Any] = field(default_factory=dict)
    error: RunError | None = None
    statistics: dict[tuple[Direction, str, str], Statistics] = field(default_factory=dict)
    tests: list[TestResult] = field(default_factory=list)
    # The sender's own states of the run's tasks, by task id; some of them send no events.
    task_states: dict[str, str] = field(default_factory=dict)
    # Tasks that were skipped as the run ended, before they had a state.
    tasks_without_state: frozenset[str] = frozenset()
    # The integration whose sender told of tasks; empty: none did.
    tasks_told_by: str = ""
    problems: list[Problem] = field(default_factory=list)


_Facets = dict[str, Raw]
_DatasetKey = tuple[Direction, str, str]
Value = TypeVar("Value")


def contents_of(bodies: Iterable[str], *, state: str = "") -> RunContents:
    """`bodies`: documents of one run, by event time. `state`: what the run is shown as, where other runs tell it."""
    return _Fold(bodies, state).contents()


def in_order(tests: Iterable[TestResult]) -> list[TestResult]:
    """Failed ones first."""
    return sorted(tests, key=lambda test: (TEST_STATES.index(test.state), test.dataset, test.name))


class _Fold:
    """The last of each facet, still as text: only those are decoded."""

    def __init__(self, bodies: Iterable[str], state: str) -> None:
        self.state = state
        self.event_type, self.job_name = "", ""
        self.problems: dict[Problem, None] = {}
        self.run: _Facets = {}
        self.job: _Facets = {}
        self.datasets: dict[_DatasetKey, _Facets] = {}
        # Who says what became of tests.
        self.tester = GENERIC
        for body in bodies:
            document = self._decoded(body.encode(), _Document, "event")
            if document is not None:
                self._add(document)

    def _add(self, document: _Document) -> None:
        self.event_type, self.job_name = document.eventType or self.event_type, document.job.name
        producer = bytes(document.producer)
        self.tester = next((sender for sender in SENDERS if sender.reports_tests(producer)), self.tester)
        self.run |= self._facets(document.run.facets, "run.facets")
        self.job |= self._facets(document.job.facets, "job.facets")
        for direction, datasets in (("READS", document.inputs), ("WRITES", document.outputs)):
            for dataset in datasets or ():
                key: _DatasetKey = (direction, dataset.namespace, dataset.name)  # type: ignore[assignment]
                known = self.datasets.setdefault(key, {})
                for name in ("facets", "inputFacets", "outputFacets"):
                    known |= self._facets(getattr(dataset, name), f"{dataset.name}.{name}")

    def contents(self) -> RunContents:
        made = RunContents(run_facets=self._values(self.run, "run"), job_facets=self._values(self.job, "job"))
        error = self._known(self.run, "run", "errorMessage", ErrorFacet)
        if error is not None:
            made.error = RunError(error.message, error.programmingLanguage or "", error.stackTrace or "")
        for sender in SENDERS:
            told = sender.told_states(self._of_run, error.message if error else None)
            if told is not None:
                made.task_states, made.tasks_without_state, made.tasks_told_by = told
        for name, shape in _SHAPES["run"].items():
            self._known(self.run, "run", name, shape)
        self._known(self.job, "job", "jobType", JobTypeFacet)
        results: dict[tuple[str, ...], TestResult] = {}
        for key, facets in self.datasets.items():
            statistics = self._known(facets, key[2], _STATISTICS[key[0]], _Statistics)
            if statistics is not None:
                made.statistics[key] = Statistics(statistics.rowCount, statistics.size, statistics.fileCount)
            results |= self._results(key, facets)
        # Some senders say it in both ways.
        made.tests = in_order(results.values() or self._executed())
        made.problems = list(self.problems)
        return made

    def _results(self, key: _DatasetKey, facets: _Facets) -> dict[tuple[str, ...], TestResult]:
        _, namespace, dataset = key
        facet = self._known(facets, dataset, "dataQualityAssertions", Assertions)
        assertions = facet.assertions if facet else []
        has_results = not all(said.has_no_result for said in assertions)
        return {
            (namespace, dataset, said.assertion, said.name or "", said.column or ""): TestResult(
                namespace=namespace,
                dataset=dataset,
                assertion=said.assertion,
                name=said.name or "",
                column=said.column or "",
                state=self._state(said, has_results=has_results),
                actual=_words(said.actual),
                expected=_words(said.expected),
            )
            for said in assertions
        }

    def _executed(self) -> Iterator[TestResult]:
        """What the facet `test` says of a run that is a test."""
        facet = self._known(self.run, "run", "test", TestRun)
        [(_, namespace, dataset)] = self.datasets if len(self.datasets) == 1 else [("", "", "")]
        for test in facet.tests if facet else ():
            said = Assertion(
                test.type or "", test.status == "pass", test.name, None, test.severity, test.actual, test.expected
            )
            yield TestResult(
                namespace=namespace,
                dataset=dataset,
                assertion=said.assertion,
                name=test.name,
                column="",
                state="skipped" if test.status == "skip" else self._state(said, has_results=False),
                actual=_words(test.actual),
                expected=_words(test.expected),
            )

    def _state(self, said: Assertion, *, has_results: bool) -> TestState:
        if said.success:
            return "passed"
        run = RunOfTests(self.event_type, self.job_name, self.state)
        state = self.tester.test_state(said, run, has_results)
        return state or ("warned" if said.only_warns else "failed")

    def _of_run(self, name: str, shape: type[Value]) -> Value | None:
        return self._known(self.run, "run", name, shape)

    def _facets(self, raw: Raw, path: str) -> _Facets:
        return {} if bytes(raw) == b"null" else self._decoded(raw, _Facets, path) or {}

    def _values(self, facets: _Facets, path: str) -> dict[str, Any]:
        """Those that are not deleted, decoded, by name."""
        values = {}
        for name in sorted(facets):
            value = self._decoded(facets[name], Any, f"{path}.facets.{name}")
            if isinstance(value, dict) and value.get("_deleted") is True:
                continue
            if value is not None and not isinstance(value, dict):
                self._tell(f"{path}.facets.{name}", f"Expected `object`, got `{type(value).__name__}`")
            values[name] = value
        return values

    def _known(self, facets: _Facets, path: str, name: str, shape: type[Value]) -> Value | None:
        raw = facets.get(name)
        if raw is None or bytes(raw) == b"null":
            return None
        deleted = self._decoded(raw, dict[str, Any], f"{path}.facets.{name}")
        if deleted is None or deleted.get("_deleted") is True:
            return None
        known: Value | None = self._decoded(raw, shape, f"{path}.facets.{name}")
        return known

    def _decoded(self, text: bytes | Raw, shape: Any, path: str) -> Any:
        try:
            try:
                return msgspec.json.decode(text, type=shape)
            except msgspec.ValidationError:
                raise
            except msgspec.DecodeError:
                return msgspec.json.decode(without_lone_surrogates(bytes(text)), type=shape)
        except (msgspec.DecodeError, RecursionError) as error:
            self._tell(path, "It is nested too deeply to be shown" if isinstance(error, RecursionError) else str(error))
            return None

    def _tell(self, path: str, message: str) -> None:
        self.problems.setdefault(Problem(path, message))


def _words(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()
