"""Settling: computes the shown values of marked runs and their relatives, and stores them with the counts of their
jobs.

The shown values of a run depend on all rows of its family (states/rules.py), but not on the order in which the rows
arrived. Settling runs after the digest's transaction. A mark stays until it is settled: after a crash the next
settling, or `manage.py maintain`, does it. Settlers of one connection wait for each other; intake waits only for the
rows that they write.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import add
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from connections.models import Connection
from lineage.database.execute import Row, arrays, execute_rows, pipeline, statement
from lineage.database.retries import with_retries
from lineage.database.timeouts import limit_waits
from lineage.runs.ancestors import ChildRun, ancestors_of
from lineage.runs.finished_ancestor import finished_ancestor
from lineage.states.family import FamilyRows, StoredRun, read_families
from lineage.states.job_counts import lock_jobs, recount_jobs
from lineage.states.marks import MarkRow, add_marks, delete_marks, mark_lost_children, read_marks
from lineage.states.patience import patience_of_jobs
from lineage.states.rules import GRACE, Family, FamilyRun, Shown, lost_after, shown

# Marks settled in one transaction.
SLICE: Final = 500

# A row that somebody keeps locked must not delay the other connections: the marks stay, and are settled later.
_LOCK_MS: Final = 500
_STATEMENT_MS: Final = 30_000
# Number of the advisory locks on connections; lineage/upkeep uses another one. Other settlers take turns of a second.
_LOCK_CONNECTION: Final = """
SELECT set_config('lock_timeout', '2s', true), pg_advisory_xact_lock(5230419, hashtext(%s::text))
"""
_LOCK = statement("""
SELECT FROM lineage_run WHERE (connection_id, id) IN (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))
ORDER BY connection_id, id FOR NO KEY UPDATE
""")
_CHANGED: Final = {
    "connection_id": "uuid",
    "id": "uuid",
    "job_id": "uuid",
    "event_count": "integer",
    "shown_state": "text",
    "shown_ended_at": "timestamptz",
    "is_hidden": "boolean",
    "lost_after": "timestamptz",
    "joined_in": "uuid",
    "shares_run_id": "boolean",
    "from_state": "text",
    "changed_at": "timestamptz",
    "settled_at": "timestamptz",
}
# A run into which an event was merged meanwhile is left as it is: it was marked again, or settled with the event.
_STORE = statement(f"""
WITH said AS (
    SELECT * FROM unnest({arrays(tuple(_CHANGED.values()))}) AS said ({", ".join(_CHANGED)})
), stored AS (
    UPDATE lineage_run AS run SET
        shown_state = said.shown_state, shown_ended_at = said.shown_ended_at, is_hidden = said.is_hidden,
        lost_after = said.lost_after, joined_in = said.joined_in, shares_run_id = said.shares_run_id,
        left_families = NULL
    FROM said
    WHERE run.connection_id = said.connection_id AND run.id = said.id AND run.event_count = said.event_count
    RETURNING run.connection_id, run.id
), noted AS (
    INSERT INTO lineage_transition (connection_id, run_id, job_id, from_state, to_state, at, settled_at)
    SELECT said.connection_id, said.id, said.job_id, said.from_state, said.shown_state, said.changed_at, said.settled_at
    FROM said JOIN stored USING (connection_id, id)
    WHERE said.from_state <> said.shown_state AND NOT said.is_hidden
)
SELECT id FROM stored
""")  # noqa: S608 - made of constants


class Settled(NamedTuple):
    """Numbers of marks settled, of runs and jobs changed, and of runs that have to be settled next."""

    marks: int = 0
    runs: int = 0
    jobs: int = 0
    to_follow: int = 0

    def plus(self, other: "Settled") -> "Settled":
        return Settled(*map(add, self, other))


def settle(connection_id: UUID, *, now: datetime) -> Settled:
    """Settle all marked runs of a connection. Raises Django's database errors."""
    total = Settled()
    while (settled := settle_slice(connection_id, now=now)).marks:
        total = total.plus(settled)
    return total


def settle_slice(connection_id: UUID, *, now: datetime) -> Settled:
    """Settle marked runs of a connection, as many as one transaction takes. Raises Django's database errors.

    1. Lock the connection: its settlers run one after another.
    2. Read a slice of the marks, and the families of the marked runs.
    3. Compute the shown values, in Python.
    4. Store each change with a transition, recount the jobs of the runs, and delete the marks.
    5. Mark the runs that were lost together with a run that is not lost any more.
    """
    return with_retries(transaction.atomic(partial(_settle_slice, connection_id, now)))


def _settle_slice(connection_id: UUID, now: datetime) -> Settled:
    _lock_connection(connection_id)
    marks = read_marks(connection_id, most=SLICE)
    return _settle_marked(connection_id, marks, now) if marks else Settled()


def _lock_connection(connection_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CONNECTION, [connection_id])


def _settle_marked(connection_id: UUID, marks: Sequence[MarkRow], now: datetime) -> Settled:
    rows = read_families(connection_id, {mark.run_id for mark in marks})
    changes = list(_changes(rows, now))
    return _store(connection_id, rows, changes, marks, now)


class _Change(NamedTuple):
    run: StoredRun
    shown: Shown


def _changes(rows: FamilyRows, now: datetime) -> Iterator[_Change]:
    """Yield the runs whose shown values change, or that left a family."""
    family = Family(run.own for id_, run in rows.runs.items() if id_ not in rows.joined_in)
    settled = {id_: shown(rows.runs[id_].own, family) for id_ in rows.to_settle - rows.joined_in.keys()}
    running = [rows.runs[id_] for id_, its in settled.items() if its.state == "RUNNING"]
    for id_, its in _with_run_ids(rows, settled | _with_time(running, settled, now)).items():
        run = rows.runs[id_]
        if its != run.shown or run.left_families:
            yield _Change(run, its)


def _with_run_ids(rows: FamilyRows, settled: Mapping[UUID, Shown]) -> dict[UUID, Shown]:
    """Add which runs share their run id, and the rows that are hidden because another row joins them."""
    shown_runs = Counter(rows.runs[id_].own.run_id for id_, its in settled.items() if not its.is_hidden)

    def shares(run: StoredRun) -> bool:
        run_id = run.own.run_id
        return shown_runs[run_id] > 1 if run_id in rows.run_ids else run.shown.shares_run_id

    found = {id_: its._replace(shares_run_id=shares(rows.runs[id_])) for id_, its in settled.items()}
    joined = {
        id_: found[in_]._replace(is_hidden=True, joined_in=in_, shares_run_id=False)
        for id_, in_ in rows.joined_in.items()
    }
    return found | joined


def _with_time(running: Sequence[StoredRun], settled: Mapping[UUID, Shown], now: datetime) -> dict[UUID, Shown]:
    """Return the shown values of the runs that seem to be running: RUNNING or LOST."""
    if not running:
        return {}
    patience = patience_of_jobs({(run.own.connection_id, run.own.job_id) for run in running})
    # Ancestors are read only for runs that have been silent for a while; deadlines.py examines the others later.
    silent = [run for run in running if run.own.parent_run_id and run.own.silent_since < now - GRACE]
    children = (ChildRun(*run.own[:3], run.own.parent_run_id, run.parent_job_name) for run in silent)
    ancestors = ancestors_of(children, Connection.objects.live())
    found = {}
    for run in running:
        key = (run.own.connection_id, run.own.id)
        at = lost_after(
            run.own,
            # The jobs of a removed connection may be deleted already.
            patience=patience.get((run.own.connection_id, run.own.job_id)),
            ended=finished_ancestor(run.own.silent_since, ancestors.get(key, ())),
        )
        is_lost = at is not None and at <= now
        found[run.own.id] = settled[run.own.id]._replace(state="LOST" if is_lost else "RUNNING", lost_after=at)
    return found


def _store(
    connection_id: UUID, rows: FamilyRows, changes: Sequence[_Change], marks: Sequence[MarkRow], now: datetime
) -> Settled:
    """Store the changes. Locks runs before jobs, both sorted, as digest does."""
    keys = sorted((connection_id, change.run.own.id) for change in changes)
    with pipeline():
        limit_waits(lock_ms=_LOCK_MS, statement_ms=_STATEMENT_MS)
        execute_rows(_LOCK, ("uuid", "uuid"), keys)
        stored = execute_rows(_STORE, tuple(_CHANGED.values()), [_row(change, now) for change in changes])
    written = {id_ for (id_,) in stored.rows()}
    touched = [*(change.run for change in changes), *(rows.runs[m.run_id] for m in marks if m.run_id in rows.runs)]
    jobs = sorted({(connection_id, run.own.job_id) for run in touched})
    with pipeline():
        lock_jobs(jobs)
        recounted = recount_jobs(jobs)
        add_marks(connection_id, [change.run.own.id for change in changes if change.run.own.id not in written])
        delete_marks(connection_id, marks)
    to_follow = len(changes) - len(written) + _mark_below_revived(changes)
    return Settled(len(marks), len(written), len(recounted.rows()), to_follow)


def _mark_below_revived(changes: Sequence[_Change]) -> int:
    """Mark what was lost together with runs that are not lost any more, in any connection. Returns the number of those
    runs."""
    if revived := [run.own.run_id for run, its in changes if run.shown.state == "LOST" != its.state]:
        visible = Connection.objects.live().order_by().values_list("pk", flat=True)
        mark_lost_children(visible, revived)
    return len(revived)


def _row(change: _Change, now: datetime) -> Row:
    own, its = change.run.own, change.shown
    before = "UNKNOWN" if change.run.shown.is_hidden else change.run.shown.state
    return (
        *(own.connection_id, own.id, own.job_id, change.run.event_count),
        *its,
        *(before, changed_at(own, its), now),
    )


def changed_at(run: FamilyRun, its: Shown) -> datetime:
    """Return the time at which the run came into its shown state, by the sender's clock."""
    if its.state == "LOST" and its.lost_after is not None:
        return its.lost_after
    if its.state == "RUNNING":
        return run.run_at
    return its.ended_at or run.last_event_at
