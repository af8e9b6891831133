"""States of runs and jobs, computed from events."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from lineage.models import Activity, Dataset, Edge, Event, Job, Run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, Sender


def time(seconds: float) -> datetime:
    return datetime.fromisoformat(at(seconds))


def only_run(sender: Sender) -> Run:
    return Run.objects.get(connection=sender.connection)


@pytest.mark.parametrize(
    ("types", "state"),
    [
        (["START"], "RUNNING"),
        (["RUNNING"], "RUNNING"),
        (["OTHER"], "UNKNOWN"),
        ([None], "UNKNOWN"),
        (["START", "COMPLETE"], "COMPLETED"),
        (["COMPLETE", "START"], "COMPLETED"),
        (["START", "OTHER", "FAIL"], "FAILED"),
        (["START", "ABORT", "RUNNING"], "ABORTED"),
        (["FAIL", "COMPLETE"], "COMPLETED"),
        (["COMPLETE", "FAIL"], "FAILED"),
    ],
)
def test_state_by_event_types(sender: Sender, types: list[str | None], state: str) -> None:
    for second, type_ in enumerate(types):
        sender.send(run_event(type_, at(second)))
    assert only_run(sender).state == state


@pytest.mark.parametrize(
    ("types", "state"),
    [(["COMPLETE", "FAIL"], "FAILED"), (["FAIL", "ABORT"], "FAILED"), (["ABORT", "COMPLETE"], "ABORTED")],
)
def test_of_terminal_events_at_one_time_the_worse_wins(sender: Sender, types: list[str], state: str) -> None:
    for type_ in types:
        sender.send(run_event(type_, at(5)))
    assert only_run(sender).state == state


def test_a_late_start_fills_in_when_the_run_started_and_does_not_revive_it(sender: Sender) -> None:
    sender.send(run_event("COMPLETE", at(9)))
    assert (only_run(sender).state, only_run(sender).started_at) == ("COMPLETED", None)
    sender.send(run_event("START", at(2)))
    run = only_run(sender)
    assert (run.state, run.started_at, run.ended_at) == ("COMPLETED", time(2), time(9))
    assert Job.objects.get().running_runs == 0


def test_a_repeat_changes_nothing(sender: Sender) -> None:
    assert sender.send(run_event()).stored == 1
    before = Run.objects.values().get()
    assert sender.send(run_event()).stored == 0
    assert sender.send(run_event(), run_event()).stored == 0
    assert Run.objects.values().get() == before
    assert Event.objects.count() == 1


def test_the_latest_run_is_the_one_that_started_last_whatever_the_arrival(sender: Sender) -> None:
    first, second = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    sender.send(run_event("START", at(20), run=second))
    sender.send(run_event("START", at(10), run=first))
    sender.send(run_event("COMPLETE", at(30), run=first))
    job = Job.objects.get()
    assert (str(job.latest_run_sent_id), job.latest_run_state, job.running_runs) == (second, "RUNNING", 1)


def test_a_late_start_that_makes_a_run_older_elects_another_latest_run(sender: Sender) -> None:
    first, second = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    sender.send(run_event("COMPLETE", at(40), run=first))
    sender.send(run_event("START", at(20), run=second))
    assert str(Job.objects.get().latest_run_sent_id) == first
    sender.send(run_event("START", at(10), run=first))
    assert str(Job.objects.get().latest_run_sent_id) == second


def test_parent_error_attempt_and_nominal_time_become_columns(
    sender: Sender, sample_lines: Callable[..., list[bytes]]
) -> None:
    sender.send(*sample_lines("airflow-scheduler"))
    failed = Run.objects.filter(job__name="flaky_hourly.boom", attempt=2).first()
    assert failed is not None
    assert failed.state == "FAILED"
    assert (failed.max_attempts, failed.parent_job_name, failed.root_job_name) == (2, "flaky_hourly", "flaky_hourly")
    assert failed.error_message is not None
    assert failed.error_message.startswith("Bash command failed")
    assert failed.nominal_start_at is not None
    assert Run.objects.filter(run_id=failed.parent_run_id, job__name="flaky_hourly").exists()


def test_a_run_id_of_two_jobs_is_a_run_of_each(sender: Sender) -> None:
    sender.send(run_event("RUNNING", at(5), job="late"), run_event("START", at(1), job="early"))
    sender.send(run_event("FAIL", at(7), job="late"), run_event("COMPLETE", at(9), job="early"))
    jobs = Job.objects.values_list("name", "latest_run_state", "latest_run_sent_id")
    [run_id] = set(Run.objects.values_list("run_id", flat=True))
    assert set(jobs) == {("early", "COMPLETED", run_id), ("late", "FAILED", run_id)}
    assert all(Run.objects.values_list("shares_run_id", flat=True))


def test_inputs_and_outputs_are_the_union_over_a_runs_events(sender: Sender) -> None:
    sender.send(run_event("START", at(0), inputs=[dataset("a")]))
    sender.send(run_event("COMPLETE", at(1), inputs=[], outputs=[dataset("b", schema={"fields": []})]))
    edges = {(e.direction, e.dataset_id) for e in Edge.objects.all()}
    ids = {d.name: d.id for d in Dataset.objects.all()}
    assert edges == {("READS", ids["a"]), ("WRITES", ids["b"])}
    assert only_run(sender).edge_ids == sorted(Edge.objects.values_list("id", flat=True))
    assert dict(Dataset.objects.values_list("name", "described")) == {"a": False, "b": True}


def test_a_dataset_has_one_id_in_all_connections(new_sender: Callable[[], Sender]) -> None:
    for sender in (new_sender(), new_sender()):
        sender.send(run_event(inputs=[dataset("shared")]))
    assert Dataset.objects.count() == 2
    assert len(set(Dataset.objects.values_list("id", flat=True))) == 1


def test_job_and_dataset_events_feed_the_same_tables(sender: Sender) -> None:
    sender.send(
        b'{"eventTime":"2026-11-20T12:00:00Z","job":{"namespace":"n","name":"j"},'
        b'"inputs":[{"namespace":"w","name":"t"}]}',
        b'{"eventTime":"2026-11-20T12:00:00Z","dataset":{"namespace":"w","name":"t","facets":{"schema":{"fields":[]}}}}',
    )
    job = Job.objects.get()
    assert (job.name, job.latest_run_id, job.latest_run_state) == ("j", None, None)
    assert Dataset.objects.get().described
    assert Edge.objects.get().direction == "READS"
    assert Run.objects.count() == 0


def test_what_the_facet_says_of_a_job_beats_what_the_producer_suggests(sender: Sender) -> None:
    declared = {"jobType": {"jobType": "TASK", "integration": "AIRFLOW", "processingType": "BATCH"}}
    sender.send(run_event("START", at(0), job_facets=declared))
    sender.send(run_event("COMPLETE", at(1), producer="https://example.com/spark"))
    job = Job.objects.get()
    assert (job.kind, job.integration, job.processing_type) == ("TASK", "AIRFLOW", "BATCH")


def test_activity_tells_when_a_connection_was_heard_from(sender: Sender) -> None:
    sender.send(run_event(job="first"))
    activity = Activity.objects.get(connection=sender.connection)
    assert (activity.first_event_at, activity.last_event_at, activity.first_job_name) == (NOW, NOW, "first")
    later = NOW + timedelta(hours=1)
    sender.send(run_event("COMPLETE", at(1), job="second"), now=later)
    activity.refresh_from_db()
    assert (activity.first_event_at, activity.last_event_at, activity.first_job_name) == (NOW, later, "first")


def test_activity_is_less_than_a_second_behind(sender: Sender) -> None:
    for number, seconds in enumerate((0.2, 1.1, 1.6, 1.9)):
        sender.send(run_event(time=at(number)), now=NOW + timedelta(seconds=seconds))
        heard_last = Activity.objects.get(connection=sender.connection).last_event_at
        assert NOW + timedelta(seconds=seconds - 1) < heard_last <= NOW + timedelta(seconds=seconds)


def test_events_of_any_age_find_a_partition(sender: Sender) -> None:
    years = ("0001", "1960", "2026", "2031", "9999")
    sender.send(*(run_event("START", f"{year}-01-02T00:00:00Z", run=year) for year in years))
    assert Event.objects.count() == Run.objects.count() == len(years)
