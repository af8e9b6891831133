"""Reads of connections, keys and attempts. They import no models: models import them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self
from uuid import UUID

import psycopg
from django.db import models, transaction

if TYPE_CHECKING:
    from connections.models import ApiKey, Attempt, Connection  # noqa: F401 - for annotations


# Django's select_for_update knows FOR NO KEY UPDATE at the least, which would let in one writer at a time.
_LOCK_LIVE = b"""
SELECT api_key.id, api_key.connection_id
FROM connections_apikey api_key JOIN connections_connection connection ON connection.id = api_key.connection_id
WHERE api_key.id = ANY(%b::uuid[]) AND connection.removed_at IS NULL
FOR KEY SHARE OF connection
"""

# As `lock_live`, for a pipeline that is a transaction of its own: it fails with the SQLSTATE INSISTED unless all of
# these keys exist, on these connections. Parameters: their ids and their connections', as arrays.
INSIST_LIVE = b"""
SELECT insist(count(*) = cardinality($1::uuid[])) FROM (
    SELECT FROM unnest($1::uuid[], $2::uuid[]) AS said (id, connection_id)
    JOIN connections_apikey api_key ON api_key.id = said.id AND api_key.connection_id = said.connection_id
    JOIN connections_connection connection ON connection.id = api_key.connection_id
    WHERE connection.removed_at IS NULL
    FOR KEY SHARE OF connection
) AS live
"""
# The SQLSTATE of `insist` (connections/migrations/0001): what a transaction insisted on does not hold.
INSISTED = "OB001"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def visible(self) -> Self:
        """Those that nobody removed."""
        return self.filter(removed_at__isnull=True)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> Self:
        """Those whose connection nobody removed."""
        return self.filter(connection__removed_at__isnull=True)

    def lock_live(self, key_ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """Which of these keys still exist on connections that nobody removed: key id → connection id.

        Locks those connections FOR KEY SHARE until the transaction ends: events are committed before a removal
        that comes meanwhile, or not at all. These locks do not wait for one another, nor for a rename.
        Raises TransactionManagementError outside a transaction, where the locks would protect nothing.
        """
        session = transaction.get_connection(self.db)
        if not session.in_atomic_block:
            raise transaction.TransactionManagementError("lock_live protects nothing outside a transaction")
        with session.wrap_database_errors:
            cursor = psycopg.Cursor(session.connection)
            return dict(cursor.execute(_LOCK_LIVE, [list(key_ids)], prepare=True).fetchall())


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def of_kind(self, kind: str) -> Self:
        """The "rejected" ones, or the "accepted": stored and repeats."""
        rejected = models.Q(outcome="rejected")
        return self.filter(rejected if kind == "rejected" else ~rejected)

    def newest(self, limit: int) -> Self:
        """The last `limit` attempts, newest first."""
        return self.order_by("-at", "-id")[:limit]
