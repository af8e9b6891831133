"""What the tables have in common: each row is of one connection."""

from typing import Any, Self

from django.db import models

from connections.models import Connection


def connection_key() -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        Connection, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class OfVisibleConnections(models.QuerySet):  # type: ignore[type-arg]
    def visible(self) -> Self:
        """Those of connections that nobody removed."""
        return self.filter(connection__removed_at__isnull=True)

    def of(self, connection: Connection) -> Self:
        """Those of one connection."""
        return self.filter(connection_id=connection.pk)
