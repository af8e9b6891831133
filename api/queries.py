"""What views read: rows of visible connections only, each in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg, BoolOr
from django.db.models import Prefetch, QuerySet

from connections.models import Connection
from lineage.models import Dataset, Event, Job, Run
from lineage.models.dataset import DatasetQuerySet
from lineage.models.event import EventQuerySet
from lineage.models.run_queryset import RunQuerySet


def with_jobs(runs: RunQuerySet, connection_ids: Iterable[UUID]) -> RunQuerySet:
    """The same runs, each with its job, which a second query reads.

    A join would make PostgreSQL expect too few runs, and sort all of them instead of following the index.
    """
    return runs.prefetch_related(Prefetch("job", Job.objects.filter(connection_id__in=connection_ids)))


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run, and the ids of the other connections that hold a run with the same id."""

    run: Run
    other_connections: Sequence[UUID]


def find_run(run_id: UUID, *, connection_id: UUID | None) -> FoundRun | None:
    """The run with this id in that connection, or, without one, in the connection where it was last active.

    Run ids are the sender's, and unique in a connection only. The visible connections are named in the query because
    the key begins with them: one probe for each, where a search by id alone would read the whole index.
    """
    connection_ids = list(Connection.objects.visible().order_by().values_list("pk", flat=True))
    runs = Run.objects.filter(connection_id__in=connection_ids, id=run_id)
    found = list(with_jobs(runs, connection_ids).order_by("-last_event_at", "connection_id"))
    for run in found:
        if connection_id in (None, run.connection_id):
            return FoundRun(run, [other.connection_id for other in found if other is not run])
    return None


def of_run(events: EventQuerySet, run: Run) -> Any:
    """What is known of a run's events without their bodies, and how large those are (`body_bytes`), as dicts.

    The span of time keeps PostgreSQL to the partitions that hold them.
    """
    return events.filter(
        connection_id=run.connection_id,
        subject_id=run.id,
        kind=Event.Kind.RUN,
        event_time__range=(run.first_event_at, run.last_event_at),
    ).values("connection_id", "event_time", "id", "received_at", "event_type", "body_bytes")


def count_dropped(events: Any, run: Run, *, now: datetime) -> int:
    """How many of a run's events (see `of_run`) are stored no more. They are kept for a day at least."""
    if run.first_event_at > now - timedelta(days=1):
        return 0
    return max(run.event_count - int(events.count()), 0)


def bodies_of_events(events: Sequence[dict[str, Any]]) -> dict[tuple[Any, UUID], str]:
    """(event time, id) → the body, of events of one connection that stand in the order of time."""
    if not events:
        return {}
    rows = Event.objects.filter(
        connection_id=events[0]["connection_id"],
        event_time__range=(events[0]["event_time"], events[-1]["event_time"]),
        id__in=[event["id"] for event in events],
    )
    return {(time, id_): body for time, id_, body in rows.values_list("event_time", "id", "body")}


def keys_of(datasets: DatasetQuerySet) -> QuerySet[Any, Any]:
    """The key of each dataset once, however many connections touch it, as dicts. Filters may follow."""
    return datasets.values("namespace", "name", "id").distinct()


def datasets_with(keys: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The datasets with these keys, in their order: `is_described`, and `connection_ids` of those that touch them."""
    keys = list(keys)
    connection_ids = list(Connection.objects.visible().order_by().values_list("pk", flat=True))
    rows = (
        Dataset.objects.filter(connection_id__in=connection_ids, id__in=[key["id"] for key in keys])
        .values("id")
        .annotate(
            is_described=BoolOr("described"),
            connection_ids=ArrayAgg("connection_id", order_by="connection_id"),
        )
    )
    facts = {row["id"]: row for row in rows}
    return [{**key, **facts[key["id"]]} for key in keys if key["id"] in facts]
