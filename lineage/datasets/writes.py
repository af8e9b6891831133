"""Writes of datasets: when the last one ended, and how many rows each had."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from lineage.datasets.changes import WITHOUT_DATA
from lineage.datasets.users import User
from lineage.models import Measure, Run

MOST_WRITES: Final = 50
# Writers that are asked for their last write, the latest ones.
MOST_WRITERS: Final = 100
# Runs of a writer among which its last complete write is looked for.
_MOST_RUNS: Final = 200
# Fewer writes than these beside one say nothing of what is usual.
FEWEST_FOR_RANGE: Final = 4
# A range is never narrower than this share of the median.
_NARROWEST: Final = 0.1
# A median absolute deviation times this is a standard deviation of normal values; three of them are usual.
_DEVIATIONS: Final = 3 * 1.4826

_LAST: Final = """
SELECT wanted.edge_id, run.connection_id, run.id, run.ended_at
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[])
    AS wanted (connection_id, job_id, edge_id, until)
CROSS JOIN LATERAL (
    SELECT recent.connection_id, recent.id, recent.ended_at FROM (
        SELECT run.connection_id, run.id, run.run_at, run.shown_ended_at AS ended_at, run.shown_state, run.edge_ids
        FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id AND run.edge_ids <> '{}'
            AND run.run_at < wanted.until
        ORDER BY run.run_at DESC, run.id DESC LIMIT %s
    ) AS recent
    WHERE wanted.edge_id = ANY(recent.edge_ids) AND recent.shown_state = 'COMPLETED' AND recent.ended_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM lineage_change AS change
            WHERE change.connection_id = recent.connection_id AND change.run_id = recent.id
                AND change.dataset_id = ANY(%s) AND change.change = ANY(%s)
        )
    ORDER BY recent.run_at DESC, recent.id DESC LIMIT 1
) AS run
"""


@dataclass(frozen=True, slots=True)
class LastWrite:
    """Last complete write of a dataset."""

    user: User
    run_key: tuple[UUID, UUID]  # connection id, id
    ended_at: datetime


class Range(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Write:
    """Rows of one write. `is_unusual`: out of the range that the other writes make usual. `change`: share of the rows
    of the write before; None: there was none, or it had no rows."""

    at: datetime
    rows: int
    size: int | None
    run: Run | None
    is_unusual: bool = False
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Writes:
    """Latest writes with a count of rows, the latest last. `usual`: None if there are too few."""

    writes: list[Write]
    usual: Range | None

    @property
    def last(self) -> Write | None:
        return self.writes[-1] if self.writes else None


def usual_range(counts: Sequence[int]) -> Range | None:
    """Return the usual range around the median. None for fewer than FEWEST_FOR_RANGE counts."""
    if len(counts) < FEWEST_FOR_RANGE:
        return None
    middle = median(counts)
    width = max(_NARROWEST * middle, _DEVIATIONS * median(abs(count - middle) for count in counts))
    return Range(max(0.0, middle - width), middle + width)


def judged(writes: Sequence[Write]) -> Writes:
    """Compare each write with the others, and with the one before. `writes`: the latest last."""
    counts = [write.rows for write in writes]
    found = []
    for place, write in enumerate(writes):
        usual = usual_range(counts[:place] + counts[place + 1 :])
        before = counts[place - 1] if place else 0
        found.append(
            Write(
                write.at,
                write.rows,
                write.size,
                write.run,
                is_unusual=usual is not None and not usual.low <= write.rows <= usual.high,
                change=(write.rows - before) / before if before else None,
            )
        )
    return Writes(found, usual_range(counts) if len(counts) > FEWEST_FOR_RANGE else None)


def read_last_writes(
    writers: Iterable[tuple[User, Collection[UUID]]], ids: Collection[UUID]
) -> dict[UUID, tuple[UUID, UUID, datetime]]:
    """Return edge id → (connection id, run id, end) of its last complete write. `writers`: each with the edges that are
    asked for. `ids`: of the datasets, whose changes make no write. One query, one index access for each edge."""
    rows = [
        (user.job.connection_id, user.job.id, edge_id, user.until) for user, edge_ids in writers for edge_id in edge_ids
    ]
    if not rows:
        return {}
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [*columns, _MOST_RUNS, list(ids), list(WITHOUT_DATA)])
        return {edge_id: tuple(write) for edge_id, *write in cursor.fetchall()}


def last_write(users: Sequence[User], found: Mapping[UUID, tuple[UUID, UUID, datetime]]) -> LastWrite | None:
    """Return the latest of the last writes of these users."""
    writes = [
        LastWrite(user, write[:2], write[2]) for user in users for id_ in user.edge_ids if (write := found.get(id_))
    ]
    return max(writes, key=lambda one: (one.ended_at, one.run_key), default=None)


def read_last_write(writers: Sequence[User], ids: Collection[UUID]) -> LastWrite | None:
    asked = writers[:MOST_WRITERS]
    return last_write(asked, read_last_writes([(user, user.edge_ids) for user in asked], ids))


def read_writes(ids: Collection[UUID], connection_ids: Collection[UUID]) -> Writes:
    """Read the latest writes with a count of rows; `ids`: of all names of a dataset. Two queries."""
    rows = Measure.objects.filter(
        connection_id__in=connection_ids, dataset_id__in=ids, direction="WRITES", row_count__isnull=False
    )
    measures = list(rows.order_by("-said_at", "-connection_id", "-id")[:MOST_WRITES])[::-1]
    runs = read_runs((measure.connection_id, measure.run_id) for measure in measures)
    return judged(
        [
            Write(one.said_at, one.row_count or 0, one.byte_count, runs.get((one.connection_id, one.run_id)))
            for one in measures
        ]
    )


def read_runs(keys: Iterable[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Run]:
    """Return (connection id, id) → run, with what its link and its row need. One query."""
    wanted = set(keys)
    if not wanted:
        return {}
    runs = Run.objects.filter(connection_id__in={key[0] for key in wanted}, id__in={key[1] for key in wanted})
    columns = ("connection_id", "id", "run_id", "job_id", "map_index", "shares_run_id", "shown_state")
    found = runs.only(*columns, "started_at", "shown_ended_at", "parent_run_id", "terminal_type")
    return {key: run for run in found if (key := (run.connection_id, run.id)) in wanted}
