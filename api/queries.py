"""Queries of the views: rows of visible connections only, each in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg, BoolOr
from django.db.models import Prefetch

from connections.models import Connection
from connections.privacy import PrivacyClass
from connections.querysets import Reader
from lineage.events.privacy import hidden_text
from lineage.models import Dataset, Event, Job, Run
from lineage.models.event import EventQuerySet
from lineage.models.run_queryset import RunQuerySet
from lineage.runs.runs_with_id import runs_with_id


def visible_connections(reader: Reader) -> list[UUID]:
    """The ids of the connections that `reader` may see. Named one by one, PostgreSQL follows the index of all runs."""
    return list(Connection.objects.visible(reader).order_by().values_list("pk", flat=True))


def with_jobs(runs: RunQuerySet, connection_ids: Iterable[UUID]) -> RunQuerySet:
    """Runs with their jobs, which a second query reads.

    A join would make PostgreSQL expect too few runs, and sort all of them instead of following the index.
    """
    return runs.prefetch_related(Prefetch("job", Job.objects.filter(connection_id__in=connection_ids)))


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run, and the ids of the other connections that hold a run with its id."""

    run: Run
    other_connections: Sequence[UUID]


class SeveralRuns(Exception):
    """Several runs of one connection have the run id."""

    def __init__(self, runs: Sequence[Run]) -> None:
        super().__init__(len(runs))
        self.runs = runs


def find_run(
    run_id: UUID, reader: Reader, *, connection_id: UUID | None, job_id: UUID | None, map_index: int | None
) -> FoundRun | None:
    """The run with this run id in that connection, or, without one, in the connection where it was last active.

    `job_id`, `map_index`: which of several; None: any. Raises SeveralRuns.
    """
    found = runs_with_id(run_id, visible_connections(reader), job_id=job_id, map_index=map_index)
    first = next((run for run in found if connection_id in (None, run.connection_id)), None)
    if first is None:
        return None
    here = [run for run in found if run.connection_id == first.connection_id]
    if len(here) > 1:
        raise SeveralRuns(here)
    return FoundRun(first, sorted({run.connection_id for run in found} - {first.connection_id}))


def of_run(events: EventQuerySet, run: Run) -> Any:
    """Events of a run without their bodies, with the sizes of these (`body_bytes`), as dicts.

    The span of time keeps PostgreSQL to the partitions that hold them.
    """
    return events.filter(
        connection_id=run.connection_id,
        subject_id__in=run.event_subject_ids,
        kind=Event.Kind.RUN,
        event_time__range=(run.first_event_at, run.last_event_at),
    ).values("connection_id", "event_time", "id", "received_at", "event_type", "body_bytes")


def count_dropped(events: Any, run: Run, *, now: datetime) -> int:
    """Count the events of a run (see `of_run`) that are stored no more. They are kept for a day at least."""
    if run.first_event_at > now - timedelta(days=1):
        return 0
    return max(run.event_count - int(events.count()), 0)


def bodies_of_events(events: Sequence[dict[str, Any]], hidden: frozenset[PrivacyClass]) -> dict[tuple[Any, UUID], str]:
    """(event time, id) → the body without the classes `hidden`, of events of one connection, sorted by time."""
    if not events:
        return {}
    rows = Event.objects.filter(
        connection_id=events[0]["connection_id"],
        event_time__range=(events[0]["event_time"], events[-1]["event_time"]),
        id__in=[event["id"] for event in events],
    )
    return {(time, id_): hidden_text(body, hidden) for time, id_, body in rows.values_list("event_time", "id", "body")}


def datasets_with(keys: Iterable[dict[str, Any]], reader: Reader) -> list[dict[str, Any]]:
    """The datasets with these keys, in their order: `is_described`, and `connection_ids` of those that touch them."""
    keys = list(keys)
    connection_ids = visible_connections(reader)
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
