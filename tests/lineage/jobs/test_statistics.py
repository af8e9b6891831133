"""Statistics of the latest runs of jobs."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from lineage.jobs.statistics import JobStatistics, job_statistics
from lineage.models import Job, Run
from tests.api.rows import NOW, build_run, make_connection, make_job
from tests.lineage.airflow import dag_event, task_event
from tests.lineage.conftest import Sender
from tests.lineage.settling import save_runs

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def add_runs(job: Job, *runs: dict[str, Any]) -> None:
    """Each a day before the one that follows; the last at NOW."""
    days = [NOW - timedelta(days=len(runs) - 1 - n) for n in range(len(runs))]
    save_runs(
        build_run(job, **{"started_at": day, "ended_at": day + run.pop("lasts", MINUTE), **run})
        for day, run in zip(days, runs, strict=True)
    )


def statistics(job: Job, **options: int) -> JobStatistics:
    return job_statistics([job], **options)[job.id]


def test_rates_and_durations() -> None:
    job = make_job(make_connection())
    minutes: list[dict[str, Any]] = [{"lasts": n * MINUTE} for n in range(1, 6)]
    failed: list[dict[str, Any]] = [{"terminal_type": "FAIL", "lasts": timedelta(hours=9)}, {"terminal_type": "ABORT"}]
    add_runs(job, *minutes, *failed, {"terminal_type": None, "ended_at": None})
    found = statistics(job)
    assert (found.runs, found.ended, found.completed, found.failed) == (8, 7, 5, 1)
    assert found.success_rate == pytest.approx(5 / 7)
    assert (found.median, found.p95) == (3 * MINUTE, 4.8 * MINUTE)
    assert found.oldest_at == NOW - timedelta(days=7)
    assert found.runs_per_day(now=NOW + timedelta(days=1)) == 1


def test_a_duration_that_is_not_known_does_not_count() -> None:
    job = make_job(make_connection())
    add_runs(job, {"started_at": None, "first_event_at": NOW}, {"lasts": -MINUTE})
    found = statistics(job)
    assert (found.median, found.p95, found.success_rate) == (None, None, 1)


def test_nothing_has_ended_yet() -> None:
    job = make_job(make_connection())
    add_runs(job, {"terminal_type": None, "ended_at": None})
    assert statistics(job).success_rate is None
    assert statistics(job).runs_per_day(now=NOW) == 1


def test_they_are_of_the_states_that_lists_show(sender: Sender, sample_lines: Callable[..., list[bytes]]) -> None:
    """Real runs: retried, skipped by themselves, killed, tests without a result, sent again."""
    sender.send(*sample_lines())
    shown: dict[UUID, Counter[str]] = {}
    for run in Run.objects.shown():
        shown.setdefault(run.job_id, Counter())[run.shown_state] += 1
    assert {state for counts in shown.values() for state in counts} >= {"COMPLETED", "FAILED", "RETRIED", "SKIPPED"}
    found = job_statistics(Job.objects.all())
    assert found.keys() == shown.keys()
    for job_id, of in found.items():
        counts = shown[job_id]
        assert (of.runs, of.completed, of.failed, of.retried) == (
            counts.total(),
            *(counts[state] for state in ("COMPLETED", "FAILED", "RETRIED")),
        )


def test_a_task_that_recovers_each_time_never_failed(sender: Sender) -> None:
    for day in range(3):
        for attempt, end in ((1, "FAIL"), (2, "COMPLETE")):
            at = 1000 * day + 100 * attempt
            sender.send(task_event("START", at, attempt=attempt, dag_run=f"d{day}"))
            sender.send(task_event(end, at + 10 * attempt, attempt=attempt, dag_run=f"d{day}"))
    found = statistics(Job.objects.get(name="dag.load"))
    assert (found.runs, found.retried, found.ended, found.failed, found.success_rate) == (6, 3, 3, 0, 1)
    assert (found.median, found.runs_per_day(now=found.oldest_at)) == (timedelta(seconds=20), 3)


def test_what_its_dag_run_tells_counts(sender: Sender) -> None:
    """The first task skipped itself and sent that it completed; the second was killed after it had done its work."""
    sender.send(task_event("START", 0), task_event("COMPLETE", 9), dag_event("COMPLETE", 10, {"load": "skipped"}))
    sender.send(
        task_event("START", 100, dag_run="d2"),
        dag_event("COMPLETE", 110, {"load": "success"}, durations={"load": 5.0}, dag_run="d2"),
    )
    found = statistics(Job.objects.get(name="dag.load"))
    assert (found.runs, found.ended, found.completed, found.median) == (2, 1, 1, timedelta(seconds=5))


def test_only_the_latest_runs_count() -> None:
    job = make_job(make_connection())
    add_runs(job, {"terminal_type": "FAIL"}, {"lasts": 2 * MINUTE}, {"lasts": 4 * MINUTE})
    found = statistics(job, most_runs=2)
    assert (found.runs, found.failed, found.median) == (2, 0, 3 * MINUTE)


def test_each_job_by_itself_and_in_one_query() -> None:
    jobs = [make_job(make_connection(name), name) for name in ("a", "b", "never")]
    add_runs(jobs[0], {})
    add_runs(jobs[1], {"lasts": 5 * MINUTE}, {"lasts": 5 * MINUTE})
    with CaptureQueriesContext(database) as queries:
        found = job_statistics(jobs)
    assert {id_: (of.runs, of.median) for id_, of in found.items()} == {
        jobs[0].id: (1, MINUTE),
        jobs[1].id: (2, 5 * MINUTE),
    }
    assert len(queries) == 1
    assert job_statistics([]) == {}
