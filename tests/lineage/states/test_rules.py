"""The rules alone: what a run is shown as, by the rows of its family, without a database."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.runs.finished_ancestor import FinishedAncestor
from lineage.states.rules import (
    GRACE,
    PATIENCE,
    Family,
    FamilyRun,
    Shown,
    lost_after,
    patience_of_job,
    shown,
)

CONNECTION, DAG_RUN, CLEARED, TASK, MODEL, TEST, OTHER, COMMAND = (UUID(int=number) for number in range(101, 109))
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STATE_OF = {None: "RUNNING", "COMPLETE": "COMPLETED", "SKIP": "SKIPPED", "ABORT": "ABORTED"}


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def run(number: int = 1, type_: str | None = None, end: float = 9, **fields: Any) -> FamilyRun:
    """Began at noon. `type_`: of its terminal event, at `end`; None: it runs."""
    own = {
        "id": UUID(int=number),
        "job_id": TASK,
        "state": fields.get("state_from_parent") or STATE_OF.get(type_, "FAILED"),
        "terminal_type": type_,
        "run_at": NOON,
        "started_at": NOON,
        "ended_at": after(end) if type_ else None,
        "last_event_at": after(end),
        "silent_since": after(end),
        **fields,
    }
    return FamilyRun(**{**dict.fromkeys(FamilyRun._fields), "connection_id": CONNECTION, **own})


def report(number: int, state: str, at: float = 60, **fields: Any) -> FamilyRun:
    """Make the row with the DAG run's report on a task, at a time."""
    its = {"parent_run_id": DAG_RUN, "started_at": None, "last_event_at": after(at), **fields}
    return run(number, state_from_parent=state, **its)


def attempt(number: int, type_: str | None = None, **fields: Any) -> FamilyRun:
    """A try of a task."""
    return run(number, type_, **{"attempt": number, "parent_run_id": DAG_RUN, **fields})


def unresolved(number: int, type_: str, *needed: UUID, **fields: Any) -> FamilyRun:
    """A test of dbt whose own event does not say what became of it."""
    its = {"job_id": TEST, "invocation_id": COMMAND, "needed_job_ids": needed, **fields}
    return run(number, type_, **its)


def node(number: int, type_: str, **fields: Any) -> FamilyRun:
    return run(number, type_, **{"job_id": MODEL, "invocation_id": COMMAND, **fields})


def shown_first(*runs: FamilyRun) -> Shown:
    return shown(runs[0], Family(runs))


# --- One family, in any order --------------------------------------------------------------------------------------

TYPES = (None, "COMPLETE", "FAIL", "ABORT", "SKIP", "NO_RESULT", "LONE_NO_RESULT", "GENERIC_RESULTS", "SOME_RESULTS")
JOBS = (TASK, MODEL, TEST)
# Structured mode sends each node by itself, default mode all tests of a node as one.
SHAPES_OF_DBT: tuple[dict[str, Any], ...] = (
    *({"node_id": id_} for id_ in (None, MODEL, TEST)),
    *({"test_ids": ids} for ids in ((), (MODEL,), (MODEL, TEST))),
)


def some_runs(chance: Random) -> list[FamilyRun]:
    """Few parents, jobs, invocations and times, so that the runs contradict one another."""
    found: dict[Any, FamilyRun] = {}
    for number in range(1, chance.randint(2, 9)):
        its = some_report(chance, number) if chance.random() < 0.2 else some_run(chance, number)
        # A DAG run has one row for each task that it tells of.
        found[(its.parent_run_id, its.job_id) if its.state_from_parent else number] = its
    return list(found.values())


def some_report(chance: Random, number: int) -> FamilyRun:
    return report(
        number,
        chance.choice(["COMPLETED", "FAILED", "SKIPPED", "UPSTREAM_FAILED"]),
        at=chance.choice([5, 60]),
        job_id=chance.choice(JOBS),
        parent_run_id=chance.choice([DAG_RUN, CLEARED]),
        duration_from_parent_ms=chance.choice([None, 0, 5000]),
        earlier_parent_run_ids=chance.choice([None, (DAG_RUN,), (DAG_RUN, CLEARED)]),
    )


def some_run(chance: Random, number: int) -> FamilyRun:
    return run(
        number,
        chance.choice(TYPES),
        end=chance.choice([1, 9, 70]),
        job_id=chance.choice(JOBS),
        parent_run_id=chance.choice([None, DAG_RUN, DAG_RUN, CLEARED]),
        attempt=chance.choice([None, 1, 2, 3]),
        map_index=chance.choice([None, None, 0, 1]),
        run_at=after(chance.choice([0, 1])),
        started_at=chance.choice([None, NOON]),
        invocation_id=chance.choice([None, COMMAND, COMMAND]),
        needed_job_ids=chance.choice([None, (), (MODEL,), (MODEL, TASK)]),
        **chance.choice(SHAPES_OF_DBT),
    )


def all_shown(runs: Iterable[FamilyRun]) -> dict[UUID, Shown]:
    family = Family(runs)
    return {its.id: shown(its, family) for its in runs}


# hypothesis takes longer for an example than the rules for a family: each example is many families.
SEEDS = given(seed=st.integers(0, 2**64))
EXAMPLES = settings(max_examples=100, deadline=None)
FAMILIES_OF_EXAMPLE = 30


@EXAMPLES
@SEEDS
def test_the_order_of_the_rows_makes_no_difference(seed: int) -> None:
    chance = Random(seed)
    for _ in range(FAMILIES_OF_EXAMPLE):
        runs = some_runs(chance)
        expected = all_shown(runs)
        for _ in range(3):
            chance.shuffle(runs)
            assert all_shown(runs) == expected


@EXAMPLES
@SEEDS
def test_other_families_make_no_difference(seed: int) -> None:
    chance = Random(seed)
    for _ in range(FAMILIES_OF_EXAMPLE):
        runs, others = some_runs(chance), some_runs(chance)
        both = all_shown([*map(stranger, others), *runs])
        assert {its.id: both[its.id] for its in runs} == all_shown(runs)


def stranger(its: FamilyRun) -> FamilyRun:
    """The run, in another DAG run and another command."""
    apart = {DAG_RUN: UUID(int=201), CLEARED: UUID(int=202), COMMAND: UUID(int=203), None: None}
    return its._replace(
        id=UUID(int=300 + its.id.int),
        parent_run_id=apart[its.parent_run_id],
        invocation_id=apart[its.invocation_id],
        earlier_parent_run_ids=None,
    )


@EXAMPLES
@SEEDS
def test_of_the_runs_of_a_command_one_is_shown_at_least(seed: int) -> None:
    """Hidden are runs that were sent again, and runs of all tests for which single tests are shown."""
    chance = Random(seed)
    for _ in range(FAMILIES_OF_EXAMPLE):
        runs = [its for its in some_runs(chance) if its.invocation_id and its.state_from_parent is None]
        assert not runs or not all(its.is_hidden for its in all_shown(runs).values())


# --- Tasks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", [None, "COMPLETE", "FAIL", "ABORT", "SKIP"])
def test_a_lone_run_is_shown_as_its_own_events_say(type_: str | None) -> None:
    alone = run(1, type_)
    assert shown_first(alone)[:4] == (alone.state, alone.ended_at, False, None)


@pytest.mark.parametrize(
    ("type_", "later", "state"),
    [
        ("FAIL", {"number": 2}, "RETRIED"),
        (None, {"number": 2}, "RETRIED"),
        ("FAIL", {"number": 3, "type_": "FAIL"}, "RETRIED"),
        # What completed or was ended stays so, also where somebody cleared it.
        ("COMPLETE", {"number": 2}, "COMPLETED"),
        ("ABORT", {"number": 2}, "ABORTED"),
        # Other instances, DAG runs and tasks are no tries of it.
        ("FAIL", {"number": 2, "map_index": 0}, "FAILED"),
        ("FAIL", {"number": 2, "parent_run_id": CLEARED}, "FAILED"),
        ("FAIL", {"number": 2, "job_id": OTHER}, "FAILED"),
        ("FAIL", {"number": 2, "attempt": 1}, "FAILED"),
        ("FAIL", {"number": 2, "attempt": None}, "FAILED"),
    ],
)
def test_a_try_that_another_one_follows(type_: str | None, later: dict[str, Any], state: str) -> None:
    assert shown_first(attempt(1, type_), attempt(**later)).state == state


def test_a_try_that_another_one_follows_has_no_end_but_its_own() -> None:
    told = report(9, "FAILED", duration_from_parent_ms=5000)
    assert shown_first(attempt(1), attempt(2), told)[:4] == ("RETRIED", None, False, None)
    assert shown_first(attempt(2), attempt(1), told)[:4] == ("FAILED", after(5), False, None)


@pytest.mark.parametrize(
    ("type_", "end", "told", "state"),
    [
        (None, 9, "COMPLETED", "COMPLETED"),
        (None, 9, "UPSTREAM_FAILED", "UPSTREAM_FAILED"),
        ("FAIL", 9, "COMPLETED", "COMPLETED"),
        ("FAIL", 9, "SKIPPED", "SKIPPED"),
        # A task that skips itself reports COMPLETE.
        ("COMPLETE", 9, "SKIPPED", "SKIPPED"),
        ("COMPLETE", 9, "FAILED", "COMPLETED"),
        ("ABORT", 9, "FAILED", "ABORTED"),
        # It ended after the DAG run told of it.
        ("FAIL", 61, "COMPLETED", "FAILED"),
        ("COMPLETE", 61, "SKIPPED", "COMPLETED"),
    ],
)
def test_what_a_dag_run_says_of_a_task(type_: str | None, end: float, told: str, state: str) -> None:
    task = run(1, type_, end, parent_run_id=DAG_RUN)
    assert shown_first(task, report(2, told)).state == state
    assert shown_first(task, report(2, told, parent_run_id=CLEARED)).state == task.state
    # It says one state for all instances, which tells nothing of any one of them.
    instance = task._replace(map_index=0)
    assert shown_first(instance, report(2, told, duration_from_parent_ms=5000))[:4] == (
        task.state,
        task.ended_at,
        False,
        None,
    )


def test_a_task_that_sent_no_end_ended_when_its_dag_run_says() -> None:
    told = report(2, "FAILED", duration_from_parent_ms=5000)
    assert shown_first(run(1, parent_run_id=DAG_RUN), told).ended_at == after(5)
    assert shown_first(run(1, "FAIL", parent_run_id=DAG_RUN), told).ended_at == after(9)
    assert shown_first(run(1, parent_run_id=DAG_RUN, started_at=None), told).ended_at is None
    assert shown_first(run(1, parent_run_id=DAG_RUN), report(2, "FAILED")).ended_at is None


@pytest.mark.parametrize(
    ("others", "told", "is_hidden"),
    [
        ([], "SKIPPED", False),
        ([run(2, parent_run_id=DAG_RUN)], "FAILED", True),
        ([run(2, parent_run_id=DAG_RUN, map_index=3)], "FAILED", True),
        ([run(2, parent_run_id=CLEARED)], "FAILED", False),
        ([run(2, parent_run_id=DAG_RUN, job_id=OTHER)], "FAILED", False),
        # Of a task that was not cleared, the DAG run before shows it.
        ([run(2, "COMPLETE", parent_run_id=CLEARED)], "COMPLETED", True),
        ([run(2, "COMPLETE", parent_run_id=CLEARED)], "SKIPPED", True),
        # It failed because of that one.
        ([run(2, "COMPLETE", parent_run_id=CLEARED)], "FAILED", False),
        ([run(2, "FAIL", parent_run_id=CLEARED)], "COMPLETED", False),
    ],
)
def test_a_report_is_shown_where_the_task_is_not(others: list[FamilyRun], told: str, is_hidden: bool) -> None:
    row = report(1, told, earlier_parent_run_ids=(CLEARED,))
    assert shown_first(row, *others)[:4] == (told, None, is_hidden, None)


# --- dbt -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "others", "state"),
    [
        # All tests of a model without a result: skipped where the model did not complete.
        ("NO_RESULT", [], "SKIPPED"),
        ("NO_RESULT", [node(2, "FAIL")], "SKIPPED"),
        ("NO_RESULT", [node(2, "COMPLETE")], "FAILED"),
        # A test that is a query: skipped where one of those that it reads failed, or its tests were skipped.
        ("LONE_NO_RESULT", [], "FAILED"),
        ("LONE_NO_RESULT", [node(2, "COMPLETE")], "FAILED"),
        ("LONE_NO_RESULT", [node(2, "FAIL")], "SKIPPED"),
        ("LONE_NO_RESULT", [unresolved(2, "NO_RESULT", MODEL, job_id=OTHER)], "SKIPPED"),
        ("LONE_NO_RESULT", [unresolved(2, "NO_RESULT", MODEL, job_id=OTHER), node(3, "COMPLETE")], "FAILED"),
        # Some have results, none of which failed.
        ("GENERIC_RESULTS", [], "COMPLETED"),
        ("GENERIC_RESULTS", [unresolved(2, "LONE_NO_RESULT", job_id=MODEL)], "FAILED"),
        ("SOME_RESULTS", [], "FAILED"),
        ("SOME_RESULTS", [node(2, "FAIL", job_id=OTHER)], "COMPLETED"),
    ],
)
def test_a_dbt_test_without_a_result(type_: str, others: list[FamilyRun], state: str) -> None:
    test = unresolved(1, type_, MODEL)
    assert shown_first(test, *others).state == state
    # Other commands say nothing of it.
    elsewhere = [other._replace(invocation_id=OTHER) for other in others]
    assert shown_first(test, *elsewhere).state == shown_first(test).state


def test_a_run_that_was_sent_again_is_shown_once_the_earliest_that_ended() -> None:
    first, again, open_ = node(1, "COMPLETE"), node(2, "COMPLETE", run_at=after(5)), node(3, "COMPLETE")
    open_ = open_._replace(ended_at=None, terminal_type=None, state="RUNNING", run_at=after(-5))
    found = all_shown([open_, again, first])
    assert [found[its.id].is_hidden for its in (first, again, open_)] == [False, True, True]
    assert not shown_first(again, first._replace(invocation_id=OTHER)).is_hidden
    assert not shown_first(again, first._replace(job_id=OTHER)).is_hidden


@pytest.mark.parametrize(
    ("tests", "sent", "is_hidden"),
    [
        ((MODEL,), (MODEL,), True),
        ((MODEL, TASK), (MODEL, TASK, OTHER), True),
        # One that has a result was lost.
        ((MODEL, TASK), (MODEL,), False),
        ((MODEL,), (), False),
        # None of them has a result.
        ((), (MODEL,), True),
        ((), (), False),
    ],
)
def test_tests_as_one_run_are_shown_where_one_of_them_is_missing(
    tests: tuple[UUID, ...], sent: tuple[UUID, ...], is_hidden: bool
) -> None:
    together = run(1, "FAIL", job_id=TEST, invocation_id=COMMAND, test_ids=tests)
    single = [node(number, "COMPLETE", job_id=id_, node_id=id_) for number, id_ in enumerate(sent, start=2)]
    found = all_shown([*single, together])
    assert found[together.id].is_hidden is is_hidden
    assert not any(found[its.id].is_hidden for its in single)


# --- Lost ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patience", "finished_at", "expected"),
    [
        (None, None, None),
        (None, after(0), None),
        (PATIENCE, None, after(9) + PATIENCE),
        (PATIENCE, after(60), after(60) + GRACE),
        (PATIENCE, after(30 * 3600), after(9) + PATIENCE),
        (timedelta(days=9), after(30 * 3600), after(30 * 3600) + GRACE),
    ],
)
def test_when_a_run_is_lost(
    patience: timedelta | None, finished_at: datetime | None, expected: datetime | None
) -> None:
    ended = None if finished_at is None else FinishedAncestor(CONNECTION, DAG_RUN, finished_at)
    assert lost_after(run(1), patience=patience, ended=ended) == expected


@pytest.mark.parametrize(
    ("is_endless", "p95", "expected"),
    [
        (True, None, None),
        (True, timedelta(hours=40), None),
        (False, None, timedelta(hours=24)),
        (False, timedelta(hours=6), timedelta(hours=24)),
        (False, timedelta(hours=7), timedelta(hours=28)),
    ],
)
def test_how_long_a_run_is_waited_for(is_endless: bool, p95: timedelta | None, expected: timedelta | None) -> None:
    assert patience_of_job(is_endless=is_endless, p95=p95) == expected
