"""Jobs that write and read datasets, in all connections."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from lineage.events.effects import DATA, EXPLICIT, IMPLIED
from lineage.models import Edge, Job
from lineage.runs.rounds import EdgeOfJob, edges_of_latest_rounds

# Of one dataset, the latest ones. Of more, counts are "1,000+".
MOST_USERS: Final = 1_000
_HOUR: Final = timedelta(hours=1)
# Id of an edge that the latest round of its job names → when that took place.
Current = Mapping[UUID, datetime]
_OF_EDGE: Final = (
    *("connection_id", "id", "job_id", "dataset_id", "direction", "last_event_hour", "declared_at", "effects"),
)
OF_JOB: Final = ("connection_id", "id", "namespace", "name", "kind", "integration", "declared_at")


@dataclass(frozen=True, slots=True)
class User:
    """Job that writes or reads a dataset. `is_current`: its latest round does, or its latest JobEvent. `last_at`: when
    its latest round took place, else the hour of the last event that says so. `until`: nothing said so after that.
    `is_implied`: only origins of columns name the dataset."""

    job: Job
    direction: str
    edge_ids: tuple[UUID, ...]
    is_current: bool
    last_at: datetime
    until: datetime
    is_implied: bool = False


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


def moves_data(direction: str, effects: int) -> bool:
    """Tell whether an edge makes a writer or a reader: who only renames, alters, empties or drops a dataset does not
    write it."""
    return bool(effects & DATA) or bool(effects & IMPLIED and (direction == Edge.Direction.READS or effects & EXPLICIT))


def users_of(edges: Iterable[Edge], jobs: Mapping[tuple[UUID, UUID], Job], current: Current) -> list[User]:
    """Join the edges of each job and direction, which may name a dataset by several names."""
    found: dict[tuple[UUID, UUID, str], list[Edge]] = {}
    for edge in edges:
        key = edge.connection_id, edge.job_id
        if key in jobs and moves_data(edge.direction, edge.effects):
            found.setdefault((*key, edge.direction), []).append(edge)
    users = [_user(jobs[key[:2]], of_job, current) for key, of_job in found.items()]
    return sorted(users, key=lambda one: (not one.is_current, -one.last_at.timestamp(), one.job.name, str(one.job.id)))


def _user(job: Job, edges: Sequence[Edge], current: Current) -> User:
    rounds = [current[edge.id] for edge in edges if edge.id in current]
    last_hour = max(edge.last_event_hour for edge in edges)
    is_declared = any(edge.declared_at and edge.declared_at == job.declared_at for edge in edges)
    return User(
        job=job,
        direction=edges[0].direction,
        edge_ids=tuple(edge.id for edge in edges),
        is_current=is_declared or bool(rounds),
        last_at=max(rounds, default=last_hour),
        until=last_hour + _HOUR,
        is_implied=all(edge.effects & ~EXPLICIT == IMPLIED for edge in edges),
    )


def read_users(ids: Collection[UUID], connection_ids: Collection[UUID]) -> Users:
    """Read the writers and readers of a dataset; `ids`: of all its names. Eight queries."""
    found: dict[str, list[User]] = {}
    is_cut = False
    for direction in Edge.Direction.values:
        edges = list(read_edges(ids, connection_ids, direction)[: MOST_USERS + 1])
        is_cut |= len(edges) > MOST_USERS
        found[direction] = users_of(edges[:MOST_USERS], *read_jobs_of(edges[:MOST_USERS], connection_ids))
    return Users(found[Edge.Direction.WRITES], found[Edge.Direction.READS], is_cut)


def read_edges(ids: Collection[UUID], connection_ids: Collection[UUID], direction: str) -> Any:
    edges = Edge.objects.filter(dataset_id__in=ids, direction=direction, connection_id__in=connection_ids)
    return edges.order_by("-last_event_hour", "connection_id", "id").only(*_OF_EDGE)


def read_jobs_of(
    edges: Sequence[Edge], connection_ids: Collection[UUID]
) -> tuple[dict[tuple[UUID, UUID], Job], Current]:
    """Return the jobs of edges, by connection id and id, and those edges that are current. Three queries."""
    rows = Job.objects.shown().filter(connection_id__in=connection_ids, id__in={edge.job_id for edge in edges})
    jobs = {(job.connection_id, job.id): job for job in rows.only(*OF_JOB)} if edges else {}
    wanted = [EdgeOfJob(edge.connection_id, edge.job_id, edge.id) for edge in edges]
    return jobs, edges_of_latest_rounds(wanted)
