"""Events in, rows out: one transaction, no HTTP. Any order and any repetition of events gives the same rows.

Stores what several requests sent, and projects the new events into jobs, runs, datasets and edges.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import OperationalError, transaction

from connections.models import ApiKey
from lineage.events import Event
from lineage.events.decode import subject_id
from lineage.projection.rows import Rows, fold, ordered
from lineage.sql import datasets, events, jobs, runs
from lineage.sql.execute import Row, pipeline

# SQLSTATEs of transactions that another one upset: serialization_failure, deadlock_detected.
_UPSET = ("40001", "40P01")
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Submission:
    """What one request brings: decoded events, and the key that vouches for them."""

    connection_id: UUID
    key_id: UUID
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission. `accepted` is False where its key is no longer one of the connection:
    nothing of it was stored. `stored` counts the events that were new; the others were stored before."""

    accepted: bool
    stored: int


def digest(submissions: Sequence[Submission], *, now: datetime) -> list[Receipt]:
    """Commits all submissions in one transaction and tells what became of each, in their order.

    Raises Django's database errors; then nothing was stored.
    """
    for remaining in range(_TRIES - 1, -1, -1):
        try:
            return _digest_once(submissions, now)
        except OperationalError as error:
            if not remaining or getattr(error.__cause__, "sqlstate", None) not in _UPSET:
                raise
    raise AssertionError("the last try returns or raises")


@transaction.atomic
def _digest_once(submissions: Sequence[Submission], now: datetime) -> list[Receipt]:
    connection_of_key = ApiKey.objects.lock_live({submission.key_id for submission in submissions})
    accepted = [s for s in submissions if connection_of_key.get(s.key_id) == s.connection_id]
    offered = {(s.connection_id, event.id): event for s in accepted for event in s.events}
    new = _store(offered, now) if offered else set()
    if new:
        _project(fold((connection_id, offered[connection_id, id_]) for connection_id, id_ in new))
        events.touch_activity(_heard_from(accepted, new), now=now)
    return _receipts(submissions, accepted, new)


def _store(offered: dict[tuple[UUID, UUID], Event], now: datetime) -> set[tuple[UUID, UUID]]:
    stored = events.insert_events(
        [
            (
                connection_id,
                event.event_time,
                event.id,
                now,
                event.kind,
                event.event_type,
                subject_id(event, connection_id),
                event.body,
            )
            for (connection_id, _), event in offered.items()
        ]
    )
    return {(connection_id, id_) for connection_id, id_ in stored.rows()}


def _project(rows: Rows) -> None:
    with pipeline():
        jobs.insert_jobs(ordered(rows.jobs))
        jobs.lock_jobs(sorted(rows.jobs))
        jobs.describe_jobs(ordered(rows.descriptions))
        merged = runs.upsert_runs(list(rows.runs.values()))
        jobs.count_runs(sorted(rows.jobs))
        datasets.insert_datasets(ordered(rows.datasets))
        datasets.mark_described(sorted(key for key, row in rows.datasets.items() if row[4]))
        datasets.upsert_edges(ordered(rows.edges))
    _recount_jobs_that_runs_left(rows, merged.rows())


def _recount_jobs_that_runs_left(rows: Rows, merged: Iterable[Row]) -> None:
    """An earlier event may file a run under another job: the job that it leaves changes too. Rare."""
    left = {(connection_id, previous) for connection_id, _, previous in merged if previous}
    left |= {(connection_id, job_id) for connection_id, job_id, _ in merged}
    left -= rows.jobs.keys()
    if left:
        jobs.lock_jobs(sorted(left))
        jobs.count_runs(sorted(left))


def _heard_from(accepted: Iterable[Submission], new: set[tuple[UUID, UUID]]) -> dict[UUID, str]:
    """Each connection that sent something new, with the name of a job of it."""
    heard: dict[UUID, str] = {}
    for submission in accepted:
        for event in submission.events:
            if (submission.connection_id, event.id) in new:
                heard.setdefault(submission.connection_id, event.job.name if event.job else "")
    return heard


def _receipts(
    submissions: Sequence[Submission], accepted: Sequence[Submission], new: set[tuple[UUID, UUID]]
) -> list[Receipt]:
    """A new event that several submissions brought is counted for the first of them."""
    unclaimed = set(new)
    accepted_ids = {id(submission) for submission in accepted}
    receipts = []
    for submission in submissions:
        claimed = {(submission.connection_id, event.id) for event in submission.events} & unclaimed
        unclaimed -= claimed
        is_accepted = id(submission) in accepted_ids
        receipts.append(Receipt(is_accepted, len(claimed) if is_accepted else 0))
    return receipts
