"""Comparison of two runs of one job: what differs in duration, tries, datasets, child runs and facets. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from lineage.events.contents import RunContents
from lineage.runs.run_datasets import RunDataset

# A dataset that only one of the runs names is missing in this run, or new in it.
Presence = Literal["both", "missing", "new"]
# Facets that differ in each run: they name the run itself, its times and its result.
_OF_EACH_RUN: Final = frozenset({"errorMessage", "nominalTime", "parent", "parentRun", "externalQuery"})
_OF_SCHEMAS: Final = frozenset({"_producer", "_schemaURL"})
_NO_TIME: Final = timedelta(0)
# Least difference between the durations of two child runs that is shown.
_NOTABLE: Final = timedelta(seconds=10)
# Values with a date or a UUID in them name the run or its time, too.
_OF_A_RUN: Final = re.compile(r"\d{4}-\d{2}-\d{2}|[0-9a-f]{8}-[0-9a-f]{4}-")


class DatasetChange(NamedTuple):
    """Dataset of either run. `rows`, `then`: rows of this run and of the other; None: not reported."""

    namespace: str
    name: str
    dataset_id: UUID
    direction: str
    presence: Presence
    rows: int | None
    then: int | None

    @property
    def percent(self) -> float | None:
        """Change of the rows in percent. None: not known, or there were none."""
        if self.rows is None or not self.then:
            return None
        return 100 * (self.rows - self.then) / self.then

    @property
    def signed_percent(self) -> str:
        """Return the change as `+1.2 %`, from 10 % on without decimals. Empty: not known."""
        if self.percent is None:
            return ""
        sign = "\N{MINUS SIGN}" if self.percent < 0 else "+"
        return f"{sign}{abs(self.percent):.{int(abs(self.percent) < 10)}f} %"


class Child(NamedTuple):
    """Child run of a run that is compared: the last try of its job, or of an instance of a mapped one."""

    state: str
    duration: timedelta | None = None
    attempt: int | None = None


class ChildChange(NamedTuple):
    """Job whose child run differs from that of the other run: in its state, its try, or much in its duration. None: it
    has no run there."""

    name: str
    now: Child | None
    then: Child | None

    @property
    def has_other_state(self) -> bool:
        return (self.now and self.now.state) != (self.then and self.then.state)

    @property
    def longer_by(self) -> timedelta:
        """Time by which it took longer; negative: shorter. Zero: not known."""
        durations = (self.now and self.now.duration, self.then and self.then.duration)
        return _NO_TIME if None in durations else durations[0] - durations[1]  # type: ignore[operator]

    @property
    def is_notable(self) -> bool:
        if self.has_other_state or self.now is None or self.then is None:
            return True
        return self.now.attempt != self.then.attempt or self._took_much_longer

    @property
    def _took_much_longer(self) -> bool:
        """True if it took at least twice or half as long, and not only by seconds."""
        durations = sorted(one.duration or _NO_TIME for one in (self.now, self.then) if one)
        return abs(self.longer_by) >= _NOTABLE and durations[-1] >= 2 * durations[0]


class FieldChange(NamedTuple):
    """Value in a facet that differs. `path`: facet and fields, with dots. Empty: that run does not have it."""

    path: str
    value: str
    then: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences between this run and another one."""

    duration: timedelta | None
    duration_then: timedelta | None
    attempt: int | None
    attempt_then: int | None
    datasets: tuple[DatasetChange, ...]
    children: tuple[ChildChange, ...]
    fields: tuple[FieldChange, ...]

    @property
    def times(self) -> float | None:
        """The duration as a multiple of the other one. None: not known."""
        return self.duration / self.duration_then if self.duration is not None and self.duration_then else None

    @property
    def has_other_attempt(self) -> bool:
        return self.attempt != self.attempt_then

    @property
    def changed_datasets(self) -> list[DatasetChange]:
        """Return the datasets that only one run names, or of which the rows differ."""
        return [one for one in self.datasets if one.presence != "both" or one.rows != one.then]

    @property
    def same_datasets(self) -> int:
        return len(self.datasets) - len(self.changed_datasets)


@dataclass(frozen=True, slots=True)
class Side:
    """Run that is compared. `children`: name of the job → its child run. `has_more_children`: some are left out."""

    duration: timedelta | None
    attempt: int | None
    datasets: Sequence[RunDataset]
    children: Mapping[str, Child]
    contents: RunContents
    has_more_children: bool = False


def compare(this: Side, other: Side) -> Comparison:
    return Comparison(
        this.duration,
        other.duration,
        this.attempt,
        other.attempt,
        tuple(_datasets(this.datasets, other.datasets)),
        tuple(_children(this, other)),
        tuple(_facets(this.contents, other.contents)),
    )


def _datasets(this: Iterable[RunDataset], other: Iterable[RunDataset]) -> list[DatasetChange]:
    """Written datasets come first, of these those that are missing."""
    now, then = (
        {(one.direction, one.dataset.namespace, one.dataset.name): one for one in of_run} for of_run in (this, other)
    )
    found = []
    for key in now.keys() | then.keys():
        direction, namespace, name = key
        here, there = now.get(key), then.get(key)
        presence: Presence = "both" if here and there else "new" if here else "missing"
        dataset = (here or then[key]).dataset
        rows = here.rows if here else None, there.rows if there else None
        found.append(DatasetChange(namespace, name, dataset.id, direction, presence, *rows))
    return sorted(found, key=lambda one: (one.direction != "WRITES", one.presence != "missing", one.name))


def _children(this: Side, other: Side) -> list[ChildChange]:
    """Compare child runs: those in another state come first, then those that took longer. Of a run that has too many,
    a job without a run is not known to have none."""
    names = sorted({*this.children, *other.children})
    changes = (ChildChange(name, this.children.get(name), other.children.get(name)) for name in names)
    found = [
        one
        for one in changes
        if one.is_notable
        and not (one.now is None and this.has_more_children)
        and not (one.then is None and other.has_more_children)
    ]
    return sorted(found, key=lambda one: (not one.has_other_state, -one.longer_by))


def _facets(this: RunContents, other: RunContents) -> list[FieldChange]:
    now, then = (_leaves({**contents.run_facets, **contents.job_facets}) for contents in (this, other))
    changes = (FieldChange(path, now.get(path, ""), then.get(path, "")) for path in sorted({*now, *then}))
    return [one for one in changes if one.value != one.then and not _OF_A_RUN.search(one.value + one.then)]


def _leaves(facets: Mapping[str, Any]) -> dict[str, str]:
    """Return path → text of each value. Lists are one value. What is new in each run is left out."""
    found: dict[str, str] = {}
    open_: list[tuple[str, Any]] = [(name, value) for name, value in facets.items() if name not in _OF_EACH_RUN]
    while open_:
        path, value = open_.pop()
        if isinstance(value, dict) and value:
            open_ += [(f"{path}.{name}", inner) for name, inner in value.items() if name not in _OF_SCHEMAS]
        else:
            found[path] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
