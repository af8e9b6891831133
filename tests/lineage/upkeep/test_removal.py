"""Removing a connection: what is gone at once, what goes after that, and what stays."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, transaction
from django.db import connection as database
from django.db.models import Model

from connections import actions
from connections.models import ApiKey, Attempt, Connection
from lineage.models import (
    Activity,
    Alias,
    Change,
    Check,
    Content,
    Dataset,
    Edge,
    Event,
    Extraction,
    Fact,
    Job,
    Measure,
    Relation,
    Run,
)
from lineage.upkeep import removal
from tests.conftest import InThread
from tests.lineage.conftest import READER
from tests.lineage.dataset_rows import make_dataset

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SAID = (Content, Fact, Alias, Change, Measure, Check, Relation, Extraction)
TABLES = (*SAID, Edge, Dataset, Run, Job, Event, Activity, Attempt)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "CHUNK", 3)


def make_event(connection: Connection, n: int) -> Event:
    """Make the n-th event: over several partitions, also the default one, and several events at one time."""
    return Event(
        connection=connection,
        event_time=datetime.now(UTC).replace(microsecond=0) - timedelta(weeks=10 * (n % 3)),
        id=uuid.uuid4(),
        received_at=NOW,
        kind="RUN",
        subject_id=uuid.uuid4(),
        body_bytes=2,
        body="{}",
    )


def make_said(model: type[Model], connection: Connection) -> Any:
    """Make a row of what events say of datasets."""
    values: dict[str, Callable[[], Any]] = {
        "UUIDField": uuid.uuid4,
        "DateTimeField": lambda: NOW,
        "BooleanField": bool,
        "IntegerField": int,
    }
    fields = [field for field in model._meta.concrete_fields if field.name != "connection" and not field.null]
    return model(connection=connection, **{f.name: values.get(f.get_internal_type(), str)() for f in fields})


def make_connection(name: str, rows: int = 10) -> Connection:
    """A connection with this many rows in each table that holds many."""
    connection = actions.create_connection(name=name, type="airflow", created_by=None, now=NOW)
    actions.create_api_key(connection=connection, name="worker", created_by=None, now=NOW)
    jobs = [
        Job(connection=connection, id=uuid.uuid4(), namespace="prod", name=f"job {n}", described_at=NOW)
        for n in range(rows)
    ]
    Job.objects.bulk_create(jobs)
    Run.objects.bulk_create(
        Run(connection=connection, id=id_, run_id=id_, job=job, first_event_at=NOW, last_event_at=NOW, event_count=1)
        for job, id_ in ((job, uuid.uuid4()) for job in jobs)
    )
    Event.objects.bulk_create(make_event(connection, n) for n in range(rows))
    # The same in each connection.
    Dataset.objects.bulk_create(make_dataset(connection, f"table {n}", id=uuid.UUID(int=n)) for n in range(rows))
    Edge.objects.bulk_create(
        Edge(
            connection=connection,
            id=uuid.uuid4(),
            job=job,
            dataset_id=uuid.UUID(int=n),
            direction="READS",
            first_event_hour=NOW,
            last_event_hour=NOW,
        )
        for n, job in enumerate(jobs)
    )
    for model in SAID:
        model.objects.bulk_create(make_said(model, connection) for _ in range(rows))
    Activity.objects.create(connection=connection, first_event_at=NOW, last_event_at=NOW)
    for n in range(rows):
        Attempt.objects.create(connection=connection, at=NOW + timedelta(seconds=n), outcome="stored", status=201)
    return connection


def rows_of(connection_id: uuid.UUID) -> dict[str, int]:
    return {table.__name__: table.objects.filter(connection_id=connection_id).count() for table in TABLES}


def nothing() -> dict[str, int]:
    return dict.fromkeys((table.__name__ for table in TABLES), 0)


def test_every_table_of_what_was_sent_is_known_to_it() -> None:
    """A new table would keep the rows of removed connections for ever."""
    known = {table.model for table, _ in removal._TABLES}
    assert known >= set(apps.get_app_config("lineage").get_models())


@pytest.mark.django_db
def test_it_says_what_goes() -> None:
    connection = make_connection("leaving", rows=4)
    make_connection("staying", rows=2)
    assert removal.removal_preview(connection) == removal.Removal(jobs=4, runs=4, keys=1)


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [0, 2, 3, 10])
def test_all_of_a_connection_goes_and_nothing_of_another(rows: int) -> None:
    leaving, staying = make_connection("leaving", rows), make_connection("staying", 5)
    before = rows_of(staying.pk)
    assert min(before.values()) > 0
    removal.remove_connection(connection=leaving, now=NOW)
    assert rows_of(leaving.pk) == nothing()
    assert rows_of(staying.pk) == before
    assert list(Connection.objects.all()) == [staying]
    assert [key.connection for key in ApiKey.objects.all()] == [staying]


@pytest.mark.django_db
def test_what_takes_too_long_is_hidden_at_once_and_deleted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_BUDGET_SECONDS", 0)
    connection = make_connection("leaving")
    removal.remove_connection(connection=connection, now=NOW)
    assert rows_of(connection.pk)["Run"] == 10
    assert not ApiKey.objects.exists()
    assert not Connection.objects.live().exists()
    for table in (*SAID, Edge, Dataset, Run, Job, Event):
        assert not table.objects.visible(READER).exists()
    assert removal.sweep_removed_connections() == 1
    assert rows_of(connection.pk) == nothing()
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_a_sweep_that_was_stopped_goes_on_where_it_was() -> None:
    leaving, staying = make_connection("leaving"), make_connection("staying")
    actions.end_connection(connection=leaving, now=NOW)
    counts, sweeps = [], 0
    while Connection.objects.filter(pk=leaving.pk).exists():
        steps = iter([False, False, True])
        sweeps += 1
        removal.sweep_removed_connections(should_stop=partial(next, steps))
        counts.append(sum(rows_of(leaving.pk).values()))
        assert sweeps < 100
    assert sweeps > 5
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) >= len(counts) - 1
    assert rows_of(staying.pk)["Job"] == 10


@pytest.mark.django_db
def test_each_step_is_short() -> None:
    """A statement deletes no more than a chunk, whatever the connection holds."""
    connection = make_connection("leaving")
    actions.end_connection(connection=connection, now=NOW)
    deleted = []

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("DELETE"):
            deleted.append(context["cursor"].rowcount)
        return result

    with database.execute_wrapper(count):
        removal.sweep_removed_connections()
    assert max(deleted) == 3
    assert sum(deleted) == (len(TABLES) - 1) * 10 + 2


@pytest.mark.django_db
def test_a_connection_that_nobody_removed_is_not_swept() -> None:
    connection = make_connection("staying")
    before = rows_of(connection.pk)
    assert removal.sweep_removed_connections() == 0
    assert rows_of(connection.pk) == before


@pytest.mark.django_db
def test_a_failure_after_the_connection_ended_is_not_shown_to_who_removed_it() -> None:
    connection = make_connection("leaving")

    def fail(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith("DELETE") and "lineage_" in sql:
            raise OperationalError("canceling statement due to statement timeout")
        return execute(sql, params, many, context)

    with database.execute_wrapper(fail):
        removal.remove_connection(connection=connection, now=NOW)
    assert not Connection.objects.live().exists()
    assert removal.sweep_removed_connections() == 1


@pytest.mark.django_db(transaction=True)
def test_what_another_process_is_deleting_is_left_to_it(in_thread: InThread) -> None:
    connection = make_connection("leaving")
    actions.end_connection(connection=connection, now=NOW)
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        assert in_thread(removal.sweep_removed_connections).result(timeout=10) == 0
    sweeps = [in_thread(removal.sweep_removed_connections) for _ in range(4)]
    for sweep in sweeps:
        sweep.result(timeout=10)
    removal.sweep_removed_connections()
    assert rows_of(connection.pk) == nothing()
    assert not Connection.objects.exists()
