"""What the jobs of a connection are: how many of each kind, owner, tag and state. From one reading of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connections.models import Connection
from lineage.querysets import ALL_STATES, FOLDED_KINDS, add_up_states
from lineage.sql.job_facts import Count, count_jobs


@dataclass(frozen=True, slots=True)
class JobFacts:
    """How many jobs have a value, by the value. `by_state` is what `JobQuerySet.counts_by_state` gives."""

    by_kind: dict[str, int]
    by_owner: dict[str, int]
    by_tag: dict[str, int]
    by_state: dict[str, int]
    # That do not fold under another job.
    on_top: int
    # Whether a name alone may stand for several of them.
    several_namespaces: bool

    @property
    def total(self) -> int:
        return self.by_state.get(ALL_STATES, 0)


def facts_of(connection: Connection, *, now: datetime) -> JobFacts:
    """One query."""
    found: dict[str, list[Count]] = {}
    for count in count_jobs(connection.pk, folded_kinds=FOLDED_KINDS, now=now):
        found.setdefault(count.of, []).append(count)
    kinds = found.get("kind", [])
    return JobFacts(
        by_kind=_add_up((count.kind, count.jobs) for count in kinds),
        by_owner=_add_up((owner, count.jobs) for count in found.get("owners", []) for owner in count.owners),
        by_tag=_add_up((tag, count.jobs) for count in found.get("tags", []) for tag in count.tags),
        by_state=add_up_states((count.state, count.runs, count.jobs) for count in found.get("state", [])),
        on_top=sum(count.jobs for count in found.get("folds", []) if not count.folds),
        several_namespaces=len({count.namespace for count in kinds}) > 1,
    )


def _add_up(values: Iterable[tuple[str, int]]) -> dict[str, int]:
    """In the order of the values."""
    counts: Counter[str] = Counter()
    for value, jobs in values:
        counts[value] += jobs
    return dict(sorted(counts.items()))
