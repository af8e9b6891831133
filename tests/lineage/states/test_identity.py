"""Identity of runs: several may have one run id, and one run may be sent under several names."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from lineage.jobs.story import recent_runs, story_of
from lineage.models import Job, Run
from lineage.runs.relations import children_of, parent_of, shown_instead
from lineage.upkeep.rebuild.rebuild import rebuild_connection
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, READER, Sender
from tests.lineage.shown import assert_shown_as_the_rules_say

pytestmark = pytest.mark.django_db

RUN_ID = "00000000-0000-0000-0000-00000000000a"
QUERY_ID = "00000000-0000-0000-0000-00000000000b"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NewSender = Callable[..., Sender]


def spark(type_: str, seconds: float, job: str, kind: str = "APPLICATION", **fields: Any) -> bytes:
    facets = {"jobType": {"jobType": kind, "integration": "SPARK", "processingType": "BATCH"}}
    return run_event(type_, at(seconds), **{"run": RUN_ID, "job": job, "job_facets": facets, **fields})


def parent(job: str, run: str = RUN_ID) -> dict[str, Any]:
    return {"parent": {"run": {"runId": run}, "job": {"namespace": "shop", "name": job}}}


def instance(type_: str, seconds: float, map_index: int) -> bytes:
    task = {"airflow": {"taskInstance": {"try_number": 1, "map_index": map_index}, "task": {"retries": 0}}}
    facets = {"jobType": {"jobType": "TASK", "integration": "AIRFLOW", "processingType": "BATCH"}}
    return run_event(
        type_, at(seconds), run=RUN_ID, job="fan.load", run_facets=task | parent("fan", QUERY_ID), job_facets=facets
    )


def shown(sender: Sender) -> list[tuple[str, str]]:
    runs = Run.objects.shown().of(sender.connection).order_by("job__name", "map_index")
    return [(run.job.name, run.shown_state) for run in runs.select_related("job")]


def in_any_order(new_sender: NewSender, events: list[bytes], most: int = 24) -> list[Sender]:
    """Send the events one by one, in many orders, each to a connection of its own."""
    orders = list(permutations(events))
    senders = []
    for order in orders[:: max(1, len(orders) // most)]:
        sender = new_sender()
        for event in order:
            sender.send(event)
        senders.append(sender)
    return senders


APPLICATION = [
    spark("START", 0, "unknown"),
    spark("START", 5, "etl.insert", "SQL_JOB", run=QUERY_ID, run_facets=parent("unknown")),
    spark("FAIL", 9, "etl.insert.orders", "SQL_JOB", run=QUERY_ID, run_facets=parent("etl"), outputs=[dataset("o")]),
    spark("COMPLETE", 10, "etl"),
]


def test_a_run_whose_name_grows_is_one_run_under_the_last_name(new_sender: NewSender) -> None:
    for sender in in_any_order(new_sender, APPLICATION):
        assert shown(sender) == [("etl", "COMPLETED"), ("etl.insert.orders", "FAILED")]
        run = Run.objects.shown().of(sender.connection).select_related("job").get(job__name="etl.insert.orders")
        times = [time and (time - NOON).total_seconds() for time in (run.started_at, run.shown_ended_at)]
        assert (times, run.event_count) == ([5, 9], 2)
        assert (len(run.edge_ids), run.shares_run_id) == (1, False)
        listed = Job.objects.shown().of(sender.connection).values_list("name", "latest_run_state", "latest_run_sent_id")
        assert set(listed) == {("etl", "COMPLETED", UUID(RUN_ID)), ("etl.insert.orders", "FAILED", UUID(QUERY_ID))}
        assert_shown_as_the_rules_say(sender.connection.id)


def test_a_job_shows_the_instance_of_its_mapped_task_and_none_of_its_former_names(new_sender: NewSender) -> None:
    task = {"airflow": {"taskInstance": {"try_number": 1, "map_index": 1}}}
    events = [
        spark("START", 0, "fan.load", run_facets=task),
        spark("FAIL", 9, "fan.load.orders", run_facets=task),
        spark("START", 2, "fan.load.orders", run_facets=task),
    ]
    for sender in in_any_order(new_sender, events):
        [(job, state, run_id)] = (
            Job.objects.shown().of(sender.connection).values_list("name", "latest_run_state", "latest_run_id")
        )
        assert (job, state) == ("fan.load.orders", "FAILED")
        assert not Run.objects.get(pk=run_id, connection=sender.connection).is_hidden


def test_relatives_find_it_by_any_of_its_names(sender: Sender) -> None:
    sender.send(*APPLICATION)
    application = Run.objects.shown().get(job__name="etl")
    [query] = children_of(application, READER)
    assert query.job.name == "etl.insert.orders"
    assert parent_of(query, READER) == application
    former = Run.objects.get(job__name="unknown")
    assert shown_instead(former) == application


def test_a_former_name_leads_to_the_run(sender: Sender) -> None:
    sender.send(*APPLICATION)
    job = Job.objects.get(name="unknown")
    story = story_of(job, None, recent_runs(job), READER, now=NOW)
    assert (story.is_elsewhere, "under that name" in story.text) == (True, True)
    [reason] = story.reasons
    assert [(cause.name, cause.run.job.name) for cause in reason.causes] == [("etl", "etl")]


def test_it_is_read_from_the_events_of_all_its_names(sender: Sender) -> None:
    sender.send(*APPLICATION)
    run = Run.objects.shown().get(job__name="etl")
    assert run.event_subject_ids == run.joined_ids
    assert len(run.event_subject_ids) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # An application, and a job of it under the application's id: their types differ.
        (("app", "APPLICATION"), ("app.map_partitions", "RDD_JOB")),
        (("dag.submit", "TASK"), ("spark_app.insert", "SQL_JOB")),
        (("app.insert", "SQL_JOB"), ("application.insert", "SQL_JOB")),
        (("app.insert.orders", "SQL_JOB"), ("app.insert.customers", "SQL_JOB")),
    ],
)
def test_unrelated_jobs_with_one_run_id_have_a_run_each(
    new_sender: NewSender, one: tuple[str, str], other: tuple[str, str]
) -> None:
    events = [
        *(spark("START", 0, *one), spark("COMPLETE", 9, *one)),
        *(spark("START", 1, *other), spark("FAIL", 5, *other)),
    ]
    for sender in in_any_order(new_sender, events, most=6):
        assert shown(sender) == sorted([(one[0], "COMPLETED"), (other[0], "FAILED")])
        assert all(Run.objects.of(sender.connection).values_list("shares_run_id", flat=True))


def test_a_run_and_its_own_parent_are_never_one_run(sender: Sender) -> None:
    sender.send(spark("START", 0, "app", "JOB"), spark("START", 1, "app.step", "JOB", run_facets=parent("app")))
    assert shown(sender) == [("app", "RUNNING"), ("app.step", "RUNNING")]


def test_unknown_stays_alone_where_it_could_be_either(sender: Sender) -> None:
    sender.send(*(spark("START", 0, name) for name in ("unknown", "one", "two")))
    assert shown(sender) == [("one", "RUNNING"), ("two", "RUNNING"), ("unknown", "RUNNING")]


def test_instances_with_one_run_id_have_a_run_each(new_sender: NewSender) -> None:
    events = [instance("START", 0, 0), instance("START", 1, 1), instance("FAIL", 2, 0), instance("COMPLETE", 3, 1)]
    for sender in in_any_order(new_sender, events, most=8):
        assert shown(sender) == [("fan.load", "FAILED"), ("fan.load", "COMPLETED")]
        assert Job.objects.of(sender.connection).get(name="fan.load").latest_run_state == "FAILED"


def test_a_failure_of_spark_stands(new_sender: NewSender) -> None:
    query = [spark(type_, n, "app.save", "SQL_JOB") for n, type_ in enumerate(("START", "FAIL", "COMPLETE"))]
    for sender in in_any_order(new_sender, query):
        assert shown(sender) == [("app.save", "FAILED")]


def test_the_last_end_of_other_senders_counts(new_sender: NewSender) -> None:
    for sender in in_any_order(new_sender, [run_event("FAIL", at(1)), run_event("COMPLETE", at(2))]):
        assert [state for _, state in shown(sender)] == ["COMPLETED"]


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_finds_every_row_right(sender: Sender) -> None:
    sender.send(*APPLICATION, instance("FAIL", 0, 3))
    before = shown(sender)
    rebuilt = rebuild_connection(sender.connection, clock=lambda: NOW)
    assert (set(rebuilt.changed.values()), shown(sender)) == ({0}, before)
