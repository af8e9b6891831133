"""Test results of datasets: those of the latest run that tested each, with other runs under its parent run, because
some senders run each test by itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from lineage.datasets.writes import read_runs
from lineage.events.assertions import TEST_STATES, Assertion, TestState
from lineage.events.senders import sender_of
from lineage.events.senders.sender import RunOfTests
from lineage.models import Check, Job, Run

MOST_CHECKS: Final = 500
Key = tuple[UUID, UUID]  # connection id, run id

_LATEST: Final = """
SELECT latest.id FROM unnest(%s::uuid[]) AS wanted (dataset_id)
CROSS JOIN LATERAL (
    SELECT one.id FROM lineage_check AS one
    WHERE one.dataset_id = wanted.dataset_id AND one.connection_id = ANY(%s)
    ORDER BY one.said_at DESC LIMIT %s
) AS latest
"""


class TestedRun(NamedTuple):
    """Run that tested a dataset. `round_id`: its parent run, else itself."""

    connection_id: UUID
    run_id: UUID
    round_id: UUID


@dataclass(frozen=True, slots=True)
class TestOfDataset:
    """Result of a test. `column`: empty if it tests the table. `run`: None if it is not stored any more."""

    column: str
    assertion: str
    name: str
    state: TestState
    expected: str
    actual: str
    at: datetime
    run: Run | None


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


def state_of(check: Check, run: Run | None, integration: str) -> TestState:
    """Return the state of a test, by the rules of its sender. `integration`: of the job of the run."""
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
    if run is not None:
        # The producer is not stored here: the sender takes it for a version of today.
        of_run = RunOfTests(run.terminal_type or "", "", run.shown_state, b"")
        state = sender_of(integration).test_state(said, of_run, True)
    if state == "errored" and not check.has_result:
        # The name as sent would tell whether it was skipped; it is not stored either.
        return "no result"
    return state or ("warned" if said.only_warns else "failed")


def latest_round(checks: Sequence[Check], runs: Mapping[Key, Run]) -> list[Check]:
    """Return the checks of the latest round; of one test in several of its runs the latest result.

    `checks`: of one dataset, the latest first.
    """
    if not checks:
        return []
    latest = _round_of(checks[0], runs)
    decisive: dict[tuple[str, str, str], UUID] = {}
    found = []
    for check in checks:
        if _round_of(check, runs) == latest:
            run_id = decisive.setdefault((check.column_name, check.assertion, check.name), check.run_id)
            if run_id == check.run_id:
                found.append(check)
    return found


def _round_of(check: Check, runs: Mapping[Key, Run]) -> TestedRun:
    run = runs.get((check.connection_id, check.run_id))
    parent = run.parent_run_id if run else None
    return TestedRun(check.connection_id, check.run_id if parent is None else UUID(int=0), parent or check.run_id)


def read_tests(
    names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID], most: int = MOST_CHECKS
) -> dict[UUID, Tests]:
    """Return dataset id → its test results. `names`: dataset id → ids of all its names, of each of which `most` results
    are read. Four queries."""
    ids = {id_ for of_one in names.values() for id_ in of_one}
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [list(ids), list(connection_ids), most])
        check_ids = [id_ for (id_,) in cursor.fetchall()]
    rows = Check.objects.filter(connection_id__in=connection_ids, id__in=check_ids) if check_ids else ()
    checks = sorted(rows, key=lambda one: (one.said_at, one.id), reverse=True)
    runs = read_runs((check.connection_id, check.run_id) for check in checks)
    found = {id_: latest_round([one for one in checks if one.dataset_id in ids], runs) for id_, ids in names.items()}
    jobs = Job.objects.filter(
        connection_id__in={run.connection_id for run in runs.values()}, id__in={run.job_id for run in runs.values()}
    )
    integrations = dict(jobs.values_list("id", "integration")) if runs else {}
    return {
        id_: Tests(sorted((_result(check, runs, integrations) for check in of_dataset), key=_importance))
        for id_, of_dataset in found.items()
        if of_dataset
    }


def _result(check: Check, runs: Mapping[Key, Run], integrations: Mapping[UUID, str]) -> TestOfDataset:
    run = runs.get((check.connection_id, check.run_id))
    return TestOfDataset(
        column=check.column_name,
        assertion=check.assertion,
        name=check.name,
        state=state_of(check, run, integrations.get(run.job_id, "") if run else ""),
        expected=check.expected,
        actual=check.actual,
        at=check.said_at,
        run=run,
    )


def _importance(test: TestOfDataset) -> tuple[int, str, str, str]:
    return TEST_STATES.index(test.state), test.column, test.assertion, test.name
