"""Comparison of the database with a ledger."""

from collections import Counter
from typing import Any
from uuid import UUID

import psycopg

from tests.faults.events import JobRow, RunRow, expected_jobs, expected_runs
from tests.faults.load import Ledger
from tests.serving import OwnDatabase

_RUNS = """
SELECT run.run_id, job.name, run.state, run.event_count
FROM lineage_run AS run LEFT JOIN lineage_job AS job ON (job.connection_id, job.id) = (run.connection_id, run.job_id)
WHERE run.connection_id = %s
"""
_JOBS = "SELECT name, running_runs, latest_run_sent_id, latest_run_state FROM lineage_job WHERE connection_id = %s"
_EDGES = """
SELECT job.name, dataset.name, edge.direction FROM lineage_edge AS edge
JOIN lineage_job AS job ON (job.connection_id, job.id) = (edge.connection_id, edge.job_id)
JOIN lineage_dataset AS dataset ON (dataset.connection_id, dataset.id) = (edge.connection_id, edge.dataset_id)
WHERE edge.connection_id = %s
"""


def audit(database: OwnDatabase, connection_id: UUID, ledger: Ledger) -> None:
    """Check that no acknowledged event is lost, and none counts twice: as row, in responses, and on pages."""
    with psycopg.connect(database.url) as session:

        def rows(statement: str) -> list[tuple[Any, ...]]:
            return session.execute(statement, [connection_id]).fetchall()

        sent = ledger.sent
        stored = Counter(id_ for (id_,) in rows("SELECT id FROM lineage_event WHERE connection_id = %s"))
        assert not ledger.acknowledged - stored.keys(), "acknowledged, and lost"
        assert not stored.keys() - sent.keys(), "stored, and never sent"
        assert set(stored.values()) <= {1}, "stored twice"
        told = Counter(exchange.event.id for exchange in ledger.exchanges if exchange.answer == 201)
        assert set(told.values()) <= {1}, "told twice that it was new"

        events = [sent[id_] for id_ in stored]
        runs = {id_: RunRow(*row) for id_, *row in rows(_RUNS)}
        assert runs == expected_runs(events), "runs"
        assert {name: JobRow(*row) for name, *row in rows(_JOBS)} == expected_jobs(events), "jobs"
        jobs = {event.job for event in events}
        edges = {(job, f"marts.{job}", "WRITES") for job in jobs}
        edges |= {(job, source, "READS") for job in jobs for source in ("staging.orders", "staging.customers")}
        assert set(rows(_EDGES)) == edges, "edges"


def audit_by_rebuilding(database: OwnDatabase, connection_id: UUID) -> None:
    """Check that the rows are those that the product makes when it rebuilds them from the stored events."""
    said = database.manage("rebuild_lineage", "--connection", str(connection_id)).strip()
    # `lineage_activity` is written at most once a second, so it may be up to a second behind.
    assert said.endswith(("every row was right", "rows changed: 1 of lineage_activity")), said
