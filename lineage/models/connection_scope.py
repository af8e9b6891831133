"""Common parts of the tables: each row belongs to one connection."""

from typing import Any, Self

from django.db import models

from connections.models import Connection
from connections.querysets import Reader, without_hidden


def connection_key() -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        Connection, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class ConnectionScopedQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def visible(self, reader: Reader) -> Self:
        """Keep rows of the connections that `reader` may see."""
        if not reader.is_authenticated:
            return self.none()
        return without_hidden(self.filter(connection__removed_at__isnull=True), reader, "connection_id")

    def of(self, connection: Connection) -> Self:
        """Keep rows of one connection."""
        return self.filter(connection_id=connection.pk)
