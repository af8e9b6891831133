"""Breakdown of jobs: how many of each kind, namespace, owner, tag and state. From one query."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from lineage.jobs.counts import JobCount, count_jobs
from lineage.models.job_queryset import ALL_STATES, FOLDED_KINDS, InnerJobs, add_up_states


@dataclass(frozen=True, slots=True)
class JobBreakdown:
    """Number of jobs by value of a property. `by_state` has the form of `JobQuerySet.counts_by_state`."""

    by_connection: dict[UUID, int]
    by_kind: dict[str, int]
    by_namespace: dict[str, int]
    by_owner: dict[str, int]
    by_tag: dict[str, int]
    by_state: dict[str, int]
    # Parent job → the jobs that lists show inside it.
    inside: dict[UUID, InnerJobs]

    @property
    def total(self) -> int:
        return self.by_state.get(ALL_STATES, 0)

    @property
    def on_top(self) -> int:
        """Number of jobs that lists do not show inside another one."""
        return self.total - sum(inner.total for inner in self.inside.values())


def job_breakdown(connection_ids: Collection[UUID]) -> JobBreakdown:
    """Count the jobs of connections by each property. One query."""
    counts = count_jobs(connection_ids, folded_kinds=FOLDED_KINDS)
    by_connection: Counter[UUID] = Counter()
    for count in counts:
        by_connection[count.connection_id] += count.jobs
    return JobBreakdown(
        by_connection=by_connection,
        by_kind=_add_up((count.kind, count.jobs) for count in counts),
        by_namespace=_add_up((count.namespace, count.jobs) for count in counts),
        by_owner=_add_up((owner, count.jobs) for count in counts for owner in count.owners),
        by_tag=_add_up((tag, count.jobs) for count in counts for tag in count.tags),
        by_state=add_up_states((count.state, count.runs, count.jobs) for count in counts),
        inside=_inside(counts),
    )


def _inside(counts: Iterable[JobCount]) -> dict[UUID, InnerJobs]:
    inside: dict[UUID, InnerJobs] = {}
    for count in counts:
        if count.parent_id is not None:
            inside.setdefault(count.parent_id, InnerJobs()).add(count.state, count.jobs, runs=count.runs)
    return inside


def _add_up(values: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sum up counts by value, sorted by value."""
    counts: Counter[str] = Counter()
    for value, jobs in values:
        counts[value] += jobs
    return dict(sorted(counts.items()))
