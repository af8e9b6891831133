"""Sync of one source: fetches what changed since the last one, and a day of its past.

1. The newest window: from a little before the cursor until now, by the system's clock. Each page is stored as it comes.
   Once the window is drained, the cursor moves to its end. A worker that is killed on the way leaves the cursor where
   it was, and the next sync fetches the window again: what was stored is a repeat.
2. A day of the backfill, the newest days first.
3. The descriptions of jobs, once an hour; only changed ones are sent.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from pull import leases
from pull.http.faults import Fault, FaultCode
from pull.http.hosts import AllowedHosts
from pull.leases import Lease, LeaseLost
from pull.models import MAX_REASON_LENGTH, Described, PullSource, SyncRun
from pull.opening import open_source
from pull.secrets import SecretUnreadable
from pull.sources.fetched import Window
from pull.sources.fetcher import Fetcher, Memory
from pull.storing import RowsLocked, SourceGone, store

log = structlog.get_logger(__name__)

OVERLAP: Final = timedelta(minutes=5)
# Longest window that is fetched in one piece.
_DAY: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(minutes=10)
# While days of the backfill follow one another, the newest window is not fetched again after less time than this.
_LITTLE: Final = timedelta(minutes=1)
_JOBS_EVERY: Final = timedelta(hours=1)
_DESCRIBED_AT_ONCE: Final = 500
_UNEXPECTED: Final = "It failed in a way that nobody expected: the log of Observatory says more."
# Pause after failures: as long as the interval, doubled with each, up to this.
_LONGEST_PAUSE: Final = timedelta(minutes=30)


@dataclass(slots=True)
class _Progress:
    """Results of a sync so far."""

    events: int = 0
    new_events: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None
    reason: str = ""
    code: str = ""

    @property
    def outcome(self) -> SyncRun.Outcome:
        if self.reason:
            return SyncRun.Outcome.FAILED
        return SyncRun.Outcome.PARTIAL if self.problems else SyncRun.Outcome.OK


def sync(lease: Lease, *, memory: Memory, allowed: AllowedHosts, clock: Callable[[], datetime] = timezone.now) -> None:
    """Fetch from the source of the lease, and give it back. Raises LeaseLost, and errors of the database."""
    source = PullSource.objects.select_related("connection").get(pk=lease.source_id)
    progress = _Progress()
    calls = 0
    if memory.get("config") != source.config:
        # It may be another system now.
        memory.clear()
        memory["config"] = source.config
    try:
        fetcher, client = open_source(source, memory=memory, allowed=allowed)
    except SecretUnreadable as error:
        progress.reason, progress.code = str(error), "secret_unreadable"
    else:
        try:
            _fetch(_Turn(source, lease, fetcher, progress, clock))
        except Fault as fault:
            progress.fault, progress.reason, progress.code = fault, fault.words, fault.code
        except RowsLocked:
            progress.reason, progress.code = "The database was busy. The next sync goes on.", "busy"
        except SourceGone as error:
            raise LeaseLost from error
        except (DatabaseError, InterfaceError, LeaseLost):
            raise
        except Exception:
            # A person sees that it failed, and the next turn tries again.
            log.exception("sync_failed", source_id=str(source.pk))
            progress.reason, progress.code = _UNEXPECTED, "internal"
        finally:
            calls = client.calls
            fetcher.close()
    _end(lease, source, progress, calls=calls, now=clock())


@dataclass(frozen=True, slots=True)
class _Turn:
    source: PullSource
    lease: Lease
    fetcher: Fetcher
    progress: _Progress
    clock: Callable[[], datetime]


def _fetch(turn: _Turn) -> None:
    source = turn.source
    now = turn.fetcher.now() or turn.clock()
    if source.cursor is None:
        # The first sync of all: its first day is the newest day of the backfill.
        began = now - timedelta(days=_backfill_days(source))
        _take(turn, Window(max(now - _DAY, began), now, is_newest=True))
        _save(turn, cursor=now, backfilled_to=max(now - _DAY, began), backfill_to=began)
    elif not source.is_backfilling or now - source.cursor >= _LITTLE:
        while (window := _newest_window(source, now)) is not None:
            _take(turn, window)
            _save(turn, cursor=window.until)
    if _are_jobs_due(source, turn.clock()):
        _describe(turn)
        _save(turn, jobs_read_at=turn.clock())
    if source.is_backfilling:
        _take_a_day(turn)


def _backfill_days(source: PullSource) -> int:
    """Older events would be deleted at once."""
    kept = settings.EVENT_RETENTION_DAYS or source.backfill_days
    return min(source.backfill_days, kept)


def _newest_window(source: PullSource, now: datetime) -> Window | None:
    """The next window up to now: a day at most, and half of that for each failure, so that each sync gets on."""
    assert source.cursor is not None  # noqa: S101 - see _fetch
    if source.cursor >= now:
        return None
    until = min(now, source.cursor + max(_SHORTEST, _DAY / 2 ** min(source.failures, 10)))
    return Window(source.cursor - OVERLAP, until, is_newest=until == now)


def _take_a_day(turn: _Turn) -> None:
    source = turn.source
    if source.backfilled_to is None or source.backfill_to is None:
        return
    since = max(source.backfill_to, source.backfilled_to - _DAY)
    _take(turn, Window(since, source.backfilled_to, is_newest=False))
    _save(turn, backfilled_to=since)


def _take(turn: _Turn, window: Window) -> None:
    """Fetch and store all that changed in the window."""
    for batch in turn.fetcher.runs(window):
        turn.progress.problems.update(batch.problems)
        _store(turn, batch.bodies)


def _store(turn: _Turn, bodies: list[bytes] | Any) -> None:
    stored = store(turn.source.voucher, bodies)
    turn.progress.events += stored.sent
    turn.progress.new_events += stored.new
    turn.progress.problems.update(stored.problems)
    leases.renew(turn.lease, now=turn.clock())


def _save(turn: _Turn, **columns: Any) -> None:
    """Write down how far the source was fetched, unless the lease is lost."""
    leases.write(turn.lease, **columns)
    for name, value in columns.items():
        setattr(turn.source, name, value)


# --- Descriptions of jobs


def _are_jobs_due(source: PullSource, now: datetime) -> bool:
    return source.jobs_read_at is None or now - source.jobs_read_at >= _JOBS_EVERY


def _describe(turn: _Turn) -> None:
    """Send the descriptions that changed. One that may not be read is a problem, and no failure: runs come without."""
    known = dict(turn.source.described.values_list("key", "fingerprint"))
    try:
        changed = [job for job in turn.fetcher.jobs() if known.get(job.key) != job.fingerprint]
    except Fault as fault:
        if fault.code != FaultCode.FORBIDDEN:
            raise
        turn.progress.problems[f"Descriptions of jobs are missing: {fault.words}"] += 1
        return
    for start in range(0, len(changed), _DESCRIBED_AT_ONCE):
        some = changed[start : start + _DESCRIBED_AT_ONCE]
        _store(turn, [job.event for job in some])
        Described.objects.bulk_create(
            [Described(source=turn.source, key=job.key, fingerprint=job.fingerprint) for job in some],
            update_conflicts=True,
            unique_fields=["source_id", "key"],
            update_fields=["fingerprint", "seen_at"],
        )


# --- The end


def _end(lease: Lease, source: PullSource, progress: _Progress, *, calls: int, now: datetime) -> None:
    failures = source.failures + 1 if progress.reason else 0
    leases.write(lease, failures=min(failures, 1000))
    leases.end(
        lease,
        next_at=_next_at(source, progress, failures, now),
        now=now,
        outcome=progress.outcome,
        reason=progress.reason[:MAX_REASON_LENGTH],
        code=progress.code,
        calls=calls,
        events=progress.events,
        new_events=progress.new_events,
        problems=dict(progress.problems.most_common(20)),
    )
    log.info(
        "sync_ended",
        source_id=str(source.pk),
        connection_id=str(source.connection_id),
        outcome=progress.outcome.value,
        code=progress.code,
        calls=calls,
        events=progress.events,
        new_events=progress.new_events,
    )


def _next_at(source: PullSource, progress: _Progress, failures: int, now: datetime) -> datetime:
    if progress.fault is not None and progress.fault.code == FaultCode.THROTTLED and progress.fault.retry_at:
        return progress.fault.retry_at
    if failures:
        pause: timedelta = source.every * 2 ** min(failures - 1, 6)
        return now + max(source.every, min(_LONGEST_PAUSE, pause))
    # The rest of the backfill follows at once: others, which wait longer, come first.
    return now if source.is_backfilling else now + source.every
