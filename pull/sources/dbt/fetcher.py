"""Fetches from the place where dbt's artifacts lie.

dbt writes run_results.json at the end of a command, with one result of each node; nothing is known before. A window
takes the artifacts that dbt wrote in it, and those that came to the place in it, up to a week late. A URL does not say
when they came: they did just now, if they were not read yet. So nothing needs to be remembered; what is read twice
gives equal events. If each command overwrites the artifacts of the one before, only the last one before a sync is
seen.

A file that is not written to its end yet is a problem of the sync, and is read again: its time changes when it is
whole.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

from pull.sources.dbt.artifacts import Catalog, Manifest, RunResults, Unreadable, decode
from pull.sources.dbt.events import Writer, command_end, command_job
from pull.sources.dbt.places import Artifacts, Place, read_manifest
from pull.sources.dbt.probe import probe
from pull.sources.fetched import Batch, DescribedJob, ListedRun, Window
from pull.sources.fetcher import Memory, Opened, Step

LATE: Final = timedelta(days=7)
_AT_ONCE: Final = 500
_STATES: Final = {"COMPLETE": "COMPLETED", "FAIL": "FAILED"}


class Namespaces(NamedTuple):
    """OpenLineage namespaces of the jobs, and of the tables."""

    jobs: str
    tables: str


class DbtFetcher:
    def __init__(self, opened: Opened, place: Place, namespaces: Namespaces) -> None:
        self._client = opened.client
        self._memory: Memory = opened.memory
        self._place = place
        self._namespaces = namespaces
        # The last manifest, which many commands may share.
        self._manifest: tuple[tuple[str, str], Manifest] | None = None

    def close(self) -> None:
        self._client.close()

    def now(self) -> datetime | None:
        return None

    def probe(self) -> Iterator[Step]:
        return probe(self._place, self._namespaces.tables)

    def jobs(self) -> Iterator[DescribedJob]:
        found = self._place.find({})
        if not found:
            return
        try:
            manifest, catalog = self._manifest_of(found[-1]), self._catalog_of(found[-1], Counter())
        except Unreadable:  # a problem of the runs
            return
        yield from Writer(*self._namespaces, manifest, catalog).described()

    def runs(self, window: Window) -> Iterator[Batch]:
        known: dict[str, str] = self._memory.setdefault("versions", {})
        for artifacts in self._place.find(known):
            if artifacts.came_at is not None and artifacts.came_at < window.since:
                continue
            try:
                results = self._results_of(artifacts)
                if not is_in(window, results.ended_at, artifacts.came_at):
                    continue
                if results.is_of_runs:
                    yield from self._batches(artifacts, results)
            except Unreadable as fault:
                if artifacts.came_at is None or artifacts.came_at < window.until:
                    yield Batch([], {fault.words: 1})
            else:
                # All of it is stored by now.
                known[artifacts.name] = artifacts.version

    def listed(self, since: datetime, most: int) -> Iterator[ListedRun]:
        for artifacts in reversed(self._place.find({})):
            if most == 0 or (artifacts.came_at is not None and artifacts.came_at < since):
                return
            results = self._results_of(artifacts)
            if results.is_of_runs and results.started_at >= since:
                job = command_job(self._manifest_of(artifacts).project)
                state = _STATES[command_end(results)]
                yield ListedRun(job, results.metadata.invocation_id, state, results.started_at)
                most -= 1

    def _batches(self, artifacts: Artifacts, results: RunResults) -> Iterator[Batch]:
        problems: Counter[str] = Counter()
        manifest, catalog = self._manifest_of(artifacts), self._catalog_of(artifacts, problems)
        bodies = Writer(*self._namespaces, manifest, catalog).command(results, problems)
        while some := list(islice(bodies, _AT_ONCE)):
            yield Batch(some)
        yield Batch([], problems)

    def _results_of(self, artifacts: Artifacts) -> RunResults:
        return decode(self._place.read(artifacts.name) or b"", RunResults, artifacts.name)

    def _manifest_of(self, artifacts: Artifacts) -> Manifest:
        """Raises Unreadable, also if there is none."""
        name = artifacts.manifest
        key = name, artifacts.version.rpartition(" ")[2]
        if self._manifest is None or self._manifest[0] != key:
            manifest = read_manifest(self._place, artifacts)
            self._manifest = key, manifest
        return self._manifest[1]

    def _catalog_of(self, artifacts: Artifacts, problems: Counter[str]) -> Catalog | None:
        """The catalog, if there is one that can be read: it only adds columns."""
        content = self._place.read(artifacts.catalog) if artifacts.catalog else None
        try:
            return decode(content, Catalog, artifacts.catalog) if content else None
        except Unreadable as fault:
            problems[fault.words] += 1
            return None


def is_in(window: Window, written_at: datetime, came_at: datetime | None) -> bool:
    """Tell whether a window takes artifacts: see above. `came_at`: None: just now."""
    if window.since <= written_at < window.until:
        return True
    came_in = came_at is None or window.since <= came_at < window.until
    return came_in and written_at >= window.since - LATE
