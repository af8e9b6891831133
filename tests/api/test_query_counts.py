"""Lists send as many queries for 30 rows as for 1."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import ApiKey, Attempt, Connection
from lineage.models import Edge, Run
from tests.api.rows import (
    NOW,
    dataset_id,
    make_activity,
    make_connection,
    make_dataset,
    make_event,
    make_job,
    make_key,
    make_run,
)

RUN_ID = uuid.uuid4()


def add_connection(first: Connection, run: Run, n: int) -> None:
    connection = make_connection(f"connection {n}")
    make_activity(connection, NOW)
    make_key(connection)
    Attempt.objects.create(connection=connection, at=NOW, outcome="rejected", status=400, reason="not JSON")
    make_job(connection)


def add_attempt_and_key(first: Connection, run: Run, n: int) -> None:
    Attempt.objects.create(connection=first, at=NOW, outcome="stored", status=200, key_name=f"key {n}")
    user = get_user_model().objects.create_user(f"user {n}")
    ApiKey.objects.create(connection=first, name=f"key {n}", lookup=f"{n}", created_at=NOW, created_by=user)
    make_run(make_job(first, f"job {n}"), started_at=timezone.now(), ended_at=timezone.now())


def add_job(first: Connection, run: Run, n: int) -> None:
    make_job(first, f"job {n}", latest_run_id=uuid.uuid4(), latest_run_state="COMPLETED", latest_run_at=NOW)


def add_run(first: Connection, run: Run, n: int) -> None:
    make_run(make_job(first, f"job {n}"), parent_run_id=uuid.uuid4(), parent_job_name="parent")
    make_run(run.job)


def add_holder_of_the_same_run_id(first: Connection, run: Run, n: int) -> None:
    make_run(make_job(make_connection(f"holder {n}")), id=RUN_ID)


def add_child(first: Connection, run: Run, n: int) -> None:
    make_run(make_job(make_connection(f"started {n}")), parent_run_id=run.id, parent_job_name=run.job.name)


def add_event(first: Connection, run: Run, n: int) -> None:
    make_event(run, event_time=NOW + timedelta(seconds=n))


def add_use(first: Connection, run: Run, n: int) -> None:
    dataset = make_dataset(make_connection(f"user {n}"))
    job = make_job(dataset.connection, f"job {n}")
    hours = {"first_event_hour": NOW, "last_event_hour": NOW}
    for direction in ("READS", "WRITES"):
        of = {"job": job, "connection": dataset.connection, "dataset_id": dataset.id, "direction": direction}
        edge = Edge.objects.create(id=uuid.uuid4(), **of, **hours)
        make_run(job, edge_ids=[edge.id])


def add_dataset(first: Connection, run: Run, n: int) -> None:
    make_dataset(first, f"table {n}")
    make_dataset(make_connection(f"toucher {n}"), f"table {n}")


@pytest.mark.parametrize(
    ("path", "add", "expected"),
    [
        # One finds the token, one the connections that only members see. The list of visible ones is one more.
        ("connections", add_connection, 10),
        ("connections/{connection}", add_attempt_and_key, 13),
        ("connections/{connection}/jobs", add_job, 4),
        ("connections/{connection}/runs", add_run, 5),
        ("runs", add_run, 5),
        ("jobs/{job}", add_run, 10),
        ("jobs/{job}/runs", add_run, 5),
        # Whether its person may see code and SQL takes four: the connection, what the person may do, and whether
        # they are a member.
        ("runs/{run}", add_holder_of_the_same_run_id, 10),
        ("runs/{run}/children", add_child, 9),
        ("runs/{run}/events?connection_id={connection}", add_event, 9),
        ("datasets", add_dataset, 5),
        (f"datasets/{dataset_id('public.orders')}", add_use, 19),
        (f"datasets/{dataset_id('public.orders')}/runs", add_use, 8),
        # Their names have the word; so have the connections'.
        ("search?q=job", add_run, 15),
        ("search?q=connection", add_connection, 21),
    ],
)
def test_the_number_of_queries_does_not_grow(
    api: Client, path: str, add: Callable[[Connection, Run, int], None], expected: int
) -> None:
    first = make_connection("first")
    run = make_run(make_job(first), id=RUN_ID)
    url = "/api/v1/" + path.format(connection=first.pk, job=run.job_id, run=run.id)
    api.get("/api/v1/connections")  # notes the token's use

    def statements() -> list[str]:
        with CaptureQueriesContext(database) as queries:
            assert api.get(url).status_code == 200
        return [query["sql"] or "" for query in queries]

    add(first, run, 0)
    few = statements()
    for n in range(1, 30):
        add(first, run, n)
    many = statements()
    assert len(many) == len(few) == expected, "\n".join(many)
