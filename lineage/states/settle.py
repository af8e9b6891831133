"""Settling: computes what marked runs and their relatives are shown as, and stores it, with their jobs' counts.

What a run is shown as follows from all rows of its family (states/rules.py), so it does not matter in which order the
rows came. Settling follows the digest's transaction. A mark stays until it is settled: after a crash the next turn, or
`manage.py maintain`, does it. Settlers of one connection take turns; the intake never waits for them but for the rows
that they write.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import add
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from connections.models import Connection
from lineage.database.execute import Row, arrays, execute_rows, pipeline, statement
from lineage.database.retries import in_transaction
from lineage.runs.ancestors import Child, ancestors_of
from lineage.runs.ended_above import ended_above
from lineage.states.family import FamilyRows, StoredRun, read_families
from lineage.states.job_counts import lock_jobs, recount_jobs
from lineage.states.marks import Mark, add_marks, delete_marks, mark_lost_children, read_marks
from lineage.states.patience import patience_of_jobs
from lineage.states.rules import GRACE, Family, FamilyRun, Shown, lost_after, shown

# Marks that are settled in one transaction.
SLICE: Final = 500

# Advisory locks with this number are of connections; lineage/upkeep has another. A row that somebody keeps locked must
# not hold up the other connections: the marks stay, and are settled later.
_TAKE_TURNS: Final = """
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
    "from_state": "text",
    "changed_at": "timestamptz",
    "settled_at": "timestamptz",
}
# A run of which an event was merged meanwhile is left as it is: it was marked again, or settled with the event.
_STORE = statement(f"""
WITH said AS (
    SELECT * FROM unnest({arrays(tuple(_CHANGED.values()))}) AS said ({", ".join(_CHANGED)})
), stored AS (
    UPDATE lineage_run AS run SET
        shown_state = said.shown_state, shown_ended_at = said.shown_ended_at, is_hidden = said.is_hidden,
        lost_after = said.lost_after, left_families = NULL
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
    """How many marks were settled, how many runs and jobs changed, and how many runs are to be settled after these."""

    marks: int = 0
    runs: int = 0
    jobs: int = 0
    to_follow: int = 0

    def plus(self, other: "Settled") -> "Settled":
        return Settled(*map(add, self, other))


def settle(connection_id: UUID, *, now: datetime) -> Settled:
    """Settles all marked runs of a connection. Raises Django's database errors."""
    total = Settled()
    while (settled := settle_slice(connection_id, now=now)).marks:
        total = total.plus(settled)
    return total


def settle_slice(connection_id: UUID, *, now: datetime) -> Settled:
    """Settles marked runs of a connection, as many as one transaction takes. Raises Django's database errors.

    1. Takes its turn: settlers of one connection run one after another.
    2. Reads a slice of the marks, and the families of the marked runs.
    3. Computes what they are shown as, in Python.
    4. Stores what changed with a transition each, counts the runs of their jobs anew, and deletes the marks.
    5. Marks the runs that were lost together with one that is not lost any more.
    """
    return in_transaction(partial(_settle_slice, connection_id, now))


def _settle_slice(connection_id: UUID, now: datetime) -> Settled:
    _take_turn(connection_id)
    marks = read_marks(connection_id, most=SLICE)
    return _settle_marked(connection_id, marks, now) if marks else Settled()


def _take_turn(connection_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURNS, [connection_id])


def _settle_marked(connection_id: UUID, marks: Sequence[Mark], now: datetime) -> Settled:
    rows = read_families(connection_id, {mark.run_id for mark in marks})
    changes = list(_changes(rows, now))
    return _store(connection_id, rows, changes, marks, now)


class _Change(NamedTuple):
    run: StoredRun
    shown: Shown


def _changes(rows: FamilyRows, now: datetime) -> Iterator[_Change]:
    """The runs that are shown otherwise than until now, or that have left a family."""
    family = Family(run.own for run in rows.runs.values())
    settled = {id_: shown(rows.runs[id_].own, family) for id_ in rows.to_settle}
    running = [rows.runs[id_] for id_, its in settled.items() if its.state == "RUNNING"]
    for id_, its in (settled | _with_time(running, settled, now)).items():
        run = rows.runs[id_]
        if its != run.shown or run.left_families:
            yield _Change(run, its)


def _with_time(running: Sequence[StoredRun], settled: Mapping[UUID, Shown], now: datetime) -> dict[UUID, Shown]:
    """What the runs that seem to be running are shown as now: RUNNING or LOST."""
    if not running:
        return {}
    patience = patience_of_jobs({(run.own.connection_id, run.own.job_id) for run in running})
    # What ended above is asked of those that have been silent for a while: deadlines.py looks at the others in time.
    silent = [run for run in running if run.own.parent_run_id and run.own.last_event_at < now - GRACE]
    ancestors = ancestors_of(Child(*run.own[:2], run.own.parent_run_id, run.parent_job_name) for run in silent)
    found = {}
    for run in running:
        key = (run.own.connection_id, run.own.id)
        at = lost_after(
            run.own,
            # A connection that is removed may have lost its jobs already.
            patience=patience.get((run.own.connection_id, run.own.job_id)),
            ended=ended_above(run.own.last_event_at, ancestors.get(key, ())),
        )
        is_lost = at is not None and at <= now
        found[run.own.id] = settled[run.own.id]._replace(state="LOST" if is_lost else "RUNNING", lost_after=at)
    return found


def _store(
    connection_id: UUID, rows: FamilyRows, changes: Sequence[_Change], marks: Sequence[Mark], now: datetime
) -> Settled:
    """Locks runs before jobs, both sorted, as digest does."""
    keys = sorted((connection_id, change.run.own.id) for change in changes)
    with pipeline():
        execute_rows(_LOCK, ("uuid", "uuid"), keys)
        stored = execute_rows(_STORE, tuple(_CHANGED.values()), [_row(change, now) for change in changes])
    written = {id_ for (id_,) in stored.rows()}
    touched = [*(change.run for change in changes), *(rows.runs[m.run_id] for m in marks if m.run_id in rows.runs)]
    jobs = sorted({(connection_id, job_id) for run in touched for job_id in _jobs_of(run)})
    with pipeline():
        lock_jobs(jobs)
        recounted = recount_jobs(jobs)
        add_marks(connection_id, [change.run.own.id for change in changes if change.run.own.id not in written])
        delete_marks(connection_id, marks)
    to_follow = len(changes) - len(written) + _mark_below_revived(changes)
    return Settled(len(marks), len(written), len(recounted.rows()), to_follow)


def _mark_below_revived(changes: Sequence[_Change]) -> int:
    """Marks what was lost together with runs that are not lost any more, in any connection. How many of these."""
    if revived := [run.own.id for run, its in changes if run.shown.state == "LOST" != its.state]:
        visible = Connection.objects.visible().order_by().values_list("pk", flat=True)
        mark_lost_children(visible, revived)
    return len(revived)


def _jobs_of(run: StoredRun) -> Iterable[UUID]:
    return (run.own.job_id, *(left.job_id for left in run.left_families))


def _row(change: _Change, now: datetime) -> Row:
    own, its = change.run.own, change.shown
    before = "UNKNOWN" if change.run.shown.is_hidden else change.run.shown.state
    return (
        *(own.connection_id, own.id, own.job_id, change.run.event_count),
        *its,
        *(before, changed_at(own, its), now),
    )


def changed_at(run: FamilyRun, its: Shown) -> datetime:
    """When the run came into the state that it is shown in, by its sender's clock."""
    if its.state == "LOST" and its.lost_after is not None:
        return its.lost_after
    if its.state == "RUNNING":
        return run.run_at
    return its.ended_at or run.last_event_at
