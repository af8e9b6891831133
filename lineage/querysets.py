"""Reads of events, jobs, runs, datasets and edges. They import no models: models import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from lineage.models import Dataset, Edge, Event, Job, Run  # noqa: F401 - for annotations


class _OfVisibleConnections(models.QuerySet):  # type: ignore[type-arg]
    def visible(self) -> Self:
        """Those of connections that nobody removed."""
        return self.filter(connection__removed_at__isnull=True)


class EventQuerySet(_OfVisibleConnections):
    pass


class JobQuerySet(_OfVisibleConnections):
    pass


class RunQuerySet(_OfVisibleConnections):
    pass


class DatasetQuerySet(_OfVisibleConnections):
    pass


class EdgeQuerySet(_OfVisibleConnections):
    pass
