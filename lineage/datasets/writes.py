"""Writes of datasets: when the last one ended, and how many rows each had."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, Final, NamedTuple
from uuid import UUID

from lineage.database.reading import NOW, read_rows
from lineage.datasets.aliases import bound_names
from lineage.datasets.changes import WITHOUT_DATA
from lineage.events.effects import DATA
from lineage.models import Measure, Run

MOST_WRITES: Final = 50
# Writers of one name that are asked for their last write, the latest ones.
MOST_WRITERS: Final = 20
# Runs of a writer among which its last complete write is looked for.
_MOST_RUNS: Final = 200
# Fewer writes than these beside one say nothing of what is usual.
FEWEST_FOR_RANGE: Final = 4
# A range is never narrower than this share of the median.
_NARROWEST: Final = 0.1
# A median absolute deviation times this is a standard deviation of normal values; three of them are usual.
_DEVIATIONS: Final = 3 * 1.4826

_LAST: Final = f"""
SELECT DISTINCT ON (wanted.id) wanted.id, run.connection_id, run.run_id, run.job_id, run.ended_at
FROM unnest(%(ids)s::uuid[], %(names)s::uuid[]) AS wanted (id, name)
CROSS JOIN LATERAL (
    SELECT one.id, one.connection_id, one.job_id, one.last_event_hour FROM lineage_edge AS one
    WHERE one.dataset_id = wanted.name AND one.direction = 'WRITES' AND one.connection_id = ANY(%(connections)s)
        AND one.effects & {DATA} <> 0
    ORDER BY one.last_event_hour DESC, one.id LIMIT {MOST_WRITERS}
) AS edge
CROSS JOIN LATERAL (
    SELECT recent.connection_id, COALESCE(recent.joined_in, recent.id) AS run_id, recent.job_id,
        recent.shown_ended_at AS ended_at
    FROM (
        SELECT * FROM lineage_run AS one
        WHERE one.connection_id = edge.connection_id AND one.job_id = edge.job_id AND one.edge_ids <> '{{}}'
            AND one.run_at <= %(at)s AND one.run_at < edge.last_event_hour + interval '1 hour'
        ORDER BY one.run_at DESC, one.id DESC LIMIT {_MOST_RUNS}
    ) AS recent
    WHERE edge.id = ANY(recent.edge_ids) AND recent.shown_state = 'COMPLETED' AND recent.shown_ended_at <= %(at)s
        AND NOT EXISTS (
            SELECT FROM lineage_change AS change
            WHERE change.connection_id = recent.connection_id AND change.run_id = recent.id
                AND change.dataset_id = wanted.name AND change.change = ANY(%(without_data)s)
            OFFSET 0
        )
    ORDER BY recent.run_at DESC, recent.id DESC LIMIT 1
) AS run
ORDER BY wanted.id, run.ended_at DESC, run.run_id
"""  # noqa: S608 - made of constants
_ROWS: Final = """
SELECT DISTINCT ON (wanted.id) wanted.id, latest.row_count
FROM unnest(%(ids)s::uuid[], %(names)s::uuid[]) AS wanted (id, name)
CROSS JOIN LATERAL (
    SELECT measure.said_at, measure.row_count FROM lineage_measure AS measure
    WHERE measure.dataset_id = wanted.name AND measure.direction = 'WRITES' AND measure.row_count IS NOT NULL
        AND measure.said_at <= %(at)s AND measure.connection_id = ANY(%(connections)s)
    ORDER BY measure.said_at DESC, measure.connection_id DESC, measure.id DESC LIMIT 1
) AS latest
ORDER BY wanted.id, latest.said_at DESC
"""


class LastWrite(NamedTuple):
    """Last complete write of a dataset. `run_id`: of the row; `job_id`: of the job that the run had then."""

    connection_id: UUID
    run_id: UUID
    job_id: UUID
    ended_at: datetime

    @property
    def run_key(self) -> tuple[UUID, UUID]:
        return self.connection_id, self.run_id


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
    names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID], *, at: datetime = NOW
) -> dict[UUID, LastWrite]:
    """Return dataset id → its last complete write up to a moment. `names`: dataset id → ids of all its names. One
    query, one index access for each writer."""
    rows = _read(_LAST, names, connection_ids, at, without_data=list(WITHOUT_DATA))
    return {id_: LastWrite(*write) for id_, *write in rows}


def read_row_counts(
    names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID], *, at: datetime = NOW
) -> dict[UUID, int]:
    """Return dataset id → rows of the last write that counted them, up to a moment. One query."""
    return dict(_read(_ROWS, names, connection_ids, at))


def _read(
    statement: str, names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID], at: datetime, **more: Any
) -> list[tuple[Any, ...]]:
    if not names:
        return []
    return read_rows(statement, {**bound_names(names), "connections": list(connection_ids), "at": at, **more})


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
