"""The cost of an event does not grow with the stored rows, from a new installation's first event on."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from lineage.database import pipeline
from lineage.database.plans import Plans
from lineage.models import Run
from tests.lineage.airflow import task_event
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender

JOBS = 20


def starts() -> Iterator[bytes]:
    """Runs of parents of their own, as an orchestrator's tasks are. None of them ends."""
    for number in itertools.count(1):
        yield run_event(
            time=(datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=number)).isoformat(),
            run=str(UUID(int=number)),
            job=f"dag.task_{number % JOBS}",
            run_facets={
                "parent": {"run": {"runId": str(UUID(int=number << 64))}, "job": {"namespace": "n", "name": "dag"}},
                "airflow": {"taskInstance": {"try_number": 1, "map_index": -1}},
            },
        )


def rows_read(*tables: str) -> int:
    """Count the rows of the tables that this transaction has read; of runs and jobs if none is named."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname = ANY (%s)",
            [list(tables or ("lineage_run", "lineage_job"))],
        )
        return int(cursor.fetchone()[0])


def test_plans_made_for_empty_tables_do_not_outlive_them(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests' session is an old one.
    monkeypatch.setattr(pipeline, "plans", Plans())
    with connection.cursor() as cursor:
        # Tables are now without rows, pages and statistics, like after the first migration.
        cursor.execute("TRUNCATE lineage_run, lineage_job")
    events = starts()
    for _ in range(50):
        sender.send(next(events))
    for _ in range(300):
        sender.send(*itertools.islice(events, 10))

    before = rows_read()
    sender.send(next(events))
    # Its job's runs are 150, and the runs of all jobs 3,000.
    assert rows_read() - before < 600


def test_the_end_of_a_node_does_not_read_its_whole_command(sender: Sender) -> None:
    """The table also holds thousands of DAG runs, each with an invocation of its own."""
    nodes = [f"test.shop.unique_{number}" for number in range(1000)]
    sender.send(*(node_ends(node) for node in nodes))
    run = Run.objects.of(sender.connection).first()
    assert run is not None
    alone = [(UUID(int=number), {"invocation_id": UUID(int=number), "node_id": None}) for number in range(3000)]
    Run.objects.bulk_create((copied(run, id_, **fields) for id_, fields in alone), batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lineage_run")

    # Jobs are as many as the nodes: so few that an old session's plan may read them all.
    before = rows_read("lineage_run")
    sender.send(node_ends("test.shop.another"))
    assert rows_read("lineage_run") - before < 100


def test_an_instance_of_a_mapped_task_is_not_compared_with_each_other_one(sender: Sender) -> None:
    instances = 300
    sender.send(*(task_event("START", 1, map_index=index) for index in range(instances)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lineage_run")

    before = rows_read()
    sender.send(task_event("FAIL", 2, map_index=0))
    # Running runs are counted.
    assert rows_read() - before < 10 * instances


def node_ends(node: str) -> bytes:
    """An event in the form of dbt-ol's structured mode."""
    return run_event(
        "COMPLETE",
        run=node,
        job=f"{node}.abc",
        run_facets={"dbt_run": {"invocation_id": "0f4e34a0-68b6-40e7-9642-6391e256a62a"}},
        job_facets={
            "jobType": {"jobType": "TEST", "integration": "DBT"},
            "dbt_node": {"unique_id": f"{node}.abc", "test_type": "generic"},
        },
    )


def copied(run: Run, id_: UUID, **fields: object) -> Run:
    values = {field.attname: getattr(run, field.attname) for field in Run._meta.concrete_fields}
    return Run(**{**values, "id": id_, **fields})


@pytest.mark.django_db
def test_no_statement_is_compiled() -> None:
    """A page's statements look dear to PostgreSQL, for all that they might have to look up: it would compile each."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
