"""Jobs that write and read datasets, in all connections."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lineage.edges.rounds import read_rounds
from lineage.edges.uses import NOW_IN_USE, Round, Use, moves_data, strongest, use_of
from lineage.events.effects import EXPLICIT, IMPLIED
from lineage.models import Edge, Job

# Of one dataset, the latest ones. Of more, counts are "1,000+".
MOST_USERS: Final = 1_000
_OF_EDGE: Final = (
    *("connection_id", "id", "job_id", "dataset_id", "direction", "last_event_hour", "declared_at", "effects"),
)
OF_JOB: Final = ("connection_id", "id", "namespace", "name", "kind", "integration", "declared_at")


@dataclass(frozen=True, slots=True)
class User:
    """Job that writes or reads a dataset. `use`: the strongest one of its edges; None: it is past. `last_at`: when its
    latest round took place, if that names the dataset, else the hour of the last event that says so. `is_implied`: only
    origins of columns name the dataset."""

    job: Job
    direction: str
    edge_ids: tuple[UUID, ...]
    use: Use | None
    last_at: datetime
    is_implied: bool = False

    @property
    def is_current(self) -> bool:
        """True if its latest round writes or reads it, or its latest JobEvent."""
        return self.use in NOW_IN_USE


@dataclass(frozen=True, slots=True)
class Users:
    """Writers and readers, each with the current ones first, then the latest. `are_cut`: there are more."""

    writers: list[User]
    readers: list[User]
    are_cut: bool = False

    @property
    def current_writers(self) -> list[User]:
        return [user for user in self.writers if user.is_current]

    @property
    def current_readers(self) -> list[User]:
        return [user for user in self.readers if user.is_current]


def users_of(edges: Iterable[Edge], jobs: Mapping[UUID, Job], rounds: Mapping[UUID, Round]) -> list[User]:
    """Join the edges of each job and direction, which may name a dataset by several names. `jobs`: by id. `rounds`: job
    id → its latest round, perhaps under another name of the job."""
    found: dict[tuple[UUID, str], list[Edge]] = {}
    for edge in edges:
        of = rounds.get(edge.job_id)
        if of and of.job_id in jobs and moves_data(edge.direction, edge.effects):
            found.setdefault((of.job_id, edge.direction), []).append(edge)
    users = [_user(jobs[job], of_job, rounds) for (job, _), of_job in found.items()]
    return sorted(users, key=lambda one: (not one.is_current, -one.last_at.timestamp(), one.job.name, str(one.job.id)))


def _user(job: Job, edges: Sequence[Edge], rounds: Mapping[UUID, Round]) -> User:
    named = [of.run_at for edge in edges if edge.id in (of := rounds[edge.job_id]).edge_ids and of.run_at]
    return User(
        job=job,
        direction=edges[0].direction,
        edge_ids=tuple(edge.id for edge in edges),
        use=strongest(use_of(edge, rounds[edge.job_id]) for edge in edges),
        last_at=max(named, default=max(edge.last_event_hour for edge in edges)),
        is_implied=all(edge.effects & ~EXPLICIT == IMPLIED for edge in edges),
    )


def read_users(ids: Collection[UUID], connection_ids: Collection[UUID]) -> Users:
    """Read the writers and readers of a dataset; `ids`: of all its names. Four queries."""
    found = {of: list(read_edges(ids, connection_ids, of)[: MOST_USERS + 1]) for of in Edge.Direction.values}
    edges = [edge for of_one in found.values() for edge in of_one[:MOST_USERS]]
    users = users_of(edges, *read_jobs_of(edges, connection_ids))
    return Users(
        [user for user in users if user.direction == Edge.Direction.WRITES],
        [user for user in users if user.direction == Edge.Direction.READS],
        are_cut=any(len(of_one) > MOST_USERS for of_one in found.values()),
    )


def read_edges(ids: Collection[UUID], connection_ids: Collection[UUID], direction: str) -> Any:
    edges = Edge.objects.filter(dataset_id__in=ids, direction=direction, connection_id__in=connection_ids)
    return edges.order_by("-last_event_hour", "connection_id", "id").only(*_OF_EDGE)


def read_jobs_of(edges: Sequence[Edge], connection_ids: Collection[UUID]) -> tuple[dict[UUID, Job], dict[UUID, Round]]:
    """Return the jobs of edges as they are shown, by id, and job id of an edge → its latest round. Two queries."""
    rounds = read_rounds((edge.connection_id, edge.job_id) for edge in edges)
    shown = {of.job_id for of in rounds.values()}
    rows = Job.objects.filter(connection_id__in=connection_ids, id__in=shown)
    return {job.id: job for job in rows.only(*OF_JOB)} if shown else {}, rounds
