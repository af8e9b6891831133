"""Reads of connections, keys and attempts. They import no models: models import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeAlias

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from connections.models import ApiKey, Attempt, Connection  # noqa: F401 - for annotations


# The person for whom something is read: `request.user`.
Reader: TypeAlias = "AbstractBaseUser | AnonymousUser"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def live(self) -> Self:
        """Connections that are not removed, for work that is done for no reader."""
        return self.filter(removed_at__isnull=True)

    def visible(self, reader: Reader) -> Self:
        """Connections that `reader` may see: who is signed in sees all live ones, and nobody else any."""
        return self.live() if reader.is_authenticated else self.none()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> Self:
        """Keys whose connection is not removed."""
        return self.filter(connection__removed_at__isnull=True)

    def visible(self, reader: Reader) -> Self:
        """Keys of the connections that `reader` may see."""
        return self.live() if reader.is_authenticated else self.none()


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def of_kind(self, kind: str) -> Self:
        """The "rejected" ones, or the "accepted": stored and repeats."""
        rejected = models.Q(outcome="rejected")
        return self.filter(rejected if kind == "rejected" else ~rejected)

    def newest(self, limit: int) -> Self:
        """The last `limit` attempts, newest first."""
        return self.order_by("-at", "-id")[:limit]
