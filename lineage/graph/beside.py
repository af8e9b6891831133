"""Reads the jobs at the other side of datasets: who writes what a job reads, and who reads what it writes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from lineage.database.reading import NOW, read_rows
from lineage.edges.rounds import IS_IN_USE, NEWEST_RUN
from lineage.edges.uses import READS, WRITES
from lineage.models.run_state import worst_state

# Jobs of one dataset, the latest first; then it is "20+".
MOST_JOBS: Final = 20
_OTHER_SIDE: Final = {READS: WRITES, WRITES: READS}

_JOBS_BESIDE: Final = f"""
SELECT wanted.dataset_id, wanted.direction, job.id, job.connection_id, job.name, job.latest_run_state
FROM unnest(%(datasets)s::uuid[], %(directions)s::text[]) AS wanted (dataset_id, direction)
CROSS JOIN LATERAL (
    SELECT * FROM lineage_edge AS one
    WHERE one.dataset_id = wanted.dataset_id AND one.direction = wanted.direction
        AND one.connection_id = ANY(%(connections)s) AND one.job_id <> %(job)s
    ORDER BY one.last_event_hour DESC, one.id LIMIT {MOST_JOBS}
) AS edge
JOIN lineage_job AS job ON job.connection_id = edge.connection_id AND job.id = edge.job_id
LEFT JOIN LATERAL ({NEWEST_RUN.format(of="edge")}) AS newest ON true
WHERE {IS_IN_USE}
ORDER BY wanted.dataset_id, job.name, job.id
"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class JobBeside:
    id: UUID
    connection_id: UUID
    name: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Beside:
    """Jobs at the other side of one dataset, by name: MOST_JOBS at most."""

    jobs: tuple[JobBeside, ...] = ()

    @property
    def count(self) -> str:
        return f"{len(self.jobs)}{'+' if len(self.jobs) == MOST_JOBS else ''}"

    @property
    def state(self) -> str | None:
        """Return the worst state of their latest runs. None: none of them ran."""
        return worst_state(job.state for job in self.jobs)


NOBODY: Final = Beside()


def read_beside(
    job_id: UUID, datasets: Collection[tuple[UUID, str]], connection_ids: Collection[UUID]
) -> dict[tuple[UUID, str], Beside]:
    """Return who else is beside the datasets of a job: (dataset id, direction in which the job uses it) → other jobs
    that write what it reads, or read what it writes. One query, none without datasets."""
    if not datasets:
        return {}
    bound = {
        "datasets": [dataset for dataset, _ in datasets],
        "directions": [_OTHER_SIDE[direction] for _, direction in datasets],
        "connections": list(connection_ids),
        "job": job_id,
        "at": NOW,
        "varying": True,
    }
    found: dict[tuple[UUID, str], dict[UUID, JobBeside]] = {}
    for dataset, direction, *job in read_rows(_JOBS_BESIDE, bound):
        found.setdefault((dataset, _OTHER_SIDE[direction]), {})[job[0]] = JobBeside(*job)
    return {key: Beside(tuple(jobs.values())) for key, jobs in found.items()}
