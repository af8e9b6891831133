"""Reads of jobs in a graph beside what they read and write: which runs after which, and what could not be extracted."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from lineage.database.reading import read_rows
from lineage.edges.uses import VARYING
from lineage.events.event import Extraction

# Jobs before and after those of one graph.
_MOST: Final = 500
# A dependency that no event named since this long before the latest run of the later job is past.
_DEPENDENCIES: Final = f"""
SELECT relation.connection_id, relation.source_id, relation.target_id, relation.last_event_hour
FROM lineage_relation AS relation
JOIN lineage_job AS job ON job.connection_id = relation.connection_id AND job.id = relation.target_id
WHERE (relation.source_id = ANY(%(ids)s) OR relation.target_id = ANY(%(ids)s)) AND relation.kind = 'DEPENDS'
    AND relation.connection_id = ANY(%(connections)s) AND relation.first_event_hour <= %(at)s
    AND (job.latest_run_at IS NULL
        OR relation.last_event_hour >= LEAST(job.latest_run_at, %(at)s) - interval '{VARYING.days} days')
ORDER BY relation.last_event_hour DESC, relation.id LIMIT {_MOST}
"""  # noqa: S608 - made of constants
_EXTRACTIONS: Final = """
SELECT wanted.id, extraction.failed, extraction.total
FROM unnest(%(of)s::uuid[], %(ids)s::uuid[]) AS wanted (connection_id, id)
CROSS JOIN LATERAL (
    SELECT run.id, run.joined_ids FROM lineage_run AS run
    WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.id AND NOT run.is_hidden
        AND run.run_at <= %(at)s AND run.shown_state <> 'RUNNING'
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
) AS latest
JOIN lineage_extraction AS extraction ON extraction.connection_id = wanted.connection_id
    AND extraction.run_id = ANY(array_append(latest.joined_ids, latest.id))
"""


class DependentJobs(NamedTuple):
    """Job `target` runs after job `source`. `last_at`: the last hour in which an event said so."""

    connection_id: UUID
    source: UUID
    target: UUID
    last_at: datetime


def read_dependencies(jobs: Collection[UUID], connection_ids: Collection[UUID], at: datetime) -> list[DependentJobs]:
    """Read the dependencies of jobs, in both directions."""
    if not jobs:
        return []
    bound = {"ids": sorted(jobs), "connections": list(connection_ids), "at": at}
    return [DependentJobs(*row) for row in read_rows(_DEPENDENCIES, bound)]


def read_extractions(jobs: Collection[tuple[UUID, UUID]], at: datetime) -> dict[UUID, Extraction]:
    """Read what could not be extracted of the latest run of each job that ended. `jobs`: (connection id, job id)."""
    if not jobs:
        return {}
    bound: dict[str, Any] = {"of": [of for of, _ in jobs], "ids": [job for _, job in jobs], "at": at}
    return {id_: Extraction(failed, total) for id_, failed, total in read_rows(_EXTRACTIONS, bound)}
