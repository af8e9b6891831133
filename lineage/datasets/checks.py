"""Test results of datasets: those of the latest run that tested each, with other runs under its parent run, because
some senders run each test by itself."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.reading import NOW, read_rows
from lineage.datasets.aliases import bound_names
from lineage.events.assertions import TEST_STATES, Assertion, TestState
from lineage.events.senders import sender_of
from lineage.events.senders.sender import RunOfTests
from lineage.models import Run

# Results of one name among which those of the latest round are.
MOST_CHECKS: Final = 500


class StoredCheck(NamedTuple):
    """Row of lineage_check, with its run and the integration of its job. `run_state`: None if it is not stored any
    more."""

    connection_id: UUID
    run_id: UUID
    column_name: str
    assertion: str
    name: str
    said_at: datetime
    failed: bool
    has_result: bool
    severity: str
    expected: str
    actual: str
    terminal_type: str | None = None
    run_state: str | None = None
    integration: str | None = None


_OF_CHECK: Final = ", ".join(f"one.{name}" for name in StoredCheck._fields[:11])
_LATEST_ROUNDS: Final = f"""
WITH wanted AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(names)s::uuid[]) AS wanted (id, name)
), latest AS (
    SELECT DISTINCT ON (wanted.id) wanted.id, one.connection_id, one.run_id, run.parent_run_id
    FROM wanted CROSS JOIN LATERAL (
        SELECT * FROM lineage_check AS one
        WHERE one.dataset_id = wanted.name AND one.said_at <= %(at)s AND one.connection_id = ANY(%(connections)s)
        ORDER BY one.said_at DESC, one.id DESC LIMIT 1
    ) AS one
    LEFT JOIN lineage_run AS run ON run.connection_id = one.connection_id AND run.id = one.run_id
    ORDER BY wanted.id, one.said_at DESC, one.id DESC
)
SELECT wanted.id, {_OF_CHECK}, run.terminal_type, run.shown_state, job.integration
FROM wanted JOIN latest ON latest.id = wanted.id
CROSS JOIN LATERAL (
    SELECT * FROM lineage_check AS one
    WHERE one.dataset_id = wanted.name AND one.said_at <= %(at)s AND one.connection_id = latest.connection_id
    ORDER BY one.said_at DESC, one.id DESC LIMIT {MOST_CHECKS}
) AS one
LEFT JOIN lineage_run AS run ON run.connection_id = one.connection_id AND run.id = one.run_id
LEFT JOIN lineage_job AS job ON job.connection_id = run.connection_id AND job.id = run.job_id
WHERE one.run_id = latest.run_id OR run.parent_run_id = latest.parent_run_id
ORDER BY one.said_at DESC, one.id DESC
"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class TestOfDataset:
    """Result of a test. `column`: empty if it tests the table. `run_key`: connection id and id of its run. `run`: None
    if it is not read, or not stored any more."""

    column: str
    assertion: str
    name: str
    state: TestState
    expected: str
    actual: str
    at: datetime
    run_key: tuple[UUID, UUID]
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Tests:
    """Test results of a dataset, failed ones first."""

    results: list[TestOfDataset] = field(default_factory=list)

    @property
    def by_state(self) -> list[tuple[str, int]]:
        states = [test.state for test in self.results]
        return [(state, states.count(state)) for state in TEST_STATES if state in states]

    @property
    def worst(self) -> TestState | None:
        return self.results[0].state if self.results else None

    @property
    def in_trouble(self) -> int:
        return sum(1 for test in self.results if test.state in ("failed", "errored"))

    @property
    def of_table(self) -> list[TestOfDataset]:
        return [test for test in self.results if not test.column]

    def of_columns(self) -> dict[str, list[TestOfDataset]]:
        found: dict[str, list[TestOfDataset]] = {}
        for test in self.results:
            if test.column:
                found.setdefault(test.column, []).append(test)
        return found


def state_of(check: StoredCheck) -> TestState:
    """Return the state of a test, by the rules of its sender."""
    if not check.failed:
        return "passed"
    said = Assertion(
        assertion=check.assertion,
        success=False,
        name=check.name or None,
        severity=check.severity,
        expected=check.expected or None,
        actual=check.actual or None,
    )
    state = None
    if check.run_state is not None:
        # The producer is not stored here: the sender takes it for a version of today.
        of_run = RunOfTests(check.terminal_type or "", "", check.run_state, b"")
        state = sender_of(check.integration or "").test_state(said, of_run, True)
    if state == "errored" and not check.has_result:
        # The name as sent would tell whether it was skipped; it is not stored either.
        return "no result"
    return state or ("warned" if said.only_warns else "failed")


def tests_of(checks: Iterable[StoredCheck]) -> Tests:
    """Return the results of one round; of one test in several of its runs the latest one. `checks`: the latest
    first."""
    decisive: dict[tuple[str, str, str], UUID] = {}
    found = []
    for check in checks:
        run_id = decisive.setdefault((check.column_name, check.assertion, check.name), check.run_id)
        if run_id == check.run_id:
            found.append(_result(check))
    return Tests(sorted(found, key=_importance))


def read_tests(
    names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID], *, at: datetime = NOW
) -> dict[UUID, Tests]:
    """Return dataset id → its test results, without runs. `names`: dataset id → ids of all its names, of each of which
    the latest MOST_CHECKS results are read. One query."""
    if not names:
        return {}
    found: dict[UUID, list[StoredCheck]] = {}
    for id_, *row in read_rows(_LATEST_ROUNDS, {**bound_names(names), "connections": list(connection_ids), "at": at}):
        found.setdefault(id_, []).append(StoredCheck(*row))
    return {id_: tests_of(checks) for id_, checks in found.items()}


def with_runs(tests: Tests, runs: Mapping[tuple[UUID, UUID], Run]) -> Tests:
    """Return the results with their runs. `runs`: by connection id and id."""
    return Tests([replace(test, run=runs.get(test.run_key)) for test in tests.results])


def _result(check: StoredCheck) -> TestOfDataset:
    return TestOfDataset(
        column=check.column_name,
        assertion=check.assertion,
        name=check.name,
        state=state_of(check),
        expected=check.expected,
        actual=check.actual,
        at=check.said_at,
        run_key=(check.connection_id, check.run_id),
    )


def _importance(test: TestOfDataset) -> tuple[int, str, str, str]:
    return TEST_STATES.index(test.state), test.column, test.assertion, test.name
