"""Health of jobs and connections: how many runs each of the last days had, and how many of them failed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from lineage.database.reading import read_rows

DAYS: Final = 14
# Runs of a job or a connection that are counted in each day, the latest.
MOST_A_DAY: Final = 2_000

# An index holds all columns that are read. Its range is searched for each day: to compute the day of each run takes
# longer.
_DAYS: Final = """
SELECT wanted.id, (day.at AT TIME ZONE 'UTC')::date, tally.runs, tally.failed
FROM {wanted}
CROSS JOIN generate_series(
    %(first)s::timestamptz, %(end)s::timestamptz - interval '24 hours', interval '24 hours'
) AS day (at)
CROSS JOIN LATERAL (
    SELECT count(*) AS runs, count(*) FILTER (WHERE run.shown_state = 'FAILED') AS failed
    FROM (
        SELECT recent.shown_state FROM lineage_run AS recent
        WHERE {of_wanted} AND NOT recent.is_hidden
            AND recent.run_at >= day.at AND recent.run_at < day.at + interval '24 hours'
        ORDER BY recent.run_at DESC, recent.id DESC LIMIT %(most)s
    ) AS run
) AS tally
WHERE tally.runs > 0
"""
_OF_JOBS: Final = _DAYS.format(
    wanted="unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, id)",
    of_wanted="recent.connection_id = wanted.connection_id AND recent.job_id = wanted.id",
)
_OF_CONNECTIONS: Final = _DAYS.format(
    wanted="unnest(%(of)s::uuid[]) AS wanted (id)", of_wanted="recent.connection_id = wanted.id"
)


class Day(NamedTuple):
    """Runs of a day (UTC), and those of them that failed."""

    date: date
    runs: int
    failed: int


@dataclass(frozen=True, slots=True)
class Health:
    """The last DAYS days, today last. `is_cut`: there were more runs than are counted."""

    days: Sequence[Day]
    is_cut: bool = False

    @property
    def runs(self) -> int:
        return sum(day.runs for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)


def health_of(found: Iterable[Day], *, now: datetime) -> Health:
    """Make the health of a job or a connection from its days that had runs."""
    with_runs, today = {day.date: day for day in found}, _today(now)
    dates = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    days = [with_runs.get(one, Day(one, 0, 0)) for one in dates]
    return Health(days, is_cut=any(day.runs >= MOST_A_DAY for day in days))


def health_of_jobs(jobs: Iterable[tuple[UUID, UUID]], *, now: datetime) -> dict[UUID, Health]:
    """Return job id → its health, for jobs (connection id, job id) that ran in these days. One query at most."""
    keys = sorted(set(jobs))
    if not keys:
        return {}
    of, ids = (list(column) for column in zip(*keys, strict=True))
    return _read(_OF_JOBS, {"of": of, "jobs": ids}, now)


def health_of_connections(ids: Collection[UUID], *, now: datetime) -> dict[UUID, Health]:
    """Return connection id → its health, for those with runs in these days. One query at most."""
    return _read(_OF_CONNECTIONS, {"of": sorted(ids)}, now) if ids else {}


def _read(statement: str, bound: Mapping[str, Any], now: datetime) -> dict[UUID, Health]:
    end = datetime.combine(_today(now) + timedelta(days=1), datetime.min.time(), UTC)
    bound = {**bound, "first": end - timedelta(days=DAYS), "end": end, "most": MOST_A_DAY}
    found: dict[UUID, list[Day]] = {}
    for id_, *day in read_rows(statement, bound):
        found.setdefault(id_, []).append(Day(*day))
    return {id_: health_of(days, now=now) for id_, days in found.items()}


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()
