"""Differences between two runs of one job."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from lineage.events.contents import RunContents
from lineage.models import Dataset
from lineage.runs.comparison import Child, DatasetChange, FieldChange, Side, compare
from lineage.runs.run_datasets import RunDataset

HOUR = timedelta(hours=1)


def used(name: str, direction: str = "WRITES", rows: int | None = None) -> RunDataset:
    return RunDataset(Dataset(namespace="warehouse", name=name), direction, rows, None, None)


def side(duration: timedelta | None = HOUR, attempt: int | None = 1, **more: Any) -> Side:
    return Side(
        duration,
        attempt,
        more.get("datasets", []),
        more.get("children", {}),
        RunContents(run_facets=more.get("facets", {})),
    )


def test_datasets_that_are_missing_new_or_have_other_rows() -> None:
    this = [used("orders", rows=150), used("kept", rows=5), used("new", "READS")]
    then = [used("orders", rows=100), used("kept", rows=5), used("report", rows=7)]
    found = compare(side(datasets=this), side(datasets=then))
    changes = [(one.name, one.presence, one.rows, one.then) for one in found.changed_datasets]
    assert changes == [("report", "missing", None, 7), ("orders", "both", 150, 100), ("new", "new", None, None)]
    assert found.same_datasets == 1


def test_percents_are_known_only_where_there_were_rows() -> None:
    def percent(rows: int | None, then: int | None) -> str:
        return DatasetChange("", "", Dataset().id, "WRITES", "both", rows, then).signed_percent

    assert [percent(150, 100), percent(62, 100), percent(1012, 1000)] == ["+50 %", "\N{MINUS SIGN}38 %", "+1.2 %"]
    assert [percent(5, 0), percent(None, 5), percent(5, None)] == ["", "", ""]


def test_child_runs_in_another_state_try_or_of_another_duration() -> None:
    minute, done = HOUR / 60, Child("COMPLETED", HOUR)
    this = {
        "a": Child("FAILED"),
        "b": done,
        "new": done,
        "slow": Child("COMPLETED", 3 * HOUR),
        "fast": Child("COMPLETED", minute),
        "retried": Child("COMPLETED", HOUR, attempt=2),
    }
    then = {
        "a": done,
        "b": Child("COMPLETED", HOUR + minute),
        "slow": done,
        "fast": Child("COMPLETED", minute / 10),
        "retried": Child("COMPLETED", HOUR, attempt=1),
        "gone": done,
    }
    found = compare(side(children=this), side(children=then)).children
    assert [one.name for one in found] == ["a", "gone", "new", "slow", "fast", "retried"]
    assert (found[0].now, found[0].then, found[1].now) == (this["a"], then["a"], None)
    # Of a run with too many, those that were not read may be there.
    cut = compare(side(children=this), replace(side(children=then), has_more_children=True)).children
    assert "new" not in [one.name for one in cut]


def test_values_in_facets_but_not_those_of_each_run() -> None:
    then = {
        "airflow": {"task": {"retries": 1, "pool": "default"}, "dagRun": {"run_id": "scheduled__2026-11-29"}},
        "errorMessage": {"message": "one"},
        "spark": {"_producer": "1.0", "version": "4"},
    }
    this = {
        "airflow": {"task": {"retries": 2, "pool": "default"}, "dagRun": {"run_id": "scheduled__2026-11-30"}},
        "errorMessage": {"message": "other"},
        "spark": {"_producer": "1.1", "version": "4"},
        "sql": {"query": "SELECT 1"},
    }
    found = compare(side(facets=this), side(facets=then))
    assert found.fields == (FieldChange("airflow.task.retries", "2", "1"), FieldChange("sql.query", "SELECT 1", ""))


def test_durations_and_attempts() -> None:
    found = compare(side(2 * HOUR, 3), side(HOUR, 1))
    assert (found.times, found.has_other_attempt) == (2, True)
    assert compare(side(None), side(HOUR)).times is None
