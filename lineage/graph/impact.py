"""Impact of failures: which datasets wait for a run, are built on old data, or are fresh again. Pure.

A dataset whose writer failed is old since that failure. What is made of it waits until its own job runs; if that job
completed since without waiting, it is built on old data. Once the writer completed again, what ran after that is fresh.
A view that no job writes shows what its sources hold: it waits, is old or fresh as they are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

State = Literal["failed", "waiting", "old_data", "fresh_again"]


class Writer(NamedTuple):
    """Runs of the job that writes a dataset. `completed_at`, `ended_at`: when its last completed run began and ended.
    `failed_at`: when its first run after that began which failed or was lost; None: none did."""

    completed_at: datetime | None = None
    ended_at: datetime | None = None
    failed_at: datetime | None = None


class _Old(NamedTuple):
    """A dataset is old since a moment, until it was fresh again; None: it still is."""

    since: datetime
    fresh_at: datetime | None


def impact(
    lines: Iterable[tuple[UUID, UUID]],
    writers: Mapping[UUID, Writer],
    distances: Mapping[UUID, int],
    *,
    failed_before: Mapping[UUID, datetime] | None = None,
    views: Collection[UUID] = (),
) -> dict[UUID, State]:
    """Return the state of each dataset that a failure concerns.

    `lines`: datasets, and those that are made of them. `writers`, `distances`: of each dataset. `failed_before`: when
    the run failed that is asked about, for the datasets that it writes, even if its job completed since. `views`:
    datasets that are made of others without a job.
    """
    sources: dict[UUID, set[UUID]] = defaultdict(set)
    for source, target in lines:
        if source != target:
            sources[target].add(source)
    states: dict[UUID, State] = {}
    old: dict[UUID, _Old] = {}
    for dataset in sorted(distances, key=lambda id_: (distances[id_], id_)):
        writer = writers.get(dataset, Writer())
        if dataset in (failed_before or {}):
            since = (failed_before or {})[dataset]
            again = writer.completed_at is not None and writer.completed_at > since
            states[dataset] = "fresh_again" if again else "failed"
            old[dataset] = _Old(since, writer.ended_at if again else None)
        elif writer.failed_at is not None:
            states[dataset], old[dataset] = "failed", _Old(writer.failed_at, None)
        elif concerned := [source for source in sorted(sources[dataset]) if source in old]:
            of_sources = [old[source] for source in concerned]
            if dataset in views:
                states[dataset], old[dataset] = _of_view([states[source] for source in concerned], of_sources)
            else:
                states[dataset], old[dataset] = _below(of_sources, writer)
    return states


def _below(sources: list[_Old], writer: Writer) -> tuple[State, _Old]:
    """Return the state of a dataset that is made of old ones."""
    since = min(source.since for source in sources)
    ran_at = writer.completed_at
    if ran_at is None or ran_at < since:
        return "waiting", _Old(since, None)
    if all(source.fresh_at is not None and source.fresh_at <= ran_at for source in sources):
        return "fresh_again", _Old(since, writer.ended_at)
    return "old_data", _Old(since, None)


def _of_view(states: list[State], sources: list[_Old]) -> tuple[State, _Old]:
    """Return the state of a view of old datasets. `states`: theirs."""
    since = min(source.since for source in sources)
    fresh = [source.fresh_at for source in sources if source.fresh_at is not None]
    if len(fresh) == len(sources):
        return "fresh_again", _Old(since, max(fresh))
    waits = "failed" in states or "waiting" in states
    return "waiting" if waits else "old_data", _Old(since, None)
