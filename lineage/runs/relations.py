"""Relations of runs: parents and children, also in other connections, and the tries of one task.

A run names its parent by run id and job. The two may belong to different connections, each with an API key of its own.
A parent is searched in the run's own connection first: there the run of the job with the given name, else any run with
that id, because some senders misname the job. In other connections it must be the only run with that id whose job has
the given name. The namespace is not compared: some senders put the parent's namespace where their own should be, and
others always send `default`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, Q

from connections.models import Connection
from connections.querysets import Reader
from lineage.models import Job, Run
from lineage.models.run_queryset import RunQuerySet

MOST_TESTS = 200


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Run that others name as their parent, but that sent no event. Only its names are known."""

    run_id: UUID
    job_namespace: str
    job_name: str


def parent_of(run: Run, reader: Reader) -> Run | Placeholder | None:
    """Return the run that started this one, with its `job`; None if it names no parent. Four queries at most.

    A placeholder means that the parent is unknown, or that several connections have a run that fits.
    """
    return _find_or_placeholder(run, run.parent_run_id, run.parent_job_namespace, run.parent_job_name, reader)


def root_of(run: Run, reader: Reader) -> Run | Placeholder | None:
    """Return the run at the top of the chain of parents, in the form of `parent_of`."""
    return _find_or_placeholder(run, run.root_run_id, run.root_job_namespace, run.root_job_name, reader)


def children_of(run: Run, reader: Reader) -> RunQuerySet:
    """Return the runs whose parent is this run, or a run for which this one is shown. Unsorted, without `job`. Three
    queries."""
    visible = _visible_connections(reader)
    holders: dict[UUID, set[str]] = {}
    for connection_id, _, name in holders_of([run.run_id], visible):
        holders.setdefault(connection_id, set()).add(name)
    others_here = holders.pop(run.connection_id, set()) - {run.job.name}
    ours = Q(connection_id=run.connection_id) & ~Q(parent_job_name__in=others_here)
    if not any(run.job.name in names for names in holders.values()):
        # Children in a connection that has a run with this id belong to that run.
        strangers = [id_ for id_ in visible if id_ != run.connection_id and id_ not in holders]
        ours |= Q(connection_id__in=strangers, parent_job_name=run.job.name)
    below = Q(parent_run_id=run.run_id)
    if run.invocation_id is not None:
        below |= Q(connection_id=run.connection_id, parent_run_id__in=_runs_sent_again(run).values("run_id"))
    return Run.objects.visible(reader).shown().filter(ours, below).exclude(id=run.id)


def shown_instead(run: Run) -> Run | None:
    """Return the run that lists show instead of this one. Nearly always None.

    It exists if a sender sent one thing twice (see docs/decisions/0017-runs-that-are-sent-again.md), or under several
    names.
    """
    if run.joined_in is not None:
        return Run.objects.filter(connection_id=run.connection_id, id=run.joined_in).for_sentence().first()
    if run.invocation_id is None:
        return None
    return _runs_sent_again(run).shown().exclude(id=run.id).for_sentence().first()


def shown_one_by_one(run: Run) -> list[Run] | None:
    """Return the runs of single tests that lists show instead of this run of all tests; nearly always None.

    They are the tests with a result, with their `job`, sorted by its name; MOST_TESTS at most.
    """
    if run.test_ids is None:
        return None
    in_connection = Run.objects.shown().filter(connection_id=run.connection_id)
    if in_connection.filter(id=run.id).exists() or shown_instead(run):
        return None
    tests = in_connection.filter(invocation_id=run.invocation_id, node_id__in=run.test_ids).select_related("job")
    return list(tests.for_list().order_by("job__name", "id")[:MOST_TESTS])


def _runs_sent_again(run: Run) -> RunQuerySet:
    return Run.objects.filter(
        connection_id=run.connection_id, invocation_id=run.invocation_id, job_id=run.job_id
    ).exclude(id=run.id)


def tries_of(run: Run) -> RunQuerySet:
    """Return all tries of the run's task, this one included, the first try first.

    A run without a parent or a try number is returned alone.
    """
    if run.parent_run_id is None or run.attempt is None:
        return Run.objects.filter(connection_id=run.connection_id, id=run.id)
    return Run.objects.filter(
        connection_id=run.connection_id,
        parent_run_id=run.parent_run_id,
        job_id=run.job_id,
        map_index=run.map_index,
        attempt__isnull=False,
    ).order_by("attempt", "run_at", "id")


def _find_or_placeholder(
    run: Run, run_id: UUID | None, namespace: str, name: str, reader: Reader
) -> Run | Placeholder | None:
    if run_id is None or run_id == run.run_id:
        return None
    found = _run(run.connection_id, run_id, name)
    if found is None:
        held = holders_of([run_id], _visible_connections(reader))
        holders = {connection_id for connection_id, _, held_name in held if held_name == name}
        if len(holders) == 1:
            found = _run(holders.pop(), run_id, name)
    return Placeholder(run_id, namespace, name) if found is None else found


def _run(connection_id: UUID, run_id: UUID, job_name: str) -> Run | None:
    """Return the run of the job with this name, else any with this run id, with its `job`."""
    runs = Run.objects.filter(connection_id=connection_id, run_id=run_id, joined_in=None)
    # Its events may say why it failed.
    runs = runs.for_list("joined_ids", "state", "event_count", "error_at")
    jobs = Prefetch("job", Job.objects.filter(connection_id=connection_id).for_list("integration"))
    found = list(runs.order_by("id").prefetch_related(jobs))
    return next((run for run in found if run.job.name == job_name), found[0] if found else None)


def _visible_connections(reader: Reader) -> list[UUID]:
    return list(Connection.objects.visible(reader).order_by().values_list("pk", flat=True))


def holders_of(run_ids: Sequence[UUID], connection_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
    """Return (connection id, run id, job name) of each run with one of these run ids.

    The connections are given because the index begins with them.
    """
    runs = Run.objects.filter(connection_id__in=connection_ids, run_id__in=run_ids, joined_in=None)
    return list(runs.values_list("connection_id", "run_id", "job__name"))
