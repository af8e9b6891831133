"""Counts how requests and events end: each as exactly one of stored, repeat, or rejected with a reason.

An event counts as its transaction has it. If the transaction takes too long, its sender is asked to try again; the
event may be counted as stored a moment later, as it is in the database.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from time import perf_counter

from lineage.database.sessions import count_error, survive_lost_session
from lineage.digest.digest import Submission
from lineage.intake import metrics
from lineage.intake.answers import Code
from lineage.intake.commit import PATIENCE_MS, Committed, DatabaseFault, commit
from lineage.intake.metrics import REPEAT, STORED, Ending, rejected


def count_request(ending: Ending, seconds: float) -> None:
    metrics.REQUESTS[ending].inc()
    metrics.REQUEST_SECONDS.observe(seconds)


def count_events(ending: Ending, number: int) -> None:
    if number:
        metrics.EVENTS[ending].inc(number)


def commit_and_count(
    submissions: Sequence[Submission], *, now: datetime, lock_ms: int = PATIENCE_MS
) -> list[Committed]:
    """`commit`, through the loss of a session, and accounted for. Raises as that does."""
    began = perf_counter()
    events = sum(len(submission.events) for submission in submissions)
    try:
        committed = survive_lost_session(partial(commit, submissions, now=now, lock_ms=lock_ms))
    except Exception as error:
        metrics.COMMIT_FAILURES.inc()
        count_events(rejected(Code.DATABASE_AWAY), events)
        if isinstance(error, DatabaseFault):
            count_error(error)
        raise
    metrics.COMMIT_SECONDS.observe(perf_counter() - began)
    metrics.COMMIT_EVENTS.observe(events)
    _count_committed(submissions, committed)
    return committed


def _count_committed(submissions: Sequence[Submission], committed: Sequence[Committed]) -> None:
    stored = repeated = refused = unstorable = 0
    for submission, its in zip(submissions, committed, strict=True):
        if its.waits:
            # Counted when they are committed, or given up.
            continue
        stored += its.stored
        unstorable += len(its.unstorable)
        others = len(submission.events) - its.stored - len(its.unstorable)
        if its.accepted:
            repeated += others
        else:
            refused += others
    count_events(STORED, stored)
    count_events(REPEAT, repeated)
    count_events(rejected(Code.KEY_REFUSED), refused)
    count_events(rejected(Code.UNSTORABLE), unstorable)
