"""Which runs belong together: parents and children, also across connections, and the tries of one task. All of them
come with their `shown_state`.

A run names its parent by id and job. Both may belong to different connections, each with a key of its own. Ids
are unique in a connection only, so a parent is looked for in the run's own connection first; elsewhere it must be the
only run with that id whose job has the name that the child gives. Never by namespace: some senders put the parent's
namespace where their own should be, and that of others is `default` everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from connections.models import Connection
from lineage.models import Job, Run
from lineage.models.run_queryset import RunQuerySet

MOST_TESTS = 200


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A run that others name as their parent, and of which no event was received. All that is known is its name."""

    id: UUID
    job_namespace: str
    job_name: str


def parent_of(run: Run) -> Run | Placeholder | None:
    """The run that started this one, with its `job`; a placeholder where it is unknown, or where several connections
    hold one that it could be. None: the run has no parent. At most four queries."""
    return _named(run, run.parent_run_id, run.parent_job_namespace, run.parent_job_name)


def root_of(run: Run) -> Run | Placeholder | None:
    """The run at the top of the chain of parents, as `parent_of` gives a parent."""
    return _named(run, run.root_run_id, run.root_job_namespace, run.root_job_name)


def children_of(run: Run) -> RunQuerySet:
    """The runs whose parent, by `parent_of`, is this one, or one that was sent in its place. Unordered, `job`
    not read. Three queries in all."""
    visible = _visible_connections()
    holders = {connection_id: name for connection_id, _, name in holders_of([run.id], visible)}
    ours = Q(connection_id=run.connection_id)
    name = holders.pop(run.connection_id, None)
    if name is not None and name not in holders.values():
        # A connection that holds a run with this id has its children look no further.
        strangers = [id_ for id_ in visible if id_ != run.connection_id and id_ not in holders]
        ours |= Q(connection_id__in=strangers, parent_job_name=name)
    below = Q(parent_run_id=run.id)
    if run.invocation_id is not None:
        below |= Q(connection_id=run.connection_id, parent_run_id__in=_same_runs(run).values("id"))
    return Run.objects.visible().shown().filter(ours, below).exclude(id=run.id)


def shown_instead(run: Run) -> Run | None:
    """The run that lists show in the place of this one, with its `job`: what a sender sent twice, they show once (see
    docs/decisions/0017-runs-that-are-sent-again.md). None almost always."""
    if run.invocation_id is None:
        return None
    return _same_runs(run).shown().exclude(id=run.id).select_related("job").first()


def shown_one_by_one(run: Run) -> list[Run] | None:
    """Of tests, where lists show what their sender sent one by one in the place of this run: the runs of those
    tests that have a result, with their `job`, by its name; MOST_TESTS at most. None almost always."""
    if run.test_ids is None:
        return None
    of_this = Run.objects.shown().filter(connection_id=run.connection_id)
    if of_this.filter(id=run.id).exists() or shown_instead(run):
        return None
    tests = of_this.filter(invocation_id=run.invocation_id, node_id__in=run.test_ids).select_related("job")
    return list(tests.order_by("job__name", "id")[:MOST_TESTS])


def _same_runs(run: Run) -> RunQuerySet:
    return Run.objects.filter(
        connection_id=run.connection_id, invocation_id=run.invocation_id, job_id=run.job_id
    ).exclude(id=run.id)


def tries_of(run: Run) -> RunQuerySet:
    """All tries of what this run is a try of, itself included, the first one first. A run without a parent or a try
    number stands alone."""
    if run.parent_run_id is None or run.attempt is None:
        return Run.objects.filter(connection_id=run.connection_id, id=run.id)
    return Run.objects.filter(
        connection_id=run.connection_id,
        parent_run_id=run.parent_run_id,
        job_id=run.job_id,
        map_index=run.map_index,
        attempt__isnull=False,
    ).order_by("attempt", "run_at", "id")


def _named(run: Run, id_: UUID | None, namespace: str, name: str) -> Run | Placeholder | None:
    if id_ is None or id_ == run.id:
        return None
    found = _run(run.connection_id, id_)
    if found is None:
        held = holders_of([id_], _visible_connections())
        holders = [connection_id for connection_id, _, held_name in held if held_name == name]
        if len(holders) == 1:
            found = _run(holders[0], id_)
    if found is None:
        return Placeholder(id_, namespace, name)
    found.job = Job.objects.get(connection_id=found.connection_id, id=found.job_id)
    return found


def _run(connection_id: UUID, id_: UUID) -> Run | None:
    return Run.objects.filter(connection_id=connection_id, id=id_).first()


def _visible_connections() -> list[UUID]:
    return list(Connection.objects.visible().order_by().values_list("pk", flat=True))


def holders_of(run_ids: Sequence[UUID], connection_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
    """(connection id, run id, job name) of each run with one of these ids: the key begins with the connection, so they
    are named."""
    runs = Run.objects.filter(connection_id__in=connection_ids, id__in=run_ids)
    return list(runs.values_list("connection_id", "id", "job__name"))
