"""What this process has seen committed: rows that need not be written again.

Most events name jobs, datasets and edges that were named before, and say the same of their jobs. Their rows go only
with their whole connection (see lineage/upkeep/removal.py), whose id never comes back; so what was once committed may
be left out, whichever process meets it next. What a process remembers ends after some minutes all the same, and
whenever its database was away: a restored backup, or somebody's DELETE, is made good.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from lineage.digest.descriptions import Description
from lineage.digest.fold import Key, PackedKey, Row, Rows, ordered

# Of each kind: 250 bytes an entry, about 700 of a job.
_MOST: Final = 30_000
_SECONDS: Final = 300.0


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
        # Of each group of columns, when it was said, and a hash of what: texts are long.
        self._jobs: dict[Key, tuple[Said, ...]] = {}
        self._described: dict[PackedKey, bool] = {}
        # The first and the last hour.
        self._edges: dict[PackedKey, tuple[Any, Any]] = {}
        self._until = self._monotonic() + self._seconds

    def jobs(self, rows: Rows) -> list[Row]:
        """Those to be added, sorted."""
        return ordered(row for key, row in rows.jobs.items() if key not in self._jobs)

    def descriptions(self, rows: Rows) -> dict[Key, Description]:
        """Those of jobs that say something new."""
        return {key: said for key, said in rows.descriptions.items() if not self._says(key, said)}

    def datasets(self, rows: Rows) -> list[Row]:
        """Those to be added, sorted."""
        return ordered(row for key, row in rows.datasets.items() if key not in self._described)

    def described(self, rows: Rows) -> list[Key]:
        """Datasets to be marked as described, sorted."""
        return sorted(row[:2] for key, row in rows.datasets.items() if row[4] and not self._described.get(key))

    def edges(self, rows: Rows) -> list[Row]:
        """Those to be added or to be given another hour, sorted."""
        return ordered(row for key, row in rows.edges.items() if not self._covers(key, row))

    def note(self, rows: Rows) -> None:
        """To be called once the rows are committed."""
        if self._monotonic() > self._until or self._entries() > self._most:
            self.forget()
        for key, said in rows.descriptions.items():
            self._note_description(key, said)
        for dataset, row in rows.datasets.items():
            if not self._described.get(dataset):
                self._described[dataset] = row[4]
        self._edges.update(self._widened(rows))

    def _says(self, key: Key, said: Description) -> bool:
        """Whether each group was committed with a later time, or with the same and the same values."""
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

    def _covers(self, key: PackedKey, row: Row) -> bool:
        hours = self._edges.get(key)
        return hours is not None and hours[0] <= row[5] and row[6] <= hours[1]

    def _widened(self, rows: Rows) -> Iterator[tuple[PackedKey, tuple[Any, Any]]]:
        for key, row in rows.edges.items():
            if not self._covers(key, row):
                first, last = self._edges.get(key, row[5:7])
                yield key, (min(first, row[5]), max(last, row[6]))

    def _entries(self) -> int:
        return max(len(self._jobs), len(self._described), len(self._edges))
