"""Comparison of a run with an earlier one, as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connections.privacy import PrivacyClass
from connections.querysets import Reader
from lineage.events.clocks import known_duration
from lineage.events.contents import RunContents
from lineage.models import Run
from lineage.runs.comparison import Child, ChildChange, Comparison, DatasetChange, FieldChange, Side, compare
from lineage.runs.durations import run_duration
from lineage.runs.facets_of_run import AT_A_GLANCE, read_run
from lineage.runs.neighbours import Neighbours
from lineage.runs.relations import children_of
from lineage.runs.run_datasets import RunDataset, datasets_of_run

# Runs with which one can be compared → how the page calls them.
KINDS: Final = {"good": "the last good run", "previous": "the run before"}
_MOST_CHILDREN: Final = 1000
_FIELDS_SHOWN: Final = 20
_DATASETS_SHOWN: Final = 50
_CHILDREN_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Compared:
    """Comparison with another run. `title`: how the page calls that."""

    title: str
    other: Run
    found: Comparison

    @property
    def datasets(self) -> Sequence[DatasetChange]:
        return self.found.changed_datasets[:_DATASETS_SHOWN]

    @property
    def more_datasets(self) -> int:
        return len(self.found.changed_datasets) - len(self.datasets)

    @property
    def children(self) -> Sequence[ChildChange]:
        return self.found.children[:_CHILDREN_SHOWN]

    @property
    def more_children(self) -> int:
        return len(self.found.children) - len(self.children)

    @property
    def fields(self) -> Sequence[FieldChange]:
        return self.found.fields[:_FIELDS_SHOWN]

    @property
    def more_fields(self) -> int:
        return len(self.found.fields) - len(self.fields)

    @property
    def is_equal(self) -> bool:
        found = self.found
        return not (found.changed_datasets or found.children or found.fields or found.has_other_attempt)


def read_comparison(
    run: Run,
    kind: str,
    neighbours: Neighbours,
    read: tuple[RunContents, Sequence[RunDataset]],
    reader: Reader,
    *,
    hidden: frozenset[PrivacyClass],
    now: datetime,
) -> Compared | None:
    """Compare a run with another one of its job. None: there is no such run. `read`: contents and datasets of the run.
    `hidden`: as in read_run. Twelve queries."""
    found = {"good": neighbours.last_good, "previous": neighbours.previous}.get(kind)
    if found is None:
        return None
    other = Run.objects.get(connection_id=found.connection_id, id=found.id)
    other.job = run.job
    contents = read_run(other, AT_A_GLANCE, hidden=hidden).contents
    then = _side(other, contents, datasets_of_run(other, contents), reader, now=now)
    return Compared(KINDS[kind], other, compare(_side(run, *read, reader, now=now), then))


def _side(run: Run, contents: RunContents, datasets: Sequence[RunDataset], reader: Reader, *, now: datetime) -> Side:
    columns = ("map_index", "shown_state", "attempt", "started_at", "shown_ended_at")
    latest = children_of(run, reader).order_by("-run_at", "-id").values_list("job__name", *columns)
    rows = list(latest[: _MOST_CHILDREN + 1])
    prefix = f"{run.job.name}."
    children = {}
    # The last try of a job replaces those before it.
    for name, index, state, attempt, start, end in reversed(rows[:_MOST_CHILDREN]):
        shown = name.removeprefix(prefix) + ("" if index is None else f" [{index}]")
        children[shown] = Child(state, known_duration(start, end), attempt)
    has_more = len(rows) > _MOST_CHILDREN
    return Side(run_duration(run, now=now), run.attempt, datasets, children, contents, has_more)
