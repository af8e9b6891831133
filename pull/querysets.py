"""Reads of sources and syncs. They import no models: models import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from connections.querysets import Reader, without_hidden

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from pull.models import PullSource, SyncRun  # noqa: F401 - for annotations


class PullSourceQuerySet(models.QuerySet["PullSource"]):
    def live(self) -> Self:
        """Sources whose connection is not removed."""
        return self.filter(connection__removed_at__isnull=True)

    def visible(self, reader: Reader) -> Self:
        """Sources of the connections that `reader` may see."""
        return without_hidden(self.live(), reader, "connection_id") if reader.is_authenticated else self.none()

    def due(self, now: datetime) -> Self:
        """Sources whose turn has come and that no worker has, the one that waits longest first."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
        return self.live().filter(free, paused_at__isnull=True, next_at__lte=now).order_by("next_at", "pk")

    def held(self, source_id: UUID, token: UUID) -> Self:
        """The source, if this lease still holds it."""
        return self.filter(pk=source_id, lease_token=token)


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def newest(self, count: int) -> Self:
        return self.order_by("-began_at", "-id")[:count]

    def newest_ended(self, source_ids: Collection[UUID]) -> Self:
        """Return the newest sync of each source that ended."""
        ended = self.filter(source__in=source_ids, ended_at__isnull=False)
        return ended.order_by("source_id", "-began_at", "-id").distinct("source_id")
