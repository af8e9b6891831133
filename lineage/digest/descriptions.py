"""Descriptions of jobs by events, in groups of columns that change independently: mostly a facet each.

In each group the latest event wins, by event time to the second; of several in one second, the greatest values win.
So a description that a job repeats with each event is written once a second at most. Its twin in SQL is
lineage/digest/statements/jobs.py.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

from lineage.events import JobFacts
from lineage.events.identity import job_id

Row = tuple[Any, ...]
Key = tuple[UUID, UUID]  # connection id, id
# The values of a group of columns; empty where nothing was said.
Group = tuple[Any, ...]
Description = tuple[Group, ...]

# Group: the column of its time → its other columns, which are compared if the times are equal.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "described_at": ("integration", "kind", "processing_type"),
    "description_said_at": ("description",),
    "owners_said_at": ("owners",),
    "tags_said_at": ("tags",),
    "schedule_said_at": ("schedule", "schedule_timezone"),
    "source_said_at": ("source_url",),
    "parent_said_at": ("parent_job_namespace", "parent_job_name", "parent_job_id"),
}
COLUMNS: Final = tuple(chain.from_iterable((at, *values) for at, values in GROUPS.items()))
_NOTHING: Final = tuple((None,) * (1 + len(values)) for values in GROUPS.values())
# The time of derived values: any value that an event says wins.
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


def description(connection_id: UUID, job: JobFacts, time: datetime) -> Description:
    """The description of a job by one event."""
    at = time.replace(microsecond=0)
    parent = job.parent
    return (
        (at if job.declared else _BEFORE_ALL, job.integration, job.kind, job.processing_type),
        () if job.description is None else (at, job.description),
        () if job.owners is None else (at, job.owners),
        () if job.tags is None else (at, job.tags),
        () if job.schedule is None else (at, *job.schedule),
        () if job.source_url is None else (at, job.source_url),
        () if parent is None else (at, *parent, job_id(connection_id, *parent)),
    )


def merged(one: Description, other: Description) -> Description:
    """Merges two descriptions. Commutative and associative."""
    return tuple(map(max, one, other))


def description_rows(descriptions: Mapping[Key, Description]) -> list[Row]:
    """Makes rows (connection id, id, and the columns), sorted. A group without description has None in each column."""
    return [(*key, *_flat(descriptions[key])) for key in sorted(descriptions)]


def _flat(said: Description) -> Row:
    (described_at, *job_type), *others = said
    columns = [None if described_at == _BEFORE_ALL else described_at, *job_type]
    for group, nothing in zip(others, _NOTHING[1:], strict=True):
        columns += group or nothing
    return tuple(columns)
