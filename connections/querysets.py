"""Reads of connections, routes, keys and attempts. They import no models: models import them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models.functions import Now

from connections.routing import Made

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from connections.models import (  # noqa: F401 - for annotations
        ApiKey,
        Attempt,
        Connection,
        Route,
        UnmatchedNamespace,
        WorkspaceKey,
    )


# The person for whom something is read: `request.user`.
Reader: TypeAlias = "AbstractBaseUser | AnonymousUser"
_Rows = TypeVar("_Rows", bound="models.QuerySet[Any]")


def unseen_by(reader: Reader) -> list[UUID]:
    """Return the ids of the connections that `reader` may not see, of those that show themselves to members only.

    Read once for each request, and kept with its user: most often there are none, and no statement grows by them.
    """
    hidden: list[UUID] | None = getattr(reader, "_hidden_connections", None)
    if hidden is None:
        hidden = _read_hidden(reader)
        reader._hidden_connections = hidden  # type: ignore[union-attr]  # noqa: SLF001
    return hidden


def _read_hidden(reader: Reader) -> list[UUID]:
    if getattr(reader, "is_superuser", False):
        return []
    # A short statement, because every page sends it, and the next one only where it is needed.
    connections = apps.get_model("connections", "Connection")._default_manager.order_by()  # noqa: SLF001
    members_only = set(connections.filter(visibility="members").values_list("pk", flat=True))
    if not members_only:
        return []
    access = apps.get_model("connections", "ConnectionAccess")._default_manager  # noqa: SLF001
    theirs = access.filter(models.Q(user=reader.pk) | models.Q(group__user=reader.pk))
    return sorted(members_only - set(theirs.values_list("connection_id", flat=True)))


def without_hidden(rows: _Rows, reader: Reader, field: str) -> _Rows:
    """Keep rows whose connection, named by `field`, the reader may see."""
    hidden = unseen_by(reader)
    return rows.exclude(**{f"{field}__in": hidden}) if hidden else rows


_NOT_ACCEPTED = ("rejected", "test")


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def live(self) -> Self:
        """Connections that are not removed, for work that is done for no reader."""
        return self.filter(removed_at__isnull=True)

    def lock(self, connection_id: UUID, *, commits_wait: bool = False) -> Connection:
        """The connection, to be neither removed nor changed by others until the transaction ends. Raises
        Connection.DoesNotExist if it was removed.

        The intake goes on, unless `commits_wait`: then its commits that are under way end before, and the next ones
        wait.
        """
        return self.live().select_for_update(no_key=not commits_wait).get(pk=connection_id)

    def visible(self, reader: Reader) -> Self:
        """Live connections that `reader` may see: none without a sign-in, all for administrators, and for others those
        that everybody sees or that they are a member of."""
        return without_hidden(self.live(), reader, "pk") if reader.is_authenticated else self.none()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> Self:
        """Keys whose connection is not removed."""
        return self.filter(connection__removed_at__isnull=True)

    def visible(self, reader: Reader) -> Self:
        """Keys of the connections that `reader` may see."""
        return without_hidden(self.live(), reader, "connection_id") if reader.is_authenticated else self.none()


class WorkspaceKeyQuerySet(models.QuerySet["WorkspaceKey"]):
    def live(self) -> Self:
        """Keys that have not expired, by the database's clock."""
        return self.filter(models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=Now()))

    def reached(self, connection_ids: Iterable[UUID]) -> set[UUID]:
        """Find the connections among the given ones to which a live key may send. No query if none are given."""
        ids = set(connection_ids)
        if not ids:
            return ids
        if self.live().filter(scope="all").exists():
            return ids
        return set(self.live().filter(connections__in=ids).values_list("connections", flat=True)) & ids


class RouteQuerySet(models.QuerySet["Route"]):
    def visible(self, reader: Reader) -> Self:
        """Routes of the connections that `reader` may see."""
        of_live = self.filter(connection__isnull=False, connection__removed_at__isnull=True)
        return without_hidden(of_live, reader, "connection_id") if reader.is_authenticated else self.none()

    def made_by_events(self, *, now: datetime) -> Made:
        """Count the connections that events made."""
        made = self.filter(made_by_event=True)
        return Made(made.filter(created_at__gt=now - timedelta(hours=1)).count(), made.count())


class UnmatchedNamespaceQuerySet(models.QuerySet["UnmatchedNamespace"]):
    def newest(self, limit: int) -> Self:
        """The `limit` namespaces that were refused last, the newest first."""
        return self.order_by("-last_at", "-id")[:limit]


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def of_kind(self, kind: str) -> Self:
        """The "rejected" ones, the "test" ones, or the "accepted": stored and repeats."""
        return self.exclude(outcome__in=_NOT_ACCEPTED) if kind == "accepted" else self.filter(outcome=kind)

    def sent(self) -> Self:
        """Attempts of senders: all but the tests that people made on the connection's page."""
        return self.exclude(outcome="test")

    def newest(self, limit: int) -> Self:
        """The last `limit` attempts, newest first."""
        return self.order_by("-at", "-id")[:limit]
