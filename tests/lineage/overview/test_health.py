"""Runs of the last days, and how many of them failed: of jobs and of connections."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from connections.models import Connection
from lineage.models import Job, Run
from lineage.overview import health
from lineage.overview.health import Day, health_of_connections, health_of_jobs
from tests.web.rows import NOW, job, make_connection

pytestmark = pytest.mark.django_db

TODAY = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC)


def add_job(connection: Connection, *runs: tuple[datetime, str]) -> Job:
    made = job(connection, str(uuid4()))
    made.save()
    Run.objects.bulk_create(
        Run(
            connection=connection, id=(id_ := uuid4()), run_id=id_, job=made, event_count=1,
            first_event_at=at, last_event_at=at, shown_state=state, is_hidden=state == "hidden",
        )
        for at, state in runs
    )  # fmt: skip
    return made


def test_days_begin_and_end_in_utc() -> None:
    connection, other = make_connection("one"), make_connection("other")
    last, first = TODAY + timedelta(hours=23, minutes=59), TODAY - timedelta(days=13)
    made = add_job(
        connection,
        *[(last, "FAILED"), (last, "COMPLETED"), (first, "FAILED"), (TODAY, "hidden")],
        *[(first - timedelta(seconds=1), "FAILED"), (TODAY + timedelta(days=1), "FAILED")],
    )
    add_job(connection, (TODAY, "LOST"))
    of_job = health_of_jobs([(connection.pk, made.id), (other.pk, uuid4())], now=NOW)
    assert list(of_job) == [made.id]
    assert (of_job[made.id].runs, of_job[made.id].failed, of_job[made.id].is_cut) == (3, 2, False)
    assert (of_job[made.id].days[0], of_job[made.id].days[-1]) == (Day(first.date(), 1, 1), Day(TODAY.date(), 2, 1))
    of_connection = health_of_connections([connection.pk, other.pk], now=NOW)
    assert list(of_connection) == [connection.pk]
    assert of_connection[connection.pk].days[-1] == Day(date(2026, 3, 2), 3, 1)
    assert len(of_connection[connection.pk].days) == 14


def test_more_runs_than_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MOST_A_DAY", 2)
    connection = make_connection()
    made = add_job(connection, (TODAY, "FAILED"), *[(TODAY + timedelta(hours=n), "COMPLETED") for n in (1, 2)])
    for found in (
        health_of_jobs([(connection.pk, made.id)], now=NOW)[made.id],
        health_of_connections([connection.pk], now=NOW)[connection.pk],
    ):
        # The latest are counted.
        assert (found.runs, found.failed, found.is_cut) == (2, 0, True)
