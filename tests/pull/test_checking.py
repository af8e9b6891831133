"""Comparison of what a system lists with what is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineage.models import Run
from pull.checking import check
from pull.comparison import StateCount, compare
from pull.http.faults import Fault
from pull.sources.fetched import ListedRun
from tests.pull.airflow.replay import NOW, Replay, replayed
from tests.pull.conftest import ALLOWED, fetch, set_up

SINCE = datetime(2026, 12, 1, tzinfo=UTC)
FETCHED_UNTIL = SINCE + timedelta(hours=10)


def listed(name: str, state: str, hour: int = 1) -> ListedRun:
    return ListedRun("daily", name, state, SINCE + timedelta(hours=hour))


def compared(runs: list[ListedRun], stored: dict[str, str], *, is_whole: bool = True) -> Any:
    named = {("daily", name): state for name, state in stored.items()}
    return compare(runs, named, since=SINCE, fetched_until=FETCHED_UNTIL, is_whole=is_whole)


def test_equal_runs() -> None:
    found = compared(
        [listed("a", "COMPLETED"), listed("b", ""), listed("c", "RUNNING")], {"a": "COMPLETED", "c": "LOST"}
    )
    assert found.agrees
    assert found.is_whole
    assert found.counts == [
        StateCount("", 1, 1),
        StateCount("COMPLETED", 1, 1),
        StateCount("LOST", 0, 1),
        StateCount("RUNNING", 1, 0),
    ]


def test_differences_are_named() -> None:
    runs = [listed("a", "COMPLETED"), listed("b", "FAILED"), listed("c", "FAILED", hour=11)]
    found = compared(runs, {"b": "COMPLETED"}, is_whole=False)
    assert [(one.run.name, one.here, one.is_new) for one in found.differences] == [
        ("a", "", False),
        ("b", "COMPLETED", False),
        ("c", "", True),
    ]
    assert not found.is_whole


@pytest.mark.django_db
@pytest.mark.parametrize("release", [3, 2])
def test_a_check_of_what_was_fetched(release: int) -> None:
    with replayed(Replay(release=release)) as (server, replay):
        source = set_up(server.url)
        fetch(source)
        found = check(source, allowed=ALLOWED, now=NOW + timedelta(hours=1))
        assert found.agrees, found.differences
        assert found.runs > 20
        # A run that somebody deleted here, and one that went on there.
        Run.objects.filter(connection_id=source.connection_id, job__name="mapped").delete()
        next(run for run in replay.records["dag_runs"] if run["dag_id"] == "recovers")["state"] = "failed"
        again = check(source, allowed=ALLOWED, now=NOW + timedelta(hours=1))
        assert {(one.run.job_name, one.run.state, one.here) for one in again.differences} == {
            ("mapped", "FAILED" if _failed(replay, "mapped") else "COMPLETED", ""),
            ("recovers", "FAILED", "COMPLETED"),
        }
    with pytest.raises(Fault):
        check(source, allowed=ALLOWED, now=NOW)


def _failed(replay: Replay, dag: str) -> bool:
    return any(run["state"] == "failed" for run in replay.records["dag_runs"] if run["dag_id"] == dag)
