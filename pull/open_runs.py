"""Runs of a source that are read in each sync until they have ended.

The end of a run is stored first, and the run is forgotten then. A worker that is stopped between the two leaves the
run here, and the next one stores its end again, which is a repeat. So no lease is needed to write here.
"""

from collections.abc import Collection
from uuid import UUID

from pull.models import OpenRun


class StoredOpenRuns:
    """pull.sources.fetcher.OpenRuns in the database."""

    def __init__(self, source_id: UUID) -> None:
        self._source_id = source_id

    def keys(self) -> Collection[str]:
        found = OpenRun.objects.filter(source_id=self._source_id).order_by("first_seen_at", "key")
        return list(found.values_list("key", flat=True))

    def add(self, keys: Collection[str]) -> None:
        rows = [OpenRun(source_id=self._source_id, key=key) for key in sorted(set(keys))]
        OpenRun.objects.bulk_create(rows, ignore_conflicts=True)

    def remove(self, keys: Collection[str]) -> None:
        if keys:
            OpenRun.objects.filter(source_id=self._source_id, key__in=keys).delete()
