"""Several writers at once: nothing twice, nothing lost, no deadlock, no count that is off."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction
from prometheus_client import REGISTRY

from lineage.digest.digest import digest
from lineage.models import Event, Job, Run
from lineage.states.settle import settle
from tests.lineage.build import at, run_event
from tests.lineage.conftest import NOW, Sender, make_sender
from tests.lineage.replays import replayed_as
from tests.lineage.shown import assert_shown_as_the_rules_say

pytestmark = pytest.mark.django_db(transaction=True)


def send_from_threads(sender: Sender, groups: list[list[bytes]], threads: int = 8) -> int:
    """Send groups at once. Return how many events were new. None of them was held up by a deadlock, of which
    PostgreSQL learns after a second."""
    conflicts = conflicts_so_far()

    def send(bodies: list[bytes]) -> int:
        try:
            return sender.send(*bodies).stored
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        stored = sum(pool.map(send, groups))
    assert conflicts_so_far() == conflicts
    return stored


def conflicts_so_far() -> float:
    return REGISTRY.get_sample_value("observatory_database_retries_total", {"kind": "conflict"}) or 0.0


def test_the_same_event_from_many_threads_is_one_row() -> None:
    sender = make_sender()
    # The process's pool has sixteen database connections, and this thread has one of them.
    assert send_from_threads(sender, [[run_event()]] * 50, threads=15) == 1
    assert Event.objects.count() == 1
    assert Run.objects.get().event_count == 1


def test_runs_of_one_job_that_end_at_once_are_all_counted() -> None:
    """Each writer reads the job's runs only after it has its turn, so none overlooks another's."""
    sender = make_sender()
    runs = [f"run-{number}" for number in range(40)]
    send_from_threads(sender, [[run_event("START", at(i), run=run)] for i, run in enumerate(runs)])
    job = Job.objects.get()
    assert job.latest_run_at
    assert (job.running_runs, job.latest_run_at.isoformat()) == (40, "2026-11-20T12:00:39+00:00")
    send_from_threads(sender, [[run_event("COMPLETE", at(60), run=run)] for run in runs])
    job.refresh_from_db()
    assert (job.running_runs, job.latest_run_state) == (0, "COMPLETED")


def test_writers_of_overlapping_groups_do_not_deadlock() -> None:
    sender = make_sender()
    groups = []
    for number in range(60):
        jobs = [f"job-{(number * step) % 7}" for step in range(1, 6)]
        groups.append([run_event("START", at(number), run=f"run-{number}-{job}", job=job) for job in jobs])
    distinct = {body for group in groups for body in group}
    assert send_from_threads(sender, groups) == len(distinct) == Event.objects.count()


def test_dbt_tests_and_the_models_that_they_need_at_once(sample_lines: Callable[..., list[bytes]]) -> None:
    """Runs of other jobs decide the state of a test without a result, and other writers bring them."""
    for seed in range(4):
        sender = make_sender()
        lines = [*sample_lines("dbt-build-doubt"), *sample_lines("dbt-build-doubt-again")]
        random.Random(seed).shuffle(lines)
        send_from_threads(sender, [[line] for line in lines])
        assert_shown_as_the_rules_say(sender.connection.id)
        assert (
            Job.objects.get(connection=sender.connection, name="model.shop.refunds.test").latest_run_state == "SKIPPED"
        )


def test_structured_dbt_tests_and_their_replay_at_once(sample_lines: Callable[..., list[bytes]]) -> None:
    """Runs of other jobs decide if the one run for all tests of a model is shown, and other writers bring them."""
    structured = sample_lines("dbt-build-struct")
    again = replayed_as(structured, sample_lines("dbt-build-fail"))
    for seed in range(4):
        sender = make_sender()
        lines = [*structured, *again]
        random.Random(seed).shuffle(lines)
        send_from_threads(sender, [[line] for line in lines])
        assert_shown_as_the_rules_say(sender.connection.id)
        assert not Job.objects.shown().of(sender.connection).filter(name__endswith="orders.test")


def test_two_names_of_one_run_that_come_at_once_are_one_run() -> None:
    """Each of two sessions digests the first event of a name before the other commits, and settles when it did."""
    sender = make_sender()
    producer = "https://github.com/OpenLineage/OpenLineage/tree/1.44.0/integration/spark"
    # Notes the connection's activity of this second, so that neither waits for the other to do it.
    sender.send(run_event(run="another", job="another"))
    both_digested = Barrier(2)

    def send(name: str) -> None:
        try:
            with transaction.atomic():
                digest([sender.submission([run_event(job=name, producer=producer)])], now=NOW)
                both_digested.wait(timeout=30)
            settle(sender.connection.id, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send, ["unknown", "etl"]))
    assert list(Run.objects.shown().values_list("job__name", flat=True).order_by("job__name")) == ["another", "etl"]
    assert_shown_as_the_rules_say(sender.connection.id)
