"""Reads of connections, keys and attempts. They import no models: models import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from connections.models import ApiKey, Attempt, Connection  # noqa: F401 - for annotations


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def visible(self) -> Self:
        """Those that nobody removed."""
        return self.filter(removed_at__isnull=True)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> Self:
        """Those whose connection nobody removed."""
        return self.filter(connection__removed_at__isnull=True)


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def newest(self, limit: int) -> Self:
        return self.order_by("-at", "-id")[:limit]
