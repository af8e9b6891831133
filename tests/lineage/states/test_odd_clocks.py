"""Senders whose clocks cannot be right: the year 1 (Go's zero time), 1970 or 2099. The receipt bounds the times."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from lineage.events.clocks import LONGEST, MOST_AHEAD, is_impossible, known_duration, plausible
from lineage.jobs.statistics import FEWEST_FOR_MEDIAN, job_statistics, usual_durations
from lineage.models import Job, Run
from lineage.models.job_queryset import JOB_SORT_KEYS
from lineage.runs.durations import latest_run_duration, run_duration
from lineage.states.deadlines import sweep
from lineage.states.patience import patience_of_jobs
from lineage.upkeep.rebuild.rebuild import rebuild_connection
from tests.lineage.build import at, run_event
from tests.lineage.conftest import NOW, Sender
from tests.lineage.state import projection

YEAR_1, EPOCH, FUTURE = "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
ODD = [YEAR_1, EPOCH, FUTURE]
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def run_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def only_run(sender: Sender) -> Run:
    run: Run = Run.objects.select_related("job").get(connection=sender.connection)
    return run


def whole_run(number: int, start: str, end: str, **fields: Any) -> list[bytes]:
    return [
        run_event("START", start, run=run_id(number), **fields),
        run_event("COMPLETE", end, run=run_id(number), **fields),
    ]


@pytest.mark.parametrize(
    ("seconds", "is_known"),
    [(0, True), (-1, False), (LONGEST.total_seconds(), True), (LONGEST.total_seconds() + 1, False)],
)
def test_which_durations_are_known(seconds: float, is_known: bool) -> None:
    lasted = timedelta(seconds=seconds)
    assert known_duration(NOW, NOW + lasted) == (lasted if is_known else None)


def test_times_at_the_ends_of_the_calendar_are_compared() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert known_duration(first, last) is None
    assert known_duration(last, first) is None
    assert is_impossible(first, NOW)
    assert is_impossible(last, NOW)


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    assert plausible(NOW + MOST_AHEAD, NOW) == NOW + MOST_AHEAD
    assert plausible(NOW + MOST_AHEAD + timedelta(seconds=1), NOW) == NOW
    assert plausible(NOW + DAY, None) == NOW + DAY, "the receipt is not known"


@pytest.mark.django_db
@pytest.mark.parametrize(("start", "end"), [(YEAR_1, at(0)), (EPOCH, at(0)), (at(0), FUTURE), (FUTURE, at(0))])
def test_an_impossible_duration_is_unknown_and_counts_nowhere(sender: Sender, start: str, end: str) -> None:
    sender.send(*whole_run(1, start, end))
    run, job = only_run(sender), Job.objects.get(connection=sender.connection)
    assert run_duration(run, now=NOW) is None
    assert latest_run_duration(job, now=NOW) is None
    assert Job.objects.annotate(took=JOB_SORT_KEYS["duration"]).get().took is None
    assert not Run.objects.lasting_at_least(timedelta(0), now=NOW).exists()
    assert (job_statistics([job])[job.id].median, job_statistics([job])[job.id].p95) == (None, None)

    sender.send(*(event for n in (2, 3, 4) for event in whole_run(n, at(n), at(n + 60))))
    statistics = job_statistics([job])[job.id]
    assert (statistics.completed, statistics.median, statistics.p95) == (4, timedelta(minutes=1), timedelta(minutes=1))
    assert FEWEST_FOR_MEDIAN == 3, "three durations are known"
    assert usual_durations([(job.connection_id, job.id)]) == {job.id: timedelta(minutes=1)}
    assert patience_of_jobs([(job.connection_id, job.id)]) == {(job.connection_id, job.id): DAY}


@pytest.mark.django_db
def test_how_long_a_run_of_the_year_1_is_running_is_unknown(sender: Sender) -> None:
    sender.send(run_event("START", YEAR_1))
    run = only_run(sender)
    assert (run.shown_state, run_duration(run, now=NOW)) == ("RUNNING", None)
    assert not Run.objects.lasting_at_least(timedelta(0), now=NOW).exists()


@pytest.mark.django_db
def test_an_old_start_does_not_say_how_often_a_job_runs(sender: Sender) -> None:
    sender.send(*whole_run(1, YEAR_1, at(0)), *whole_run(2, at(0), at(1)))
    [statistics] = job_statistics(Job.objects.filter(connection=sender.connection)).values()
    assert statistics.runs_per_day(now=NOW) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("late", ODD)
def test_a_run_of_an_odd_clock_does_not_stay_the_latest(sender: Sender, late: str) -> None:
    """The latest run is another one as soon as one begins after its receipt."""
    sender.send(*whole_run(1, late, late), now=NOW)
    for number in (2, 3):
        began = NOW + number * timedelta(hours=1)
        sender.send(*whole_run(number, began.isoformat(), (began + timedelta(minutes=1)).isoformat()), now=began)
        job = Job.objects.get(connection=sender.connection)
        assert str(job.latest_run_sent_id) == run_id(number)
    assert str(Run.objects.order_by("-run_at").values_list("run_id", flat=True)[0]) == run_id(3)


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["started", "ended"])
def test_no_list_of_jobs_is_topped_by_an_odd_clock(sender: Sender, key: str) -> None:
    sender.send(*whole_run(1, FUTURE, FUTURE, job="odd"), now=NOW - DAY)
    sender.send(*whole_run(2, at(0), at(60), job="sane"))
    assert [job.name for job in Job.objects.sorted_by(key, descending=True)] == ["sane", "odd"]
    assert [job.name for job in Job.objects.needing_attention_first()] == ["sane", "odd"]


@pytest.mark.django_db
def test_a_run_of_the_year_1_is_not_the_longest_running_one(sender: Sender) -> None:
    sender.send(
        run_event("START", YEAR_1, run=run_id(1), job="odd"), run_event("START", at(0), run=run_id(2), job="sane")
    )
    assert [job.name for job in Job.objects.needing_attention_first()] == ["sane", "odd"]


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD)
def test_a_silent_run_is_lost_a_day_after_its_receipt(sender: Sender, odd: str) -> None:
    sender.send(run_event("START", odd))
    assert only_run(sender).shown_state == "RUNNING"
    sweep(NOW + DAY - timedelta(minutes=1))
    assert only_run(sender).shown_state == "RUNNING"
    sweep(NOW + DAY + MOST_AHEAD)
    assert only_run(sender).shown_state == "LOST"
    # What is heard of it later revives it, for another day.
    sender.send(run_event("RUNNING", odd), now=NOW + 2 * DAY)
    assert only_run(sender).shown_state == "RUNNING"
    sweep(NOW + 3 * DAY + MOST_AHEAD)
    assert only_run(sender).shown_state == "LOST"


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD)
def test_the_end_of_its_parent_ends_a_run_of_an_odd_clock(sender: Sender, odd: str) -> None:
    parent = {"parent": {"run": {"runId": run_id(9)}, "job": {"namespace": "namespace", "name": "above"}}}
    sender.send(run_event("START", odd, run_facets=parent), run_event("START", at(0), run=run_id(9), job="above"))
    later = NOW + timedelta(hours=1)
    sender.send(run_event("COMPLETE", later.isoformat(), run=run_id(9), job="above"), now=later)
    sweep(later + timedelta(minutes=11))
    assert Run.objects.get(run_id=run_id(1)).shown_state == "LOST"


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD)
def test_no_order_and_no_repetition_changes_the_rows(sender: Sender, new_sender: Any, odd: str) -> None:
    bodies = [
        run_event("START", odd),
        run_event("RUNNING", at(5)),
        run_event("COMPLETE", odd, run=run_id(2)),
        run_event("START", at(0), run=run_id(2)),
    ]
    sender.send(*bodies)
    expected = projection(sender.connection.pk)
    for order in itertools.permutations(bodies):
        other = new_sender()
        for body in (*order, order[0]):
            other.send(body)
        assert projection(other.connection.pk) == expected


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("odd", ODD)
def test_rows_built_from_the_stored_events_are_equal(sender: Sender, odd: str) -> None:
    """Events come at different times, and one of them again."""
    for n, body in enumerate(
        [*whole_run(1, odd, at(1)), run_event("START", odd, run=run_id(2)), run_event("START", odd)]
    ):
        sender.send(body, now=NOW + n * timedelta(minutes=1))
    before = projection(sender.connection.pk, with_its_ids=True)
    received = {str(run.run_id): (run.received_at, run.last_received_at) for run in Run.objects.all()}
    assert received == {
        run_id(n): (NOW + first * MINUTE, NOW + last * MINUTE) for n, first, last in ((1, 0, 1), (2, 2, 2))
    }
    rebuilt = rebuild_connection(sender.connection, clock=lambda: NOW + timedelta(hours=1))
    assert sum(rebuilt.changed.values()) == 0
    assert projection(sender.connection.pk, with_its_ids=True) == before

    Run.objects.update(received_at=None, last_received_at=None)
    assert rebuild_connection(sender.connection, clock=timezone.now).changed["lineage_run"] >= 2
    assert {str(run.run_id): (run.received_at, run.last_received_at) for run in Run.objects.all()} == received


def sent_in_any_order(new_sender: Any, *bodies: bytes) -> Iterator[Run]:
    """Yield the run of the bodies in each order, one of them repeated a minute later."""
    for order in itertools.permutations(bodies):
        sender = new_sender()
        for body in order:
            sender.send(body)
        sender.send(order[0], now=NOW + MINUTE)
        yield only_run(sender)


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("ends", [("COMPLETE", "FAIL"), ("FAIL", "COMPLETE"), ("ABORT", "FAIL"), ("FAIL", "FAIL")])
def test_an_end_at_an_impossible_time_hides_no_failure(new_sender: Any, odd: str, ends: tuple[str, str]) -> None:
    """The second end is of today. If the first one failed, nobody knows whether the second came after it."""
    for run in sent_in_any_order(
        new_sender, run_event("START", at(0)), run_event(ends[0], odd), run_event(ends[1], at(5))
    ):
        assert (run.shown_state, run.shown_ended_at) == ("FAILED", datetime.fromisoformat(at(5)))


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD)
def test_an_end_at_an_impossible_time_outvotes_no_believed_one(new_sender: Any, odd: str) -> None:
    for run in sent_in_any_order(new_sender, run_event("ABORT", odd), run_event("COMPLETE", at(5))):
        assert (run.shown_state, run.shown_ended_at) == ("COMPLETED", datetime.fromisoformat(at(5)))


@pytest.mark.django_db
def test_a_clock_that_is_wrong_throughout_still_orders_the_ends(new_sender: Any) -> None:
    """A DAG run that failed, was cleared and completed is completed, though the clock is an hour ahead."""
    hour = timedelta(hours=1)
    failed, completed = (run_event(end, (NOW + n * hour).isoformat()) for n, end in ((1, "FAIL"), (2, "COMPLETE")))
    for run in sent_in_any_order(new_sender, failed, completed):
        assert (run.shown_state, run.shown_ended_at) == ("COMPLETED", NOW + 2 * hour)


@pytest.mark.django_db
@pytest.mark.parametrize("odd", [YEAR_1, FUTURE])
def test_a_report_at_an_impossible_time_hides_no_failure_of_a_task(new_sender: Any, odd: str) -> None:
    dag = {"run": {"runId": run_id(9)}, "job": {"namespace": "namespace", "name": "dag"}}
    reports = {"airflowState": {"dagRunState": "success", "tasksState": {"task": "success"}}}
    bodies = [
        run_event("FAIL", at(5), job="dag.task", run_facets={"parent": dag}),
        run_event("COMPLETE", odd, run=run_id(9), job="dag", run_facets=reports),
    ]
    for order in itertools.permutations(bodies):
        sender = new_sender()
        for body in (*order, order[0]):
            sender.send(body)
        assert Run.objects.get(connection=sender.connection, run_id=run_id(1)).shown_state == "FAILED"


@pytest.mark.django_db
def test_the_report_of_a_believed_time_counts(new_sender: Any) -> None:
    """A DAG run ends twice: at an impossible time with success, and today with failure."""
    dag = {"run_id": run_id(9), "job": "dag"}
    bodies = [
        run_event(end, time, run=dag["run_id"], job=dag["job"], run_facets={"airflowState": {"tasksState": states}})
        for end, time, states in (
            ("COMPLETE", FUTURE, {"task": "success"}),
            ("FAIL", at(5), {"task": "failed"}),
        )
    ]
    for order in itertools.permutations(bodies):
        sender = new_sender()
        for body in (*order, order[0]):
            sender.send(body)
        shown = Run.objects.filter(connection=sender.connection).values_list("job__name", "shown_state")
        assert dict(shown) == {"dag": "FAILED", "dag.task": "FAILED"}
