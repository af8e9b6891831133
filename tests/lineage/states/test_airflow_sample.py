"""Runs of real Airflows as their own databases had them: tests/senders/test_airflow.py and test_old_airflow.py compare
such runs with it."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from lineage.models import Job, Run
from tests.lineage.conftest import Sender

SampleLines = Callable[..., list[bytes]]

# The runs by when they took place: try and map index where there are any, state, `?` where a start or end is unknown.
SHOWN_OF_3_3 = {
    "cleared_after_a_failure": ["FAILED", "COMPLETED"],
    "cleared_after_a_failure.done": ["UPSTREAM_FAILED ?", "COMPLETED ?"],
    "cleared_after_a_failure.extract": ["1 COMPLETED"],
    "cleared_after_a_failure.load": ["1 FAILED", "2 COMPLETED"],
    "cleared_after_a_failure.publish": ["UPSTREAM_FAILED ?", "1 COMPLETED"],
    "cleared_while_it_runs": ["COMPLETED"],
    "cleared_while_it_runs.broken": ["1 FAILED", "2 COMPLETED"],
    "cleared_while_it_runs.done": ["COMPLETED ?"],
    "cleared_while_it_runs.slow": ["1 COMPLETED"],
    "cleared_whole": ["COMPLETED", "FAILED"],
    "cleared_whole.check": ["1 COMPLETED", "2 FAILED"],
    "cleared_whole.list_files": ["1 COMPLETED", "2 COMPLETED"],
    "cleared_whole.load": ["1 [0] COMPLETED", "1 [1] COMPLETED", "2 [0] COMPLETED"],
    "daily": ["COMPLETED", "FAILED", "COMPLETED"],
    "daily.load": ["1 COMPLETED", "1 FAILED", "1 COMPLETED"],
    "killed": ["FAILED"],
    "killed.for_good": ["1 FAILED"],
    "killed.once": ["1 RETRIED", "2 COMPLETED"],
    "mapped": ["FAILED"],
    "mapped.after_all": ["UPSTREAM_FAILED ?"],
    "mapped.list_files": ["1 COMPLETED"],
    "mapped.load": ["1 [0] COMPLETED", "1 [1] RETRIED", "1 [2] RETRIED", "2 [1] COMPLETED", "2 [2] FAILED"],
    "mapped.summarize": ["1 COMPLETED"],
    "mapped_over_nothing": ["COMPLETED"],
    "mapped_over_nothing.list_files": ["1 COMPLETED"],
    "mapped_over_nothing.load": ["SKIPPED ?"],
    "marked_failed": ["FAILED"],
    "marked_failed.endless": ["1 FAILED"],
    "marked_failed.never": ["SKIPPED ?"],
    "overdue": ["FAILED"],
    "overdue.endless": ["1 SKIPPED ?"],
    "overdue.never": ["SKIPPED ?"],
    "recovers": ["COMPLETED"],
    "recovers.flaky": ["1 RETRIED", "2 RETRIED", "3 COMPLETED"],
    "recovers.follows": ["1 COMPLETED"],
    "skips_itself": ["COMPLETED"],
    "skips_itself.follows": ["SKIPPED ?"],
    "skips_itself.nothing_to_do": ["1 SKIPPED"],
    "task_marked_successful": ["FAILED"],
    "task_marked_successful.broken": ["1 COMPLETED"],
}
# Those of Airflow 2.9 that differ: docs/senders.md says why.
SHOWN_OF_2_9 = {
    **{job: runs for job, runs in SHOWN_OF_3_3.items() if job not in ("cleared_while_it_runs.done", "overdue.never")},
    "cleared_after_a_failure": ["COMPLETED"],
    "cleared_after_a_failure.done": ["COMPLETED ?"],
    "cleared_after_a_failure.load": ["1 RETRIED", "2 COMPLETED"],
    "cleared_after_a_failure.publish": ["1 COMPLETED"],
    "cleared_while_it_runs.broken": ["1 RETRIED", "2 COMPLETED"],
    "cleared_whole": ["FAILED"],
    # Airflow stopped before its second try.
    "cleared_whole.check": ["1 COMPLETED"],
    "cleared_whole.load": ["1 [0] COMPLETED", "1 [1] COMPLETED", "2 [0] COMPLETED"],
    "daily": ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"],
    "daily.load": ["1 COMPLETED", "1 FAILED", "1 COMPLETED", "1 COMPLETED"],
    # Airflow recorded two failures of its only try.
    "killed.for_good": ["1 RETRIED", "2 FAILED ?"],
    "marked_failed.endless": ["1 FAILED ?"],
    "marked_failed.never": ["UPSTREAM_FAILED ?"],
    "skips_itself.nothing_to_do": ["1 SKIPPED ?"],
    "task_marked_successful.broken": ["1 FAILED"],
}
SAMPLES = pytest.mark.parametrize(
    ("sample", "expected"), [("airflow-fidelity", SHOWN_OF_3_3), ("airflow-fidelity-2.9", SHOWN_OF_2_9)]
)


def words(run: Run) -> str:
    attempt = "" if run.attempt is None else f"{run.attempt} "
    instance = "" if run.map_index is None else f"[{run.map_index}] "
    return f"{attempt}{instance}{run.shown_state}{'' if run.started_at and run.shown_ended_at else ' ?'}"


def shown() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for run in Run.objects.shown().select_related("job").order_by("job__name", "run_at", "map_index"):
        found.setdefault(run.job.name, []).append(words(run))
    return found


@SAMPLES
def test_each_run_is_shown_as_it_ended(
    sender: Sender, sample_lines: SampleLines, sample: str, expected: dict[str, list[str]]
) -> None:
    sender.send(*sample_lines(sample))
    assert shown() == expected


@SAMPLES
def test_nothing_runs_any_more(
    sender: Sender, sample_lines: SampleLines, sample: str, expected: dict[str, list[str]]
) -> None:
    for line in reversed(sample_lines(sample)):
        sender.send(line, now=timezone.now())
    assert shown() == expected
    assert set(Job.objects.values_list("running_runs", flat=True)) == {0}
    # Of a mapped task's instances one that failed stands for all.
    last = dict(Job.objects.values_list("name", "latest_run_state"))
    assert last == {job: runs[-1].removesuffix(" ?").split()[-1] for job, runs in expected.items()}
