"""Writes a plan's events and runs by COPY, one week per process, and all other rows by the product's own statements.

Nothing else may use the database meanwhile: its events are deleted first, and its indexes are removed while it runs.
"""

import multiprocessing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import django
import psycopg
from django.db import transaction
from psycopg import sql

from bench.generator.indexes import without_indexes
from bench.generator.plan import Plan
from bench.generator.rows import RUN_COLUMNS, RunRows, fold_events
from lineage.database.bodies import compress
from lineage.database.execute import pipeline
from lineage.digest.descriptions import description_rows
from lineage.digest.known import Written
from lineage.digest.lineage_rows import write_lineage
from lineage.digest.statements import events, jobs
from lineage.events.identity import event_id
from lineage.rows.tables import ordered
from lineage.states.job_counts import recount_jobs
from lineage.upkeep.partitions import name_of_week

_KEY = ["connection_id", "event_time", "id"]
_EVENT_COLUMNS = [*_KEY, "received_at", "kind", "event_type", "subject_id", "body_bytes", "body"]
_LARGE = ["lineage_event", "lineage_run"]
_WEEK = timedelta(weeks=1)
_JOBS_AT_ONCE = 1000
# Transitions as if each event had been digested at its own time.
_TRANSITIONS = """
INSERT INTO lineage_transition (connection_id, run_id, job_id, from_state, to_state, at, settled_at)
SELECT connection_id, id, job_id, 'UNKNOWN', 'RUNNING', run_at, run_at FROM lineage_run
UNION ALL
SELECT connection_id, id, job_id, 'RUNNING', shown_state, ended_at, ended_at FROM lineage_run
WHERE ended_at IS NOT NULL
ORDER BY 7
"""


@dataclass(frozen=True)
class _Target:
    """Destination of a plan, which processes receive."""

    url: str
    connection_id: UUID
    plan: Plan


def fill(*, url: str, connection_id: UUID, plan: Plan, processes: int) -> None:
    """Fill the database that Django uses, too. The connection must not have stored events."""
    target = _Target(url, connection_id, plan)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        # A spawned process imports this module for its first task, and the product's models need Django to be set up.
        pool_of = partial(multiprocessing.get_context("spawn").Pool, processes, initializer=django.setup)
        with without_indexes(connection, _LARGE), pool_of() as pool:
            for _ in pool.imap_unordered(partial(_write_week, target), _weeks(plan)):
                pass
        connection.execute(_TRANSITIONS)
        _write_other_tables(target)
        connection.execute("VACUUM (FREEZE, ANALYZE)")
        connection.execute("CHECKPOINT")


def _weeks(plan: Plan) -> list[datetime]:
    """Return the Mondays, those of whole weeks first. Shorter weeks then fill the time that other processes have
    left."""
    day = plan.first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = day - timedelta(days=day.weekday())
    mondays = [monday + week * _WEEK for week in range(6) if monday + week * _WEEK < plan.until]
    return sorted(mondays, key=lambda week: plan.first <= week and week + _WEEK <= plan.until, reverse=True)


def _write_week(target: _Target, monday: datetime) -> None:
    """Write all events of a week into its partition, and all runs that began in it."""
    until = monday + _WEEK
    run_rows = RunRows(target.connection_id)
    partition = name_of_week(monday.date())
    with (
        psycopg.connect(target.url) as of_events,
        psycopg.connect(target.url) as of_runs,
    ):
        # FREEZE saves later work of VACUUM. It needs a table that was emptied in this transaction.
        of_events.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(partition)))
        with (
            _copy(of_events, partition, _EVENT_COLUMNS, ", FREEZE") as event_copy,
            _copy(of_runs, "lineage_run", RUN_COLUMNS) as run_copy,
        ):
            for run in target.plan.runs_between(monday, until):
                row_id = run_rows.id_of(run)
                for type_, time in run.events:
                    if monday <= time < until:
                        body = run.body(type_, time)
                        key = (target.connection_id, time, event_id(body))
                        event_copy.write_row((*key, time, "RUN", type_, row_id, len(body), compress(body)))
                if monday <= run.began < until:
                    run_copy.write_row(run_rows.row(run))


@contextmanager
def _copy(connection: psycopg.Connection, table: str, columns: list[str], options: str = "") -> Iterator[psycopg.Copy]:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    described = connection.execute(
        sql.SQL("SELECT {} FROM {} LIMIT 0").format(names, sql.Identifier(table))
    ).description
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY{})").format(
        sql.Identifier(table), names, sql.SQL(options)
    )
    with connection.cursor().copy(statement) as copy:
        copy.set_types([column.type_code for column in described or ()])
        yield copy


def _write_other_tables(target: _Target) -> None:
    """Write jobs, datasets and edges, for which the first and the last event suffice.

    The runs and their indexes must exist, because jobs are counted from them.
    """
    plan = target.plan
    for first in range(0, plan.jobs, _JOBS_AT_ONCE):
        numbers = range(first, min(first + _JOBS_AT_ONCE, plan.jobs))
        with transaction.atomic():
            _project(target.connection_id, (body for number in numbers for body in _first_and_last(plan, number)))
    with transaction.atomic():
        events.touch_activity({target.connection_id: "shop.load_00001"}, now=plan.until)


def _first_and_last(plan: Plan, number: int) -> tuple[bytes, bytes]:
    """Return the first and the last event of the job whose first run has this number."""
    oldest, newest = plan.run(number), plan.run(number + plan.runs - plan.jobs)
    return oldest.body(*next(iter(oldest.events))), newest.body(*list(newest.events)[-1])


def _project(connection_id: UUID, bodies: Iterable[bytes]) -> None:
    rows = fold_events(connection_id, bodies)
    with pipeline():
        jobs.insert_jobs(ordered(rows.jobs.values()))
        jobs.describe_jobs(description_rows(rows.descriptions))
        recount_jobs(sorted(rows.jobs))
        write_lineage(rows, Written())
