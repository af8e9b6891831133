"""What this process has seen committed: rows that need not be written again.

Most events name jobs, datasets and edges that were named before. Their rows go only with their whole connection (see
lineage/removal.py), whose id never comes back; so what was once committed may be left out, whichever process meets it
next. What a process remembers ends after some minutes all the same, and whenever its database was away: a restored
backup, or somebody's DELETE, is made good.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from lineage.projection.rows import Key, Row, Rows, ordered

# Of each kind: about 250 bytes an entry.
_MOST: Final = 30_000
_SECONDS: Final = 300.0


class Written:
    """Thread-safe: a race costs a write that was not needed, never a row."""

    def __init__(
        self, *, most: int = _MOST, seconds: float = _SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._monotonic = most, seconds, monotonic
        self.forget()

    def forget(self) -> None:
        self._jobs: dict[Key, bool] = {}
        self._described: dict[Key, bool] = {}
        # The first and the last hour.
        self._edges: dict[Key, tuple[Any, Any]] = {}
        self._until = self._monotonic() + self._seconds

    def jobs(self, rows: Rows) -> list[Row]:
        """Those to be added, sorted."""
        return ordered({key: row for key, row in rows.jobs.items() if key not in self._jobs})

    def datasets(self, rows: Rows) -> list[Row]:
        """Those to be added, sorted."""
        return ordered({key: row for key, row in rows.datasets.items() if key not in self._described})

    def described(self, rows: Rows) -> list[Key]:
        """Datasets to be marked as described, sorted."""
        return sorted(key for key, row in rows.datasets.items() if row[4] and not self._described.get(key))

    def edges(self, rows: Rows) -> list[Row]:
        """Those to be added or to be given another hour, sorted."""
        return ordered({key: row for key, row in rows.edges.items() if not self._covers(key, row)})

    def note(self, rows: Rows) -> None:
        """To be called once the rows are committed."""
        if self._monotonic() > self._until or self._entries() > self._most:
            self.forget()
        self._jobs.update(dict.fromkeys(rows.jobs, True))
        for key, row in rows.datasets.items():
            self._described[key] = row[4] or self._described.get(key, False)
        self._edges.update(self._widened(rows))

    def _covers(self, key: Key, row: Row) -> bool:
        hours = self._edges.get(key)
        return hours is not None and hours[0] <= row[5] and row[6] <= hours[1]

    def _widened(self, rows: Rows) -> Iterator[tuple[Key, tuple[Any, Any]]]:
        for key, row in rows.edges.items():
            first, last = self._edges.get(key, row[5:7])
            yield key, (min(first, row[5]), max(last, row[6]))

    def _entries(self) -> int:
        return max(len(self._jobs), len(self._described), len(self._edges))
