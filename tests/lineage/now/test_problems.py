"""Problems are grouped by cause: the innermost run, and with it all that fails for one reason."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineage.now.histories import PastRun, recovery_of, streak_of
from lineage.now.problems import ProblemKind, ProblemRun, causes, normalised_error

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONNECTION = uuid.UUID(int=1)
DAG_RUN = uuid.UUID(int=100)


def run(name: str, error: str = "Boom.", *, minutes: int = 0, state: str = "FAILED", **fields: Any) -> ProblemRun:
    at = NOON + minutes * MINUTE
    id_ = fields.pop("id", None) or uuid.uuid4()
    defaults: dict[str, Any] = {
        "connection_id": CONNECTION,
        "job_id": uuid.uuid5(CONNECTION, name),
        "job_name": name,
        "job_kind": "TASK",
        "owners": [],
        "run_id": id_,
        "shares_run_id": False,
        "map_index": None,
        "parent_run_id": None,
        "parent_job_name": "",
    }
    times = {"run_at": at, "started_at": at, "ended_at": at, "last_event_at": at}
    return ProblemRun(**{**defaults, **times, "id": id_, "state": state, "error": error, **fields})


def task(name: str, error: str = "Boom.", **fields: Any) -> ProblemRun:
    return run(f"shop.{name}", error, parent_run_id=DAG_RUN, parent_job_name="shop", **fields)


def groups(*runs: ProblemRun) -> list[list[str]]:
    return [[run.job_name for run in (cause.run, *cause.others)] for cause in causes(runs)]


def test_the_failed_task_is_the_cause_and_not_its_dag() -> None:
    dag = run("shop", "A task failed", run_id=DAG_RUN, job_kind="DAG", minutes=2)
    assert groups(dag, task("load")) == [["shop.load"]]
    # Another DAG's run, and a DAG of which no task failed.
    assert groups(dag) == [["shop"]]
    assert groups(run("other", run_id=uuid.uuid4()), task("load")) == [["other"], ["shop.load"]]


def test_a_failure_is_not_left_out_for_a_run_that_was_lost() -> None:
    dag = run("shop", "A task failed", run_id=DAG_RUN, minutes=2)
    lost = task("load", "", state="LOST")
    assert groups(dag, lost) == [["shop.load"], ["shop"]]
    assert groups(dag._replace(state="LOST"), lost) == [["shop.load"]]
    assert groups(dag._replace(state="LOST"), task("load")) == [["shop.load"]]


def test_two_jobs_under_one_run_id_do_not_explain_each_other() -> None:
    shared = uuid.uuid4()
    spark_task, application = task("spark", run_id=shared), run("application", run_id=shared)
    inner = run("query", "Out of memory", parent_run_id=shared, parent_job_name="application")
    assert groups(spark_task, application, inner) == [["query"], ["shop.spark"]]


def test_what_fails_with_one_error_under_one_parent_folds_under_the_first() -> None:
    first, second = task("a", "No column 1\nLINE 4", minutes=1), task("b", "No column 22\nLINE 9", minutes=2)
    other_reason, other_parent = task("c", "Timeout", minutes=3), run("d", "No column 1\nLINE 4", minutes=4)
    assert groups(second, other_parent, other_reason, first) == [["shop.a", "shop.b"], ["shop.c"], ["d"]]


def test_runs_without_an_error_do_not_fold() -> None:
    assert groups(task("a", ""), task("b", "")) == [["shop.a"], ["shop.b"]]


def test_instances_of_a_mapped_task_fold_by_error() -> None:
    instances = [
        task("load", error, map_index=number, minutes=number)
        for number, error in enumerate(["Boom.", "Boom.", "No disk"])
    ]
    assert [len(cause.others) for cause in causes(instances)] == [1, 0]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Timeout after 3.5 s", "Timeout after 12 s", True),
        ("Job 6c8e9958-efbd-4447-b31b-586e2f016708 failed", "Job 11111111-efbd-4447-b31b-586e2f016708 failed", True),
        ("Database Error in model a\n  no column x", "Database Error in model b\n  no column x", True),
        ("Database Error in model a\n  no column x", "Database Error in model b\n  no table y", False),
        ("Traceback (most recent call last):\n  one\nKeyError: 'x'", "KeyError: 'x'", True),
        ("KeyError: 'x'", "KeyError: 'y'", False),
    ],
)
def test_normalised_errors(one: str, other: str, is_same: bool) -> None:
    assert (normalised_error(task("a", one)) == normalised_error(task("b", other))) == is_same


def test_kinds_and_owners() -> None:
    (cause,) = causes([task("a", owners=["finance"]), task("b", owners=["finance", "sales"], minutes=1)])
    assert cause.kind is ProblemKind.FAILING
    assert cause.owners == ["finance", "sales"]
    assert causes([task("a", state="RUNNING")])[0].kind is ProblemKind.SLOW


def history(states: str) -> list[PastRun]:
    """Make a run each minute: Completed, Failed, Lost, Skipped, Running."""
    names = {"C": "COMPLETED", "F": "FAILED", "L": "LOST", "S": "SKIPPED", "R": "RUNNING"}
    return [PastRun(names[one], NOON + n * MINUTE, NOON + n * MINUTE) for n, one in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "since", "failures", "is_whole"),
    [("CCFF", 2, 2, True), ("FCSFLR", 3, 2, True), ("FSF", 0, 2, False)],
)
def test_a_streak_began_after_the_last_run_that_completed(
    states: str, since: int, failures: int, is_whole: bool
) -> None:
    assert streak_of(history(states)) == (NOON + since * MINUTE, failures, is_whole)


def test_no_streak() -> None:
    assert streak_of(history("CFC")) is None
    assert streak_of([]) is None


def test_a_recovery_is_the_first_run_that_completed_after_a_streak() -> None:
    found = recovery_of(history("CFSFCC"))
    assert found
    assert (found.at, found.after, found.streak.failures) == (NOON + 4 * MINUTE, 3 * MINUTE, 2)
    assert recovery_of(history("CFF")) is None
    assert recovery_of(history("FCCF")) is None
    assert recovery_of(history("CC")) is None
