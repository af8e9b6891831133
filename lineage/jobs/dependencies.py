"""Jobs that run before and after a job, as its sender says: they need not read what the other one writes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection

from lineage.models import Job

# Jobs on each side of the page.
MOST_SHOWN: Final = 50
# A dependency that no event named since this long before the latest run is past.
_PAST: Final = timedelta(days=7)
# Ids of jobs are in no relation between datasets.
_READ: Final = (
    "SELECT source_id, target_id, last_event_hour FROM lineage_relation"
    " WHERE connection_id = %s AND %s IN (source_id, target_id) LIMIT 500"
)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Jobs, by name; MOST_SHOWN at most on each side."""

    before: list[Job]
    after: list[Job]

    @property
    def sides(self) -> list[tuple[str, list[Job]]]:
        return [(title, jobs) for title, jobs in (("Runs after", self.before), ("Runs before", self.after)) if jobs]


def dependencies_of(job: Job) -> Dependencies:
    """Return the jobs that run before and after a job, as far as they are known. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [job.connection_id, job.id])
        read = cursor.fetchall()
    ends = [pair for *pair, at in read if job.latest_run_at is None or at >= job.latest_run_at - _PAST]
    if not ends:
        return Dependencies([], [])
    ids = {id_ for pair in ends for id_ in pair}
    jobs = Job.objects.shown().filter(connection_id=job.connection_id, id__in=ids).only("id", "connection_id", "name")
    named = {one.id: one for one in jobs.order_by("name", "id")}
    before, after = ({pair[side] for pair in ends} - {job.id} for side in (0, 1))
    return Dependencies(
        [one for id_, one in named.items() if id_ in before][:MOST_SHOWN],
        [one for id_, one in named.items() if id_ in after][:MOST_SHOWN],
    )
