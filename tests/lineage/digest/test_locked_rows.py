"""Rows that other transactions keep locked are found, and only the events which need them are not committed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection as database

from lineage.digest.locked_rows import RowKey, locked_rows, rows_needed_by
from lineage.events.identity import job_id
from lineage.intake.commit import Committed, commit
from lineage.models import Job, Run
from tests.lineage.build import at, run_event
from tests.lineage.conftest import NOW, Sender, make_sender
from tests.lineage.refused import refused_by_the_database

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def locked(statement: str, *parameters: object) -> Iterator[None]:
    """Another session, which keeps what the statement locks."""
    settings = database.get_connection_params()
    settings = {name: settings[name] for name in ("host", "port", "user", "password", "dbname") if name in settings}
    with psycopg.connect(**settings) as session:
        session.execute(statement, parameters)
        yield
        session.rollback()


def test_locked_jobs_and_runs_are_found(sender: Sender) -> None:
    sender.send(*(run_event(job=name, run=name) for name in "abc"))
    submission = sender.submission([run_event(job=name, run=name) for name in "abcd"])
    needed = rows_needed_by(submission)
    assert len(needed) == 8
    assert locked_rows(needed) == frozenset()
    job, run = Job.objects.get(name="a"), Run.objects.get(job__name="b")
    with (
        locked("SELECT FROM lineage_job WHERE id = %s FOR UPDATE", job.id),
        locked("SELECT FROM lineage_run WHERE id = %s FOR NO KEY UPDATE", run.id),
    ):
        assert locked_rows(needed) == {
            RowKey("lineage_job", sender.connection.id, job.id),
            RowKey("lineage_run", sender.connection.id, run.id),
        }
    assert locked_rows(needed) == frozenset()


@pytest.mark.parametrize("table", ["lineage_job", "lineage_run"])
def test_events_that_need_no_locked_row_are_committed(sender: Sender, table: str) -> None:
    sender.send(run_event(job="held", run="held"))
    submissions = [
        sender.submission([run_event("COMPLETE", at(9), job=name, run=name)]) for name in ("held", "free", "also free")
    ]
    with locked(f"SELECT FROM {table} WHERE connection_id = %s FOR UPDATE", sender.connection.id):
        held, *others = commit(submissions, now=NOW)
    assert others == [Committed(accepted=True, stored=1)] * 2
    assert (held.accepted, held.stored) == (True, 0)
    assert {row.table for row in held.locked} == {table}
    assert Run.objects.filter(state="COMPLETED").count() == 2
    assert commit(submissions, now=NOW + timedelta(seconds=1)) == [
        Committed(accepted=True, stored=1),
        *[Committed(accepted=True, stored=0)] * 2,
    ]


def test_a_locked_table_leaves_all_waiting(sender: Sender) -> None:
    submissions = [sender.submission([run_event(job=name, run=name)]) for name in "abc"]
    for table in ("lineage_event", "lineage_job"):
        with locked(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
            assert commit(submissions, now=NOW) == [Committed(accepted=True, stored=0, waits=True)] * 3
    assert commit(submissions, now=NOW) == [Committed(accepted=True, stored=1)] * 3


@contextmanager
def inserting_job(sender: Sender, name: str) -> Iterator[None]:
    """Another session inserts a job and does not commit it: nobody else sees the row, and another INSERT waits."""
    values = sender.connection.id, job_id(sender.connection.id, "namespace", name), name
    with locked(
        "INSERT INTO lineage_job (connection_id, id, namespace, name, kind, integration, processing_type) "
        "VALUES (%s, %s, 'namespace', %s, 'JOB', '', '')",
        *values,
    ):
        yield


def test_other_connections_do_not_wait_for_a_row_that_nobody_sees(sender: Sender) -> None:
    others = [make_sender(), make_sender()]
    submissions = [each.submission([run_event(job="new", run="new")]) for each in (others[0], sender, others[1])]
    with inserting_job(sender, "new"):
        committed = commit(submissions, now=NOW)
    assert [its.waits for its in committed] == [False, True, False]
    assert [its.stored for its in committed] == [1, 0, 1]


def test_other_submissions_of_the_connection_do_not_wait_either(sender: Sender) -> None:
    """Submissions are tried one by one if all are of one connection."""
    submissions = [sender.submission([run_event(job=name, run=name)]) for name in ("one", "new", "two")]
    with inserting_job(sender, "new"):
        committed = commit(submissions, now=NOW)
    assert [its.waits for its in committed] == [False, True, False]
    assert [its.stored for its in committed] == [1, 0, 1]


def test_an_event_that_can_never_be_stored_is_found_beside_a_locked_row(sender: Sender) -> None:
    sender.send(run_event(job="held", run="held"))
    submissions = [sender.submission([run_event(job=name, run=name)]) for name in ("held", "poison", "free")]
    submissions[0] = sender.submission([run_event("COMPLETE", at(9), job="held", run="held")])
    with (
        refused_by_the_database("poison"),
        locked("SELECT FROM lineage_job WHERE connection_id = %s AND name = 'held' FOR UPDATE", sender.connection.id),
    ):
        held, poison, free = commit(submissions, now=NOW)
    assert (held.stored, bool(held.locked)) == (0, True)
    assert poison == Committed(accepted=True, stored=0, unstorable=frozenset({0}))
    assert free == Committed(accepted=True, stored=1)
