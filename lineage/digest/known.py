"""Remembers which rows this process saw committed: they need not be written again.

Most events name jobs, datasets and edges that were named before, and describe their jobs as before. Their rows go only
with their whole connection (see lineage/upkeep/removal.py), whose id never comes back; so what was once committed may
be left out, whichever process meets it next. A process forgets what it remembers after some minutes, and
whenever its database was away: so a restored backup, or a DELETE by hand, is made good.
"""

import time
from collections.abc import Callable, Mapping, Sized
from datetime import UTC, datetime
from typing import Any, Final

from lineage.digest.dataset_rows import FactKey, SeenFact
from lineage.digest.descriptions import Description
from lineage.digest.fold import Key, PackedKey, Rows
from lineage.rows.tables import ALIAS, EDGE, Row, Table, ordered

# The limit for each kind of row. An entry takes 250 bytes, that of a job about 700.
_MOST: Final = 30_000
_SECONDS: Final = 300.0
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


# A time and a hash, or nothing.
Said = tuple[Any, ...]


class Written:
    """Thread-safe: a race costs a write that was not needed, never a row."""

    def __init__(
        self, *, most: int = _MOST, seconds: float = _SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._monotonic = most, seconds, monotonic
        self.forget()

    def forget(self) -> None:
        # Job → for each group of columns the time, and a hash of the values: texts are long.
        self._jobs: dict[Key, tuple[Said, ...]] = {}
        self._described: dict[PackedKey, bool] = {}
        self._edges: dict[PackedKey, Row] = {}
        self._aliases: dict[Key, Row] = {}
        # The time of the first event, and the hour of the last one.
        self._facts: dict[FactKey, tuple[datetime, datetime]] = {}
        self._declared: dict[Key, datetime] = {}
        self._until = self._monotonic() + self._seconds

    def jobs(self, rows: Rows) -> list[Row]:
        """Jobs to be added, sorted."""
        return ordered(row for key, row in rows.jobs.items() if key not in self._jobs)

    def descriptions(self, rows: Rows) -> dict[Key, Description]:
        """Descriptions of jobs that say something new."""
        return {key: said for key, said in rows.descriptions.items() if not self._says(key, said)}

    def datasets(self, rows: Rows) -> list[Row]:
        """Datasets to be added, sorted."""
        return ordered(row for key, row in rows.datasets.items() if key not in self._described)

    def described(self, rows: Rows) -> list[Key]:
        """Datasets to be marked as described, sorted."""
        return sorted(row[:2] for key, row in rows.datasets.items() if row[4] and not self._described.get(key))

    def edges(self, rows: Rows) -> list[Row]:
        """Edges to be added or changed, sorted."""
        return ordered(row for key, row in rows.edges.items() if not _holds(EDGE, self._edges.get(key), row))

    def aliases(self, rows: Rows) -> list[Row]:
        """Aliases to be added or changed, sorted."""
        return ordered(row for key, row in rows.said.aliases.items() if not _holds(ALIAS, self._aliases.get(key), row))

    def facts(self, rows: Rows) -> dict[FactKey, SeenFact]:
        """Facts to be decoded, and added or given another time."""
        return {key: seen for key, seen in rows.said.facts.items() if not self._saw(key, seen)}

    def declared(self, rows: Rows) -> list[Row]:
        """Jobs that JobEvents declared, with a later time than before, sorted."""
        return ordered((*key, at) for key, at in rows.declared.items() if self._declared.get(key, _NEVER) < at)

    def note(self, rows: Rows) -> None:
        """Remembers rows. To be called once they are committed."""
        if self._monotonic() > self._until or self._entries() > self._most:
            self.forget()
        for key, said in rows.descriptions.items():
            self._note_description(key, said)
        for dataset, row in rows.datasets.items():
            if not self._described.get(dataset):
                self._described[dataset] = row[4]
        _join(EDGE, self._edges, rows.edges)
        _join(ALIAS, self._aliases, rows.said.aliases)
        for fact, seen in rows.said.facts.items():
            if not self._saw(fact, seen):
                first, last = self._facts.get(fact, seen[1:])
                self._facts[fact] = min(first, seen.first_at), max(last, seen.last_hour)
        for job, at in rows.declared.items():
            self._declared[job] = max(self._declared.get(job, at), at)

    def _says(self, key: Key, said: Description) -> bool:
        """Returns True if each group was committed with a later time, or with equal time and values."""
        known = self._jobs.get(key)
        if known is None:
            return False
        for group, one in zip(said, known, strict=True):
            if group and (not one or group[0] > one[0] or (group[0] == one[0] and hash(group[1:]) != one[1])):
                return False
        return True

    def _note_description(self, key: Key, said: Description) -> None:
        if self._says(key, said):
            return
        hashed: tuple[Said, ...] = tuple((group[0], hash(group[1:])) if group else () for group in said)
        known = self._jobs.get(key, hashed)
        self._jobs[key] = tuple(
            theirs if not ours or (theirs and theirs[0] >= ours[0]) else ours
            for ours, theirs in zip(known, hashed, strict=True)
        )

    def _saw(self, key: FactKey, seen: SeenFact) -> bool:
        known = self._facts.get(key)
        return known is not None and known[0] <= seen.first_at and seen.last_hour <= known[1]

    def _entries(self) -> int:
        kept: tuple[Sized, ...] = (self._jobs, self._described, self._edges, self._aliases, self._facts, self._declared)
        return max(map(len, kept))


def _holds(table: Table, known: Row | None, row: Row) -> bool:
    """Returns True if the known row would not change by the other one."""
    return known is not None and (known == row or table.merged(known, row) == known)


def _join(table: Table, known: dict[Any, Row], rows: Mapping[Any, Row]) -> None:
    for key, row in rows.items():
        before = known.get(key)
        if before is None:
            known[key] = row
        elif before != row:
            known[key] = table.merged(before, row)
