"""Summary of a connection, as lists show it: status, problems, and how many jobs run or fail."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db.models import Count, Max, OuterRef, Subquery, TextChoices

from connections.models import ApiKey, Attempt, Connection, WorkspaceKey
from lineage.models import Activity, Job, Run, RunState
from lineage.models.job_queryset import jobs_in_state
from lineage.overview import rhythm
from lineage.overview.health import Health, health_of, health_of_connections
from lineage.overview.setup import OVERDUE_AFTER

_RECENT = timedelta(hours=24)


class ConnectionStatus(TextChoices):
    CONNECTED = "connected", "Connected"
    SETUP_INCOMPLETE = "setup_incomplete", "Setup incomplete"


class FetchState(Protocol):
    """State of fetching for a connection, as the room above knows it. `problem`: in words, empty if there is none."""

    @property
    def problem(self) -> str: ...
    @property
    def problem_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class ConnectionSummary:
    """Summary of one connection, as lists show it.

    `reason` says what is missing or wrong, and is empty if all is well; `reason_at` is its time, if it has one. Times
    of events are by our clock; None before the first event.
    """

    connection: Connection
    status: ConnectionStatus
    reason: str
    reason_at: datetime | None
    total_jobs: int
    running_jobs: int
    # Jobs whose latest run failed, and whose latest run was lost.
    failing_jobs: int
    lost_jobs: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    first_job_name: str
    health: Health
    # None if nothing is fetched for it.
    fetching: FetchState | None

    @property
    def is_connected(self) -> bool:
        return self.status is ConnectionStatus.CONNECTED


@dataclass(frozen=True, slots=True)
class _Keys:
    count: int
    last_used_at: datetime | None


class JobCounts(NamedTuple):
    """Number of jobs of a connection: all, those with a running run, those whose latest run failed or was lost."""

    total: int
    running: int
    failing: int
    lost: int


class RecentRunCounts(NamedTuple):
    """Number of runs of a connection in the last 24 hours, and how many of them failed."""

    runs: int
    failed: int


_NO_KEYS = _Keys(0, None)
_WORKSPACE_KEY = _Keys(1, None)
_NO_JOBS = JobCounts(0, 0, 0, 0)


def connection_summary(
    connection: Connection, *, now: datetime, fetching: FetchState | None = None, jobs: JobCounts | None = None
) -> ConnectionSummary:
    """Summarize one connection, with as many queries as a list needs. `jobs`: counts, if the caller has them."""
    return connection_summaries(
        [connection],
        now=now,
        fetching={connection.pk: fetching} if fetching else {},
        jobs=None if jobs is None else {connection.pk: jobs},
    )[0]


def recent_run_counts(connection: Connection, *, now: datetime) -> RecentRunCounts:
    """Count the runs of the last 24 hours. Three queries."""
    return RecentRunCounts(*Run.objects.of(connection).took_place_since(now - _RECENT).count_with_failures())


def connection_summaries(
    connections: Iterable[Connection],
    *,
    now: datetime,
    fetching: Mapping[UUID, FetchState] | None = None,
    jobs: Mapping[UUID, JobCounts] | None = None,
) -> list[ConnectionSummary]:
    """Summarize connections, in their order. The number of queries does not depend on how many there are.

    `fetching`: connection id → its state, of those that are fetched from. `jobs`: connection id → counts, if the caller
    has them.
    """
    connections = list(connections)
    ids = [connection.pk for connection in connections]
    activities = Activity.objects.in_bulk(ids)
    jobs = _job_counts(ids) if jobs is None else jobs
    keys = _keys(ids, activities)
    attempts = _newest_attempts(ids)
    quiet = [id_ for id_, activity in activities.items() if now - activity.last_event_at >= rhythm.LEAST_SILENCE]
    pauses = rhythm.usual_pauses(quiet, until=now)
    health = health_of_connections(ids, now=now)
    summaries = []
    for connection in connections:
        activity, attempt = activities.get(connection.pk), attempts.get(connection.pk)
        state = (fetching or {}).get(connection.pk)
        reason, reason_at = _reason(activity, keys[connection.pk], attempt, now - connection.created_at, state)
        if activity and not reason:
            reason = rhythm.unusual_silence(now - activity.last_event_at, pauses.get(connection.pk))
        summaries.append(
            _summary(
                connection,
                activity,
                reason=reason,
                reason_at=reason_at,
                counts=jobs.get(connection.pk, _NO_JOBS),
                health=health.get(connection.pk) or health_of((), now=now),
                fetching=state,
            )
        )
    return summaries


def _summary(
    connection: Connection, activity: Activity | None, *, counts: JobCounts, **facts: Any
) -> ConnectionSummary:
    return ConnectionSummary(
        connection=connection,
        status=ConnectionStatus.CONNECTED if activity else ConnectionStatus.SETUP_INCOMPLETE,
        total_jobs=counts.total,
        running_jobs=counts.running,
        failing_jobs=counts.failing,
        lost_jobs=counts.lost,
        first_event_at=activity.first_event_at if activity else None,
        last_event_at=activity.last_event_at if activity else None,
        first_job_name=activity.first_job_name if activity else "",
        **facts,
    )


def _reason(
    activity: Activity | None,
    keys: _Keys,
    attempt: Attempt | None,
    waited: timedelta,
    fetching: FetchState | None,
) -> tuple[str, datetime | None]:
    """Return the problem to show, the one that must be solved first, and its time. `waited`: since it was added."""
    if fetching and fetching.problem:
        return fetching.problem, fetching.problem_at
    if keys.count == 0 and not fetching:
        return ("No API key: events are refused" if activity else "No API key yet"), None
    if keys.count and attempt is not None and attempt.outcome == Attempt.Outcome.REJECTED:
        return f"Last request refused: {attempt.reason or f'HTTP {attempt.status}'}", attempt.at
    if activity is None and not fetching and waited >= OVERDUE_AFTER:
        words = "No event received" if keys.last_used_at else "API key never used"
        return f"{words} in {waited.days} day{'s' if waited.days > 1 else ''}", None
    if activity is None:
        sent = "No event received yet" if keys.last_used_at else "API key never used"
        return ("No runs fetched yet" if fetching else sent), None
    return "", None


def _job_counts(ids: Collection[UUID]) -> dict[UUID, JobCounts]:
    rows = (
        Job.objects.shown()
        .filter(connection__in=ids)
        .values("connection_id")
        .annotate(
            total=Count("id"),
            running=Count("id", filter=jobs_in_state(RunState.RUNNING)),
            failing=Count("id", filter=jobs_in_state(RunState.FAILED)),
            lost=Count("id", filter=jobs_in_state(RunState.LOST)),
        )
    )
    return {row["connection_id"]: JobCounts(row["total"], row["running"], row["failing"], row["lost"]) for row in rows}


def _keys(ids: Collection[UUID], active: Iterable[UUID]) -> dict[UUID, _Keys]:
    """Count keys. An `active` connection without one of its own may have its events by a workspace key."""
    rows = (
        ApiKey.objects.filter(connection__in=ids)
        .order_by()
        .values("connection_id")
        .annotate(count=Count("id"), last_used_at=Max("last_used_at"))
    )
    found = dict.fromkeys(ids, _NO_KEYS) | {
        row["connection_id"]: _Keys(row["count"], row["last_used_at"]) for row in rows
    }
    without = {id_ for id_ in active if found[id_] is _NO_KEYS}
    return found | dict.fromkeys(WorkspaceKey.objects.reached(without), _WORKSPACE_KEY)


def _newest_attempts(ids: Collection[UUID]) -> dict[UUID, Attempt]:
    """Return connection id → the newest attempt of its senders. One index access for each connection."""
    newest = Attempt.objects.sent().filter(connection=OuterRef("pk")).order_by("-at", "-id").values("pk")[:1]
    newest_ids = Connection.objects.filter(pk__in=ids).order_by().values(newest=Subquery(newest))
    return {attempt.connection_id: attempt for attempt in Attempt.objects.filter(pk__in=newest_ids)}
